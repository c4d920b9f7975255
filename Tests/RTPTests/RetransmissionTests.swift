import Base
import RTP
import Testing

@Suite struct RetransmissionTests {
    private let media = Retransmission.Naming(ssrc: 0xDEAD_BEEF, payloadType: 96)
    private let repair = Retransmission.Naming(ssrc: 0x0102_0304, payloadType: 97)

    private func encapsulated(_ packet: [UInt8], sequenceNumber: UInt16, room: Int = 1500) throws -> [UInt8]? {
        var out = [UInt8](repeating: 0xEE, count: room)
        var span = out.mutableSpan
        var raw = span.mutableBytes
        let length = Retransmission.encapsulate(
            packet.span.bytes, try header(of: packet), named: repair, sequenceNumber: sequenceNumber, into: &raw)
        return length.map { Array(out[..<$0]) }
    }

    private func decapsulated(_ packet: [UInt8], room: Int = 1500) throws -> [UInt8]? {
        var out = [UInt8](repeating: 0xEE, count: room)
        var span = out.mutableSpan
        var raw = span.mutableBytes
        let length = Retransmission.decapsulate(packet.span.bytes, try header(of: packet), named: media, into: &raw)
        return length.map { Array(out[..<$0]) }
    }

    @Test func `golden bytes: the original number stands before the payload`() throws {
        let original: [UInt8] = [0x80, 0xE0, 0x12, 0x34, 0, 0, 0, 9, 0xDE, 0xAD, 0xBE, 0xEF, 0xAA, 0xBB]
        let repeated: [UInt8] = [0x80, 0xE1, 0x00, 0x07, 0, 0, 0, 9, 1, 2, 3, 4, 0x12, 0x34, 0xAA, 0xBB]
        #expect(try encapsulated(original, sequenceNumber: 7) == repeated)
        #expect(try decapsulated(repeated) == original)
        #expect(try encapsulated(original, sequenceNumber: 7, room: 15) == nil)
        #expect(try encapsulated(original, sequenceNumber: 7, room: 16) == repeated)
        #expect(try decapsulated(repeated, room: 13) == nil)
        #expect(try decapsulated(repeated, room: 14) == original)
    }

    @Test func `sources and header extension are kept, padding is not`() throws {
        let full = RTPHeaderTests.full  // 36 bytes of header, 5 of payload, 3 of padding
        let repeated = try #require(try encapsulated(full, sequenceNumber: 65_535))
        #expect(repeated.count == full.count - 3 + 2)
        #expect(Array(repeated[12..<36]) == Array(full[12..<36]))
        let back = try #require(try decapsulated(repeated))
        #expect(Array(back.dropFirst()) == Array(full.dropLast(3).dropFirst()))
        #expect(back[0] == full[0] & ~0x20)
    }

    @Test func `the original's header comes without a copy`() throws {
        let repeated: [UInt8] = [0x80, 0xE1, 0x00, 0x07, 0, 0, 0, 9, 1, 2, 3, 4, 0x12, 0x34, 0xAA, 0xBB]
        let original = try #require(
            Retransmission.originalHeader(try header(of: repeated), of: repeated.span.bytes, named: media))
        #expect(original.sequenceNumber == 0x1234 && original.ssrc == media.ssrc && original.payloadType == 96)
        #expect(original.marker && original.timestamp == 9)
        #expect(Array(repeated[original.payloadRange]) == [0xAA, 0xBB])
    }

    @Test(arguments: [0, 1])
    func `probes without an original number repeat nothing`(count: Int) throws {
        let packet = try RTPHeaderWriter(
            payloadType: 97, sequenceNumber: 1, timestamp: 0, ssrc: 7, paddingLength: 200
        ).packet(payload: [UInt8](repeating: 0, count: count))
        #expect(try decapsulated(packet) == nil)
        let parsed = try header(of: packet)
        #expect(Retransmission.originalHeader(parsed, of: packet.span.bytes, named: media) == nil)
        #expect(Retransmission.originalSequenceNumber(parsed, of: packet.span.bytes) == nil)
    }

    @Test func `an original without payload survives`() throws {
        let empty: [UInt8] = [0x80, 0x60, 0x12, 0x34, 0, 0, 0, 9, 0xDE, 0xAD, 0xBE, 0xEF]
        let repeated = try #require(try encapsulated(empty, sequenceNumber: 1))
        #expect(repeated.count == 14)
        #expect(try decapsulated(repeated) == empty)
    }
}

@Suite struct OpusPacketTests {
    @Test(
        arguments: [
            ([0x00], 480), ([0x08], 960), ([0x10], 1920), ([0x18], 2880),  // SILK: 10, 20, 40, 60 ms
            ([0x58], 2880), ([0x60], 480), ([0x68], 960),  // config 11; hybrid 12, 13
            ([0x80], 120), ([0x88], 240), ([0x90], 480), ([0x98], 960),  // CELT: 2.5, 5, 10, 20 ms
            ([0xF8], 960), ([0xFC], 960),  // config 31, mono and stereo
            ([0xF9], 1920), ([0xFA], 1920),  // two frames
            ([0xFB, 0x03], 2880), ([0xFB, 0xC6], 5760),  // three; six, with flags for padding and sizes
            ([0xFB, 0x07], nil), ([0x1B, 0x03], nil),  // 140 ms, 180 ms
            ([0xFB, 0x00], nil), ([0xFB], nil), ([], nil),
        ] as [([UInt8], Int?)])
    func `a packet's duration is told by its first bytes`(payload: [UInt8], expected: Int?) {
        #expect(OpusPacket.duration(payload.span.bytes) == expected)
    }
}
