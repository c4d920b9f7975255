import Base
import Glibc
import LibAV
import TestSupport
import Testing

/// Pictures of one colour each, encoded; small enough to be cut at every length.
enum Sample {
    static func pictures(_ codec: VideoSettings.Codec, count: Int, width: Int = 64, height: Int = 48) throws -> [Packet]
    {
        let encoder = try Encoder(
            VideoSettings(
                codec: codec, width: width, height: height, framesPerSecond: 25, bitrateBitsPerSecond: 100_000))
        var packets: [Packet] = []
        for number in 0...count {
            let frame = number == count ? nil : try Frame(width: width, height: height)
            for plane in 0..<3 {
                _ = frame?.withPlane(plane) { bytes, _ in
                    bytes.initializeMemory(as: UInt8.self, repeating: plane == 0 ? UInt8(30 + number % 25 * 9) : 128)
                }
            }
            frame?.presentation = .milliseconds(40 * number)
            try encoder.send(frame)
            while let packet = try encoder.receive() { packets.append(packet) }
        }
        return packets
    }

    static func sound(seconds: Int) throws -> [Packet] {
        let encoder = try Encoder(opusBitrateBitsPerSecond: 64_000)
        var packets: [Packet] = []
        for number in 0..<50 * seconds {
            let samples = (0..<960).flatMap { sample in
                let value = Float((number * 960 + sample) % 48) / 48 - 0.5
                return [value, value]
            }
            let frame = try Frame(interleaved: samples)
            frame.presentation = .milliseconds(20 * number)
            try encoder.send(frame)
            while let packet = try encoder.receive() { packets.append(packet) }
        }
        return packets
    }

    /// A Matroska file of both.
    static func file() throws -> TemporaryFile {
        let file = try TemporaryFile()
        let writer = try ContainerWriter(
            descriptor: file.descriptor, name: "sample.mkv",
            tracks: [ContainerTrack(video: .vp8, width: 64, height: 48), ContainerTrack(opusChannels: 2)])
        for packet in try pictures(.vp8, count: 10) { try writer.write(packet, track: 0) }
        for packet in try sound(seconds: 1).prefix(20) { try writer.write(packet, track: 1) }
        try writer.finish()
        return file
    }
}

@Test(arguments: [VideoSettings.Codec.vp8, .h264])
func `what was written is read again`(codec: VideoSettings.Codec) throws {
    let file = try TemporaryFile()
    let pictures = try Sample.pictures(codec, count: 25)
    let sound = try Sample.sound(seconds: 1)
    #expect(pictures.count == 25)
    let writer = try ContainerWriter(
        descriptor: file.descriptor, name: "out.mkv",
        tracks: [
            ContainerTrack(
                video: codec == .vp8 ? .vp8 : .h264, width: 64, height: 48,
                setup: codec == .h264 ? pictures[0].bytes : []), ContainerTrack(opusChannels: 2),
        ])
    for packet in pictures { try writer.write(packet, track: 0) }
    for packet in sound { try writer.write(packet, track: 1) }
    try writer.finish()
    #expect(writer.size == file.bytes.count)

    let input = try Input(descriptor: file.descriptor, name: "out.mkv")
    #expect(input.formatName.contains("matroska"))
    #expect(input.streams.map(\.parameters.codecName) == [codec == .vp8 ? "vp8" : "h264", "opus"])
    #expect(input.streams[0].parameters.width == 64)
    #expect(input.streams[0].parameters.height == 48)
    let duration = try #require(input.duration)
    #expect(duration > .milliseconds(950) && duration < .milliseconds(1050))
    var times: [[Duration]] = [[], []]
    while let packet = try input.read() {
        times[packet.streamIndex].append(try #require(packet.presentation))
        if packet.streamIndex == 0 { #expect(packet.isKey == (times[0].count == 1)) }
    }
    #expect(times[0] == (0..<25).map { .milliseconds(40 * $0) })
    #expect(times[1].count == sound.count)
}

@Test func `a file that is never finished plays up to the last flush`() throws {
    let file = try TemporaryFile()
    let writer = try ContainerWriter(
        descriptor: file.descriptor, name: "out.mkv", tracks: [ContainerTrack(video: .vp8, width: 64, height: 48)])
    let pictures = try Sample.pictures(.vp8, count: 20)
    for packet in pictures.prefix(15) { try writer.write(packet, track: 0) }
    try writer.flush()
    let input = try Input(descriptor: file.reopened(), name: "out.mkv")
    var count = 0
    while try input.read() != nil { count += 1 }
    #expect(count == 15)
}

@Test func `a full disk is told with the file's name and the cause`() throws {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    let error = #expect(throws: LibAVError.self) {
        let writer = try ContainerWriter(
            descriptor: full, name: "out.mkv", tracks: [ContainerTrack(video: .vp8, width: 64, height: 48)])
        for packet in try Sample.pictures(.vp8, count: 20) { try writer.write(packet, track: 0) }
        try writer.finish()
    }
    #expect(error?.systemError == ENOSPC)
    #expect(error?.description.contains("out.mkv") == true)
    #expect(error?.description.contains("No space left") == true)
}

@Test func `a file cut at any length is refused or plays what is there`() throws {
    let whole = try Sample.file().bytes
    LibAVLog.silence()
    defer { LibAVLog.toStandardError() }
    var most = 0
    for length in 0..<whole.count {
        let cut = try TemporaryFile()
        cut.write(whole.prefix(length))
        guard let input = try? Input(descriptor: cut.descriptor, name: "cut.mkv") else { continue }
        let decoders = try input.streams.map { try Decoder($0, threads: 1) }
        var count = 0
        while let packet = try? input.read() {
            count += 1
            try? decoders[packet.streamIndex].send(packet)
            while (try? decoders[packet.streamIndex].receive()) ?? nil != nil {}
        }
        #expect(count >= 0 && count <= 30)
        most = max(most, count)
    }
    #expect(most > 20)
}

@Test func `bytes that are wrong anywhere do no harm`() throws {
    let whole = try Sample.file().bytes
    LibAVLog.silence()
    defer { LibAVLog.toStandardError() }
    var random = SplitMix(state: 42)
    for _ in 0..<300 {
        var bytes = whole
        for _ in 0..<4 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
        let broken = try TemporaryFile()
        broken.write(bytes)
        guard let input = try? Input(descriptor: broken.descriptor, name: "broken.mkv") else { continue }
        let decoders = input.streams.map { try? Decoder($0, threads: 1) }
        for _ in 0..<100 {
            guard let packet = try? input.read() else { break }
            guard decoders.indices.contains(packet.streamIndex), let decoder = decoders[packet.streamIndex] else {
                continue
            }
            try? decoder.send(packet)
            while (try? decoder.receive()) ?? nil != nil {}
        }
    }
}

/// SplitMix64: the same numbers on every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
