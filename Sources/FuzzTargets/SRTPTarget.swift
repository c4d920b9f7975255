import Base
import SRTP

/// A suite, then packets, each behind what is done with it and its length: taken for protected, or protected by us, changed
/// or not, and taken back.
func fuzzSRTP(_ bytes: RawSpan) {
    var input = FuzzInput(bytes)
    let suite = SRTPCryptoSuite.allCases[Int(input.byte()) % SRTPCryptoSuite.allCases.count]
    guard let key = try? SRTPMasterKey(suite, [UInt8](repeating: 7, count: suite.masterLength)),
        var sender = try? SRTPSender(key), var receiver = try? SRTPReceiver(key, maximumSources: 4)
    else { preconditionFailure("a key of the right length makes both directions") }
    var scratch = ByteArea(capacity: 4096)
    var slots = ByteArea(capacity: 4096)
    var index: UInt64 = 65_500
    while !input.isAtEnd {
        let (what, change) = (input.byte(), input.byte())
        let packet = input.datagram()
        switch what % 4 {
        case 0: _ = try? receiver.unprotect(packet.span.bytes, into: &scratch)
        case 1: _ = try? receiver.unprotectRTCP(packet.span.bytes, into: &scratch)
        case 2:
            guard packet.count <= 2000 else { continue }
            // A header of 12 bytes, our index, and the input as payload.
            slots.store(UInt8(0x80), at: 0)
            slots.store(UInt8(96), at: 1)
            slots.store(UInt16(truncatingIfNeeded: index), at: 2)
            slots.store(UInt32(0), at: 4)
            slots.store(UInt32(3), at: 8)
            slots.write(packet.span.bytes, at: 12)
            let length = try? sender.protect(
                &slots, at: 0, headerLength: 12, count: packet.count, index: index, ssrc: 3)
            guard let length else { preconditionFailure("a packet can be protected") }
            let written = change >> 7 == 1 ? changed(&slots, length, at: Int(change & 0x7F)) : false
            let back = try? receiver.unprotect(slots.bytes(0..<length).span.bytes, into: &scratch)
            if written {
                precondition(back == nil, "a changed packet is refused")
            } else if let back {
                precondition(back == 12 + packet.count, "what comes back is as long as what was protected")
                precondition(scratch.bytes(12..<back) == packet, "what comes back is what was protected")
            }
            index += UInt64(change & 3) + 1
        default:
            guard packet.count >= 8, packet.count <= 2000 else { continue }
            slots.write(packet.span.bytes, at: 0)
            guard let length = try? sender.protectRTCP(&slots, at: 0, length: packet.count) else { continue }
            let written = change >> 7 == 1 ? changed(&slots, length, at: Int(change & 0x7F)) : false
            let back = try? receiver.unprotectRTCP(slots.bytes(0..<length).span.bytes, into: &scratch)
            precondition(!written || back == nil, "a changed packet is refused")
            if let back {
                precondition(scratch.bytes(0..<back) == packet, "what comes back is what was protected")
            }
        }
    }
}

/// Turns one bit over.
private func changed(_ slots: inout ByteArea, _ length: Int, at place: Int) -> Bool {
    let offset = place % length
    slots.store(slots.uint8(at: offset) ^ 0x10, at: offset)
    return true
}
