import Base
import LibAV
import TestSupport
import Testing

@Test(arguments: [
    ("words.txt", Array("just words".utf8)), ("empty.mp4", []), ("half.mp4", [0, 0, 0, 24] + Array("ftypmp42".utf8)),
])
func `what is no media is refused with its name and a cause`(name: String, bytes: [UInt8]) throws {
    let file = try TemporaryFile()
    file.write(bytes)
    let error = #expect(throws: LibAVError.self) { try Input(descriptor: file.descriptor, name: name) }
    #expect(error?.description.hasPrefix("can't ") == true)
    #expect(error?.description.contains(name) == true)
    #expect(error.map { $0.cause.isEmpty } == false)
}

@Test(arguments: [
    "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\na=rtpmap:96 VP8/90000\n",
])
func `a file that only names others is refused`(text: String) throws {
    let file = try TemporaryFile()
    file.write(text.utf8)
    let error = #expect(throws: LibAVError.self) { try Input(descriptor: file.descriptor, name: "list") }
    #expect(error?.description.contains("names other files") == true, "\(error?.description ?? "")")
}

/// A WAV file of 16-bit samples.
private func wave(rate: Int, channels: Int, samples: Int) -> [UInt8] {
    func little(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let data = (0..<samples * channels).flatMap { little(($0 / channels * 700) % 20_000 - 10_000, 2) }
    let head =
        Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
        + little(channels, 2) + little(rate, 4) + little(rate * channels * 2, 4) + little(channels * 2, 2)
        + little(16, 2)
        + Array("data".utf8) + little(data.count, 4)
    return head + data
}

@Test(arguments: [(44_100, 1), (48_000, 2), (8_000, 1), (96_000, 6)])
func `sound of any rate and layout becomes 48 kHz stereo of the same length`(rate: Int, channels: Int) throws {
    let file = try TemporaryFile()
    file.write(wave(rate: rate, channels: channels, samples: rate))
    let input = try Input(descriptor: file.descriptor, name: "a.wav")
    let stream = try #require(input.streams.first)
    #expect(stream.parameters.kind == .audio)
    #expect(stream.parameters.sampleRate == rate)
    let decoder = try Decoder(stream)
    let resampler = Resampler()
    var samples: [Float] = []
    func drain() throws { while let frame = try decoder.receive() { samples += try resampler.resample(frame) } }
    while let packet = try input.read() {
        try decoder.send(packet)
        try drain()
    }
    try decoder.send(nil)
    try drain()
    samples += try resampler.resample(nil)
    #expect(abs(samples.count / 2 - 48_000) <= 48, "\(samples.count / 2) samples")
    #expect(samples.contains { abs($0) > 0.05 })
    #expect(samples.allSatisfy { abs($0) <= 1.5 })
}

@Test func `a picture is scaled to an even size and keeps its time`() throws {
    let frame = try Frame(width: 641, height: 359)
    for (plane, value) in [(0, UInt8(180)), (1, 90), (2, 160)] {
        _ = frame.withPlane(plane) { bytes, _ in bytes.initializeMemory(as: UInt8.self, repeating: value) }
    }
    frame.presentation = .milliseconds(1234)
    let scaled = try Scaler(width: 640, height: 358).scale(frame)
    #expect((scaled.width, scaled.height) == (640, 358))
    #expect(scaled.presentation == .milliseconds(1234))
    for (plane, value) in [(0, 180), (1, 90), (2, 160)] {
        let levels = scaled.withPlane(plane) { bytes, stride in
            (0..<(plane == 0 ? 640 : 320)).map { Int(bytes[100 * stride + $0]) }
        }
        #expect(try #require(levels).allSatisfy { abs($0 - value) <= 2 })
    }
    #expect(try Scaler(width: 641, height: 359).scale(frame) === frame)
}

@Test(arguments: [(0, 8, 4, 0, 0), (90, 4, 8, 3, 0), (180, 8, 4, 7, 3), (270, 4, 8, 0, 7)])
func `a picture is turned clockwise`(degrees: Int, width: Int, height: Int, x: Int, y: Int) throws {
    let frame = try Frame(width: 8, height: 4)
    for plane in 0..<3 {
        _ = frame.withPlane(plane) { bytes, _ in bytes.initializeMemory(as: UInt8.self, repeating: 16) }
    }
    // The top left corner tells where everything went.
    _ = frame.withPlane(0) { bytes, _ in bytes[0] = 235 }
    let turned = try frame.turned(by: degrees)
    #expect((turned.width, turned.height) == (width, height))
    let bright: [[Int]]? = turned.withPlane(0) { bytes, stride in
        var found: [[Int]] = []
        for row in 0..<height {
            for column in 0..<width where bytes[row * stride + column] == 235 { found.append([column, row]) }
        }
        return found
    }
    #expect(bright == [[x, y]])
}

@Test func `an encoder gives a key frame when asked`() throws {
    for codec in [VideoSettings.Codec.vp8, .h264] {
        let encoder = try Encoder(
            VideoSettings(codec: codec, width: 64, height: 48, framesPerSecond: 25, bitrateBitsPerSecond: 100_000))
        var keys: [Int] = []
        for number in 0..<20 {
            let frame = try Frame(width: 64, height: 48)
            for plane in 0..<3 {
                _ = frame.withPlane(plane) { bytes, _ in bytes.initializeMemory(as: UInt8.self, repeating: 100) }
            }
            frame.presentation = .milliseconds(40 * number)
            try encoder.send(frame, asKeyFrame: number == 7)
            // Without delay: each frame's packet is there before the next frame.
            let packet = try #require(try encoder.receive())
            #expect(try encoder.receive() == nil)
            if packet.isKey { keys.append(number) }
        }
        #expect(keys == [0, 7])
    }
}
