import Base
import RTP
import TestSupport
import Testing

/// Captures of real senders give back what their encoders wrote to a file beside.
@Suite struct DepacketizerCaptureTests {
    @Test(arguments: [
        ("vp8-ffmpeg", PayloadCodec.vp8), ("vp8-gst", .vp8), ("vp9-ffmpeg", .vp9), ("vp9-gst", .vp9),
    ])
    func `VP8 and VP9 frames equal those of the IVF file`(name: String, codec: PayloadCodec) throws {
        let (units, needsKeyFrame) = try depacketize(Capture(name).rtp, as: codec)
        let frames = try ivfFrames(name)
        // The VP9 capture of GStreamer was stopped early; the file has two or three frames more.
        #expect((13...16).contains(units.count))
        #expect(units.map(\.bytes) == Array(frames.prefix(units.count)))
        #expect(units.allSatisfy { $0.isComplete })
        #expect(units.indices.filter { units[$0].isKeyFrame } == [0, 8])
        // 10 frames a second at 90 kHz.
        let steps = Set(zip(units, units.dropFirst()).map { $1.timestamp - $0.timestamp })
        #expect(steps.allSatisfy { abs($0 - 9_000) <= 1 })
        #expect(!needsKeyFrame)
    }

    @Test(arguments: ["h264-ffmpeg", "h264-gst"])
    func `H264 access units have the NAL units of the file`(name: String) throws {
        let capture = try Capture(name)
        let types = Set(try capture.rtp.map { $0[try header(of: $0).payloadOffset] & 0x1F })
        #expect(types.isSuperset(of: [24, 28]), "the capture has STAP-A and FU-A")
        let (units, needsKeyFrame) = try depacketize(capture.rtp, as: .h264)
        #expect(units.count == 16)
        #expect(units.allSatisfy { $0.isComplete })
        #expect(units.indices.filter { units[$0].isKeyFrame } == [0, 8])
        #expect(!needsKeyFrame)
        let expected = nalUnits(try Vectors.bytes("rtp/h264-ffmpeg.h264"))
        let found = units.flatMap { nalUnits($0.bytes) }
        // Both payloaders may repeat parameter sets, or leave out delimiters: compare the slices, and the sets by kind.
        func slices(_ units: [[UInt8]]) -> [[UInt8]] { units.filter { [1, 5].contains($0[0] & 0x1F) } }
        #expect(slices(found) == slices(expected))
        #expect(slices(found).count >= 16)
        for type: UInt8 in [7, 8] {
            #expect(Set(found.filter { $0[0] & 0x1F == type }) == Set(expected.filter { $0[0] & 0x1F == type }))
        }
        if name == "h264-ffmpeg" { #expect(found == expected) }
    }

    @Test(arguments: ["opus-ffmpeg", "opus-gst"])
    func `Opus packets equal those of the Ogg file`(name: String) throws {
        let (units, _) = try depacketize(Capture(name).rtp, as: .opus)
        let packets = try oggPackets(name)
        #expect(units.count >= 39)
        #expect(units.map(\.bytes) == Array(packets.prefix(units.count)))
        // 20 ms at 48 kHz; GStreamer shortens the first step by the encoder's delay.
        let steps = zip(units, units.dropFirst()).map { $1.timestamp - $0.timestamp }
        #expect(steps.dropFirst().allSatisfy { $0 == 960 })
    }

    @Test(arguments: [
        ("vp8-ffmpeg", PayloadCodec.vp8), ("vp9-ffmpeg", .vp9), ("vp9-gst", .vp9), ("h264-ffmpeg", .h264),
        ("h264-gst", .h264),
    ])
    func `any lost packet makes its frame incomplete and asks for a key frame`(name: String, codec: PayloadCodec) throws
    {
        let packets = try Capture(name).rtp
        let (whole, _) = try depacketize(packets, as: codec)
        for lost in 1..<packets.count - 1 {
            var rest = packets
            let timestamp = try header(of: packets[lost]).timestamp
            rest.remove(at: lost)
            let (units, _) = try depacketize(rest, as: codec)
            // The frame of the lost packet is gone, or told as incomplete; every complete frame is a true one.
            let mine = units.filter { UInt32(truncatingIfNeeded: $0.timestamp) == timestamp }
            let isTold = mine.allSatisfy { !$0.isComplete }
            // Lost delimiters and repeated parameter sets cannot be told from such that were never sent.
            let hasPicture = codec != .h264 || hasSlice(payload(of: packets[lost]))
            #expect(isTold || !hasPicture, "\(name): packet \(lost)")
            for unit in units where unit.isComplete && hasPicture {
                #expect(whole.contains { $0.bytes == unit.bytes }, "\(name): packet \(lost)")
            }
            // With all packets up to the next one, the loss has been seen.
            let (_, needsKeyFrame) = try depacketize(Array(rest[...lost]), as: codec)
            let recovered = startsKeyFrame(rest[lost], codec) && units.contains { $0.isKeyFrame && $0.isComplete }
            #expect(needsKeyFrame || recovered, "\(name): packet \(lost)")
        }
    }

    private func payload(of packet: [UInt8]) -> [UInt8] {
        guard let header = try? header(of: packet) else { return [] }
        return Array(packet[header.payloadRange])
    }

    /// Of an H264 payload: whether there is anything of a picture in it.
    private func hasSlice(_ payload: [UInt8]) -> Bool {
        guard payload[0] & 0x1F == 24 else { return !(6...9).contains(payload[0] & 0x1F) }
        var offset = 1
        while offset + 2 < payload.count {
            if payload[offset + 2] & 0x1F <= 5 { return true }
            offset += 2 + Int(payload[offset]) << 8 + Int(payload[offset + 1])
        }
        return false
    }

    private func startsKeyFrame(_ packet: [UInt8], _ codec: PayloadCodec) -> Bool {
        let payload = payload(of: packet)
        return KeyFrame.isKeyFrame(codec: codec, payload: payload.span.bytes)
    }

    @Test(arguments: [
        ("vp8-gst", PayloadCodec.vp8), ("vp9-gst", .vp9), ("h264-gst", .h264), ("opus-gst", .opus),
        ("vp9-ffmpeg", .vp9),
    ])
    func `cut and flipped packets never trap`(name: String, codec: PayloadCodec) throws {
        let packets = try Capture(name).rtp
        var refused = 0
        for packet in packets.prefix(6) {
            for length in 0..<packet.count {
                do { _ = try depacketize([Array(packet[..<length])], as: codec) } catch { refused += 1 }
            }
        }
        #expect(refused >= 12 * min(6, packets.count))

        var generator = SeededGenerator(seed: 7)
        for _ in 0..<60 {
            var flipped = packets
            for position in flipped.indices {
                for _ in 0..<3 {
                    // Fields behind the sequence number's: the parser and depacketizer are both reached.
                    let at = Int.random(in: 0..<min(40, flipped[position].count), using: &generator)
                    flipped[position][at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                }
            }
            flipped.removeAll { (try? header(of: $0)) == nil }
            _ = try depacketize(flipped, as: codec)
        }
    }
}
