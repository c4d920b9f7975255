import Base
import Glibc
import LibAV
import TestSupport
import Testing

/// MP4 as it is written, box by box.
struct FragmentedMP4Tests {
    static let head = Array("OpusHead".utf8)

    struct Written {
        var file: TemporaryFile
        var bytes: [UInt8]
        var pictures: [Packet]
        var sound: [Packet]
    }

    /// Pictures and sound in the order of their times.
    static func frames(pictures: [Packet], sound: [Packet]) -> [(track: Int, packet: Packet)] {
        (pictures.map { (0, $0) } + sound.map { (1, $0) }).sorted {
            ($0.1.presentation ?? .zero, $0.0) < ($1.1.presentation ?? .zero, $1.0)
        }
    }

    static func tracks(_ pictures: [Packet], width: Int = 64, height: Int = 48) -> [ContainerTrack] {
        [
            ContainerTrack(video: .h264, width: width, height: height, setup: pictures[0].bytes),
            ContainerTrack(opusChannels: 2),
        ]
    }

    /// Four seconds of both; key frames at 0 and 2 s.
    static func write(to file: TemporaryFile, after: (ContainerWriter, Int) throws -> Void = { _, _ in }) throws
        -> Written
    {
        // Twice the same, so that a key frame stands at 2 s for certain.
        let half = try Sample.pictures(.h264, count: 50)
        let pictures = try (half + half).enumerated().map { number, packet in
            try Packet(
                copying: packet.bytes, presentation: .milliseconds(40 * number), duration: .milliseconds(40),
                isKey: packet.isKey)
        }
        // The encoder begins 6.5 ms before zero.
        let sound = try Sample.sound(seconds: 4).enumerated().map { number, packet in
            try Packet(
                copying: packet.bytes, presentation: .milliseconds(20 * number), duration: .milliseconds(20),
                isKey: true)
        }
        let writer = try ContainerWriter(
            descriptor: file.descriptor, name: "out.mp4", format: .mp4, tracks: tracks(pictures))
        for (count, frame) in frames(pictures: pictures, sound: sound).enumerated() {
            try writer.write(frame.packet, track: frame.track)
            try after(writer, count + 1)
        }
        try writer.finish()
        #expect(writer.size == file.bytes.count)
        return Written(file: file, bytes: file.bytes, pictures: pictures, sound: sound)
    }

    /// Numbers of frames that can be read and decoded, by track.
    static func read(_ bytes: some Collection<UInt8>, name: String = "cut.mp4") throws -> [Int] {
        let copy = try TemporaryFile()
        copy.write(bytes)
        let input = try Input(descriptor: copy.descriptor, name: name)
        let decoders = try input.streams.map { try Decoder($0, threads: 1) }
        var counts = input.streams.map { _ in 0 }
        while let packet = try input.read() {
            try decoders[packet.streamIndex].send(packet)
            while let frame = try decoders[packet.streamIndex].receive() {
                _ = frame
                counts[packet.streamIndex] += 1
            }
        }
        for (index, decoder) in decoders.enumerated() {
            try decoder.send(nil)
            while try decoder.receive() != nil { counts[index] += 1 }
        }
        return counts
    }

    @Test func `the header tells codecs and duration, and shifts nothing`() throws {
        let written = try Self.write(to: TemporaryFile())
        let boxes = try MP4Box.all(in: written.bytes[...])
        #expect(boxes.prefix(2).map(\.name) == ["ftyp", "moov"])
        let movie = boxes[1]
        let avcC = try #require(try movie.find("trak/mdia/minf/stbl/stsd/avc1/avcC").first)
        #expect(avcC.content.first == 1)
        // Lengths of four bytes, one SPS, and it is the stream's.
        #expect(avcC.number(at: 4, bytes: 1) == 0xFF && avcC.number(at: 5, bytes: 1) == 0xE1)
        let sequence = Array(avcC.content.dropFirst(8).prefix(avcC.number(at: 6, bytes: 2)))
        #expect(sequence.first.map { $0 & 0x1F } == 7)
        let opus = try #require(try movie.find("trak/mdia/minf/stbl/stsd/Opus/dOps").first)
        // Version 0, two channels, no pre-skip, 48 kHz, no gain, family 0: big-endian, unlike an OpusHead.
        #expect(Array(opus.content) == [0, 2, 0, 0, 0, 0, 0xBB, 0x80, 0, 0, 0])
        #expect(try movie.find("trak/edts").isEmpty)
        #expect(try movie.find("mvex/trex").count == 2)
        let duration = try #require(try movie.find("mvex/mehd").first)
        #expect(abs(duration.number(at: 4, bytes: 8) - 4000) <= 21)
    }

    @Test func `fragments are short, complete, and lie side by side in time`() throws {
        let written = try Self.write(to: TemporaryFile())
        let boxes = try MP4Box.all(in: written.bytes[...])
        let fragments = boxes.indices.filter { boxes[$0].name == "moof" }
        #expect(fragments.count >= 5)
        #expect(Array(boxes.map(\.name).dropFirst(2)) == fragments.flatMap { _ in ["moof", "mdat"] } + ["mfra"])
        var ends = [1: 0, 2: 0]
        var samples = [1: 0, 2: 0]
        var (keys, both) = (0, 0)
        for index in fragments {
            let parts = try boxes[index].find("traf")
            let runs = try parts.map { try MP4Run($0, of: boxes[index]) }
            if runs.map(\.track) == [1, 2] { both += 1 }
            for run in runs {
                let rate = run.track == 1 ? 90_000 : 48_000
                #expect(run.start == ends[run.track])
                #expect(run.durations.allSatisfy { $0 == (run.track == 1 ? 3600 : 960) })
                #expect(run.durations.reduce(0, +) <= rate)
                ends[run.track, default: 0] += run.durations.reduce(0, +)
                samples[run.track, default: 0] += run.sizes.count
                #expect(boxes[index + 1].range.contains(run.dataOffset))
                guard run.track == 1 else { continue }
                if run.isKey { keys += 1 }
                var at = run.dataOffset
                for size in run.sizes {
                    // Length-prefixed units that fill the sample, none of them behind a start code.
                    let end = at + size
                    while at < end {
                        let length = written.bytes[at..<at + 4].number
                        #expect(length > 1)
                        at += 4 + length
                    }
                    #expect(at == end)
                }
            }
        }
        #expect(samples == [1: 100, 2: written.sound.count])
        #expect(ends[1] == 4 * 90_000)
        // All but one at the end, perhaps: players wait for what is missing.
        #expect(both >= fragments.count - 1)
        #expect(keys == 2, "every key frame begins a fragment")
    }

    @Test func `the index at the end names key frames and nothing else`() throws {
        let written = try Self.write(to: TemporaryFile())
        let boxes = try MP4Box.all(in: written.bytes[...])
        // Readers look for it by the file's last four bytes.
        let index = try #require(boxes.last)
        #expect(written.bytes.suffix(4).number == index.range.count)
        let tables = try index.find("tfra")
        #expect(tables.map { $0.number(at: 4) } == [1, 2])
        let entries = tables.map { table in
            (0..<table.number(at: 12)).map { entry in
                (time: table.number(at: 16 + 19 * entry, bytes: 8), offset: table.number(at: 24 + 19 * entry, bytes: 8))
            }
        }
        #expect(entries[0].map(\.time) == [0, 180_000])
        for table in entries {
            for entry in table { #expect(boxes.contains { $0.name == "moof" && $0.range.lowerBound == entry.offset }) }
        }
        // A reader that uses it finds its way.
        let all = try ExternalTool.output([
            "ffmpeg", "-v", "error", "-use_mfra_for", "pts", "-ss", "2", "-i", written.file.path, "-map", "0:v", "-f",
            "framecrc", "-",
        ])
        #expect(String(decoding: all, as: UTF8.self).split(separator: "\n").count { $0.first != "#" } == 50)
    }

    @Test func `it plays at every moment while it is written`() throws {
        let file = try TemporaryFile()
        var looks = 0
        _ = try Self.write(to: file) { writer, count in
            guard count % 50 == 0 else { return }
            // What a file holds that nobody flushed, is what a killed process leaves.
            let killed = try Self.read(file.bytes)
            #expect(killed.reduce(0, +) >= count - 75, "\(killed) of \(count)")
            try writer.flush()
            // One frame of each track waits for its duration.
            #expect(try Self.read(file.bytes).reduce(0, +) == count - 2)
            looks += 1
        }
        #expect(looks == 6)
    }

    @Test func `cut at the end of any fragment, it plays up to there`() throws {
        let written = try Self.write(to: TemporaryFile())
        let boxes = try MP4Box.all(in: written.bytes[...])
        var expected = [0, 0]
        for index in boxes.indices where boxes[index].name == "moof" {
            for part in try boxes[index].find("traf") {
                let run = try MP4Run(part, of: boxes[index])
                expected[run.track - 1] += run.sizes.count
            }
            #expect(try Self.read(written.bytes.prefix(boxes[index + 1].range.upperBound)) == expected)
        }
        #expect(expected == [100, written.sound.count])
    }

    @Test func `cut anywhere, it is refused or plays what is there`() throws {
        let written = try Self.write(to: TemporaryFile())
        LibAVLog.silence()
        defer { LibAVLog.toStandardError() }
        var most = 0
        for length in stride(from: 0, to: written.bytes.count, by: 97) {
            guard let pictures = try? Self.read(written.bytes.prefix(length)).first else { continue }
            #expect(pictures <= 100)
            most = max(most, pictures)
        }
        #expect(most > 90)
    }

    @Test func `a track that begins late stands late, and one that ends early does not hold the others`() throws {
        let file = try TemporaryFile()
        let pictures = try Sample.pictures(.h264, count: 25)
        let sound = try Sample.sound(seconds: 4)
        let writer = try ContainerWriter(
            descriptor: file.descriptor, name: "out.mp4", format: .mp4, tracks: Self.tracks(pictures))
        for (number, packet) in sound.enumerated() {
            try writer.write(packet, track: 1)
            // One picture to two packets of sound, from 1.5 s to 2.5 s.
            guard number >= 75, number % 2 == 1, (number - 75) / 2 < pictures.count else { continue }
            let picture = pictures[(number - 75) / 2]
            let moved = try Packet(
                copying: picture.bytes, presentation: (picture.presentation ?? .zero) + .milliseconds(1500),
                duration: .milliseconds(40), isKey: picture.isKey)
            try writer.write(moved, track: 0)
        }
        try writer.flush()
        let input = try Input(descriptor: file.reopened(), name: "out.mp4")
        var times: [[Duration]] = [[], []]
        while let packet = try input.read() { times[packet.streamIndex].append(packet.presentation ?? .zero) }
        #expect(times[0] == (0..<25).map { .milliseconds(1500 + 40 * $0) })
        #expect(times[1].count == sound.count - 1)
        try writer.finish()
        #expect(try Self.read(file.bytes) == [25, sound.count])
    }
}
