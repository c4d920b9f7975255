import LibAV
import Testing

private struct Head {
    var marker: Bool
    var payloadType: UInt8
    var sequence: UInt16
    var timestamp: UInt32
    var ssrc: UInt32
    var payload: ArraySlice<UInt8>
}

private func heads(_ packets: RTPPackets) -> [Head] {
    var start = 0
    return packets.sizes.map { size in
        let bytes = packets.bytes[start..<start + size]
        start += size
        func word(_ at: Int) -> UInt32 { bytes.dropFirst(at).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
        let second = bytes[bytes.startIndex + 1]
        return Head(
            marker: second & 0x80 != 0, payloadType: second & 0x7F, sequence: UInt16(word(0) & 0xFFFF),
            timestamp: word(4), ssrc: word(8), payload: bytes.dropFirst(12))
    }
}

@Test(arguments: [RTPPacketizer.Codec.vp8, .vp9, .h264, .opus])
func `a frame becomes packets of one timestamp that end with the marker`(codec: RTPPacketizer.Codec) throws {
    let packetizer = try RTPPacketizer(
        codec: codec, payloadType: 101, ssrc: 0xDEAD_BEEF, firstSequence: 32_766, mtu: 1200)
    var sequence: UInt16 = 32_766
    for (number, size) in [900, 30, 5000].enumerated() {
        if codec == .opus, size > 1188 { continue }
        // H264: an Annex B slice; the others are opaque to the packetizer.
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) }
        let bytes = codec == .h264 ? [0, 0, 0, 1, 0x65, 0x88] + body : body
        let packet = try Packet(copying: bytes, presentation: .seconds(number), isKey: number == 0)
        let timestamp = UInt32(0xFFFF_FF00) &+ UInt32(number * 3000)
        let packets = try packetizer.packetize(packet, timestamp: timestamp)
        #expect(packets.sizes.allSatisfy { $0 <= 1200 })
        #expect(packets.sizes.reduce(0, +) == packets.bytes.count)
        let heads = heads(packets)
        #expect(heads.count == (size > 1188 ? 5 : 1))
        for head in heads {
            #expect(head.payloadType == 101)
            #expect(head.ssrc == 0xDEAD_BEEF)
            #expect(head.timestamp == timestamp)
            #expect(head.sequence == sequence)
            sequence &+= 1
        }
        if codec != .opus { #expect(heads.map(\.marker) == heads.indices.map { $0 == heads.count - 1 }) }
        if codec == .opus { #expect(heads.first.map { Array($0.payload) } == bytes) }
        // VP9 (RFC 9628 §4.2): P says that the picture needs others; only then a receiver can tell key frames.
        if codec == .vp9 { #expect(heads.allSatisfy { ($0.payload.first ?? 0) & 0x40 == (number == 0 ? 0 : 0x40) }) }
    }
}

@Test func `an Opus packet that fits into no datagram is refused`() throws {
    let packetizer = try RTPPacketizer(codec: .opus, payloadType: 100, ssrc: 1, firstSequence: 0, mtu: 1200)
    let packet = try Packet(copying: [UInt8](repeating: 1, count: 1300), presentation: .zero, isKey: true)
    #expect(throws: LibAVError.self) { try packetizer.packetize(packet, timestamp: 0) }
}
