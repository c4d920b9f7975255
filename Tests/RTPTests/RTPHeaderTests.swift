import Base
import RTP
import TestSupport
import Testing

@Suite struct RTPHeaderTests {
    /// Marker, PT 96, two CSRCs, one-byte extensions, 3 bytes of padding.
    static let full: [UInt8] = [
        0xB2, 0xE0, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xDE, 0xAD, 0xBE, 0xEF,
        0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,
        0xBE, 0xDE, 0x00, 0x03,
        0x10, 0x61,  // id 1, 1 byte: mid "a"
        0x00,  // padding between elements
        0x42, 0x0A, 0x0B, 0x0C,  // id 4, 3 bytes: abs-send-time
        0xA0, 0x85,  // id 10, 1 byte: voice, level 5
        0x00, 0x00, 0x00,
        0x11, 0x22, 0x33, 0x44, 0x55,
        0x00, 0x00, 0x03,
    ]

    @Test func `every field of a packet with all optional parts`() throws {
        let packet = Self.full.span.bytes
        let header = try RTPHeader(parsing: packet)
        #expect(header.marker)
        #expect(header.payloadType == 96)
        #expect(header.sequenceNumber == 0x1234)
        #expect(header.timestamp == 0x0102_0304)
        #expect(header.ssrc == 0xDEAD_BEEF)
        #expect(header.csrcCount == 2)
        let sources = [header.csrc(0, in: packet), header.csrc(1, in: packet)]
        #expect(sources == [1, 2])
        #expect(header.extensionProfile == 0xBEDE)
        #expect(header.extensionOffset == 24)
        #expect(header.extensionLength == 12)
        #expect(header.paddingLength == 3)
        #expect(header.payloadRange == 36..<41)
    }

    @Test func `the fixed header alone is a packet without payload`() throws {
        let bytes: [UInt8] = [0x80, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        let header = try RTPHeader(parsing: bytes.span.bytes)
        #expect(!header.hasExtension)
        #expect(header.payloadOffset == 12)
        #expect(header.payloadLength == 0)
    }

    @Test func `errors say what was needed and what there was`() {
        #expect(throws: RTPParseError.truncated(needed: 12, got: 7)) {
            try parse([0x80, 0, 0, 0, 0, 0, 0])
        }
        #expect(throws: RTPParseError.badVersion(1)) { try parse([0x40] + [UInt8](repeating: 0, count: 11)) }
        // 3 CSRCs announced, none there.
        #expect(throws: RTPParseError.truncated(needed: 24, got: 12)) {
            try parse([0x83] + [UInt8](repeating: 0, count: 11))
        }
        // An extension of 2 words announced, none there.
        #expect(throws: RTPParseError.truncated(needed: 24, got: 16)) {
            try parse([0x90] + [UInt8](repeating: 0, count: 11) + [0xBE, 0xDE, 0, 2])
        }
        // Padding: none there; count 0; more than the payload.
        #expect(throws: RTPParseError.badPadding(count: 0, available: 0)) {
            try parse([0xA0] + [UInt8](repeating: 0, count: 11))
        }
        #expect(throws: RTPParseError.badPadding(count: 0, available: 2)) {
            try parse([0xA0] + [UInt8](repeating: 0, count: 13))
        }
        #expect(throws: RTPParseError.badPadding(count: 5, available: 2)) {
            try parse([0xA0] + [UInt8](repeating: 0, count: 12) + [5])
        }
    }

    private func parse(_ bytes: [UInt8]) throws { _ = try RTPHeader(parsing: bytes.span.bytes) }

    @Test func `a packet cut at any length is refused or parsed within its bytes`() throws {
        for length in 0..<Self.full.count {
            let cut = Array(Self.full[..<length])
            guard let header = try? RTPHeader(parsing: cut.span.bytes) else { continue }
            // Only the padding count can be misread; the header (36 bytes) must have been whole.
            #expect(length >= 36)
            #expect(header.payloadRange.upperBound + Int(header.paddingLength) == length)
        }
    }

    @Test func `flipped bytes never trap, and offsets stay within the packet`() {
        var generator = SeededGenerator(seed: 5)
        var (parsed, elements) = (0, 0)
        for _ in 0..<20_000 {
            var bytes = Self.full
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<36, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let packet = bytes.span.bytes
            _ = PacketKind.of(packet)
            guard let header = try? RTPHeader(parsing: packet) else { continue }
            parsed += 1
            #expect(header.payloadRange.upperBound + Int(header.paddingLength) == bytes.count)
            var cursor = RTPHeaderExtensionCursor(header)
            while let element = cursor.next(in: packet) {
                elements += 1
                #expect(element.offset + element.length <= header.payloadOffset)
                _ = element.text(in: packet)
                _ = element.absoluteSendTime(in: packet)
                _ = element.transportSequenceNumber(in: packet)
                _ = element.audioLevel(in: packet)
                _ = element.videoRotation(in: packet)
            }
            let payload = packet.extracting(header.payloadRange)
            for codec in [PayloadCodec.vp8, .vp9, .h264, .h265, .av1] {
                _ = KeyFrame.isKeyFrame(codec: codec, payload: payload)
            }
        }
        #expect(parsed > 1_000 && elements > 1_000)
    }

    @Test func `writing and parsing agree, in both forms of extensions`() throws {
        let short = RTPHeaderWriter(
            payloadType: 111, marker: true, sequenceNumber: 65_535, timestamp: .max, ssrc: 7,
            contributingSources: [8, 9], extensions: [.init(id: 1, data: [0x30]), .init(id: 14, data: [1, 2, 3])],
            paddingLength: 4)
        let long = RTPHeaderWriter(
            payloadType: 0, sequenceNumber: 1, timestamp: 2, ssrc: 3,
            extensions: [.init(id: 200, data: []), .init(id: 15, data: [UInt8](repeating: 5, count: 20))])
        for writer in [short, long] {
            let bytes = try writer.packet(payload: [1, 2, 3])
            let packet = bytes.span.bytes
            let header = try RTPHeader(parsing: packet)
            #expect(header.payloadOffset == writer.length)
            #expect(header.payloadLength == 3)
            #expect(header.sequenceNumber == writer.sequenceNumber)
            #expect(header.timestamp == writer.timestamp)
            #expect(header.ssrc == writer.ssrc)
            #expect(header.payloadType == writer.payloadType)
            #expect(header.marker == writer.marker)
            #expect(header.csrcCount == writer.contributingSources.count)
            #expect(header.paddingLength == writer.paddingLength)
            var found: [RTPHeaderWriter.Extension] = []
            var cursor = RTPHeaderExtensionCursor(header)
            while let element = cursor.next(in: packet) {
                found.append(.init(id: element.id, data: (0..<element.length).map { bytes[element.offset + $0] }))
            }
            #expect(found == writer.extensions)
        }
    }

    @Test func `a writer refuses what does not fit`() {
        var bytes = [UInt8](repeating: 0, count: 11)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        var refusal: RTPWriteError?
        do throws(RTPWriteError) {
            try RTPHeaderWriter(payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0).write(into: &raw)
        } catch {
            refusal = error
        }
        #expect(refusal == .noRoom(needed: 12, got: 11))
    }

    @Test(arguments: [
        ([0x80, 0xC8, 0, 1], PacketKind.rtcp), ([0x81, 0xC0, 0, 1], .rtcp), ([0xBF, 0xDF, 0, 1], .rtcp),
        ([0x80, 0xC8, 0], .other), ([0x80, 0xE0] + [UInt8](repeating: 0, count: 10), .rtp),
        ([0x80, 0xBF] + [UInt8](repeating: 0, count: 10), .rtp),
        ([0x80, 0x60] + [UInt8](repeating: 0, count: 9), .other),
        ([0x40, 0xC8] + [UInt8](repeating: 0, count: 10), .other), ([], .other), ([0xC0, 0xC8, 0, 0], .other),
        ([0x00, 0x01] + [UInt8](repeating: 0, count: 18), .other),
    ])
    func `a datagram is classified by its first bytes`(bytes: [UInt8], kind: PacketKind) {
        let found = PacketKind.of(bytes.span.bytes)
        #expect(found == kind)
    }
}

@Suite struct RTPHeaderExtensionTests {
    @Test func `elements are found by id and read`() throws {
        let packet = RTPHeaderTests.full.span.bytes
        let header = try RTPHeader(parsing: packet)
        let mid = header.headerExtension(id: 1, in: packet)?.text(in: packet)
        #expect(mid == "a")
        let sent = header.headerExtension(id: 4, in: packet)?.absoluteSendTime(in: packet)
        #expect(sent == 0x0A0B0C)
        let found = header.headerExtension(id: 10, in: packet)?.audioLevel(in: packet)
        let level = try #require(found)
        #expect(level.isVoice)
        #expect(level.level == 5)
        let absent = header.headerExtension(id: 2, in: packet)
        #expect(absent == nil)
    }

    /// Elements found in an extension with this profile and content, as [id, length].
    private func walk(profile: UInt16, _ content: [UInt8]) throws -> [[Int]] {
        let bytes: [UInt8] =
            [0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            + [UInt8(profile >> 8), UInt8(profile & 0xFF), 0, UInt8(content.count / 4)] + content
        let packet = bytes.span.bytes
        var cursor = RTPHeaderExtensionCursor(try RTPHeader(parsing: packet))
        var found: [[Int]] = []
        while let element = cursor.next(in: packet) { found.append([Int(element.id), element.length]) }
        return found
    }

    @Test func `id 15 and a broken element end the walk, other profiles have none`() throws {
        #expect(try walk(profile: 0xBEDE, [0x10, 1, 0xF0, 2, 0x20, 3, 0, 0]) == [[1, 1]])
        #expect(try walk(profile: 0xBEDE, [0x10, 1, 0x2F, 2]) == [[1, 1]])
        #expect(try walk(profile: 0xBEDE, [0x01, 1, 0x20, 2]) == [])
        #expect(try walk(profile: 0x1000, [5, 0, 6, 1, 9, 0, 0, 0]) == [[5, 0], [6, 1]])
        #expect(try walk(profile: 0x100F, [5, 3, 1, 2, 3, 0, 0, 7]) == [[5, 3]])
        #expect(try walk(profile: 0x1234, [0x10, 1, 0, 0]) == [])
    }

    @Test func `readers refuse elements of the wrong length`() {
        let bytes: [UInt8] = [1, 2, 0, 0]
        let packet = bytes.span.bytes
        func element(_ offset: Int, _ length: Int) -> RTPHeaderExtension {
            .init(id: 1, offset: offset, length: length)
        }
        let (shortTime, shortNumber) = (
            element(0, 2).absoluteSendTime(in: packet), element(0, 1).transportSequenceNumber(in: packet)
        )
        #expect(shortTime == nil)
        #expect(shortNumber == nil)
        let number = element(0, 2).transportSequenceNumber(in: packet)
        #expect(number == 0x0102)
        let level = element(0, 0).audioLevel(in: packet)
        #expect(level == nil)
        let rotation = element(1, 1).videoRotation(in: packet)
        #expect(rotation == 180)
        // A mid that was reserved with zeros behind it.
        let text: [UInt8] = [0x31, 0x32, 0, 0]
        let mid = element(0, 4).text(in: text.span.bytes)
        #expect(mid == "12")
    }
}
