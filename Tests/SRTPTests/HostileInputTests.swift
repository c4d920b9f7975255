import Base
import SRTP
import TestSupport
import Testing

/// Nothing that comes from the network traps or is believed without the key.
@Suite struct HostileInputTests {
    @Test(arguments: Pairing.all)
    func `cut off at every length it is refused, and the whole is taken afterwards`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        for full in [false, true] {
            let plain = Sample.rtp(full ? 2 : 1, payload: 40, full: full)
            let packet = try sender.protect(plain)
            for length in 0..<packet.count {
                let refusal = receiver.refusal(of: Array(packet[..<length]))
                #expect(refusal != nil, "\(length) bytes")
            }
            let received = try receiver.unprotect(packet)
            #expect(received == plain)
        }
        let plain = Sample.rtcp()
        let packet = try sender.protectRTCP(plain)
        for length in 0..<packet.count {
            let refusal = receiver.refusal(ofRTCP: Array(packet[..<length]))
            #expect(refusal != nil, "\(length) bytes")
        }
        let received = try receiver.unprotectRTCP(packet)
        #expect(received == plain)
    }

    @Test(arguments: Pairing.all)
    func `with any bit turned it is refused, and the true one is taken afterwards`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        _ = try receiver.unprotect(try sender.protect(Sample.rtp(500)))
        let plain = Sample.rtp(501, payload: 20, full: true)
        let packet = try sender.protect(plain)
        let plainRTCP = Sample.rtcp(words: 2)
        let packetRTCP = try sender.protectRTCP(plainRTCP)
        for bit in 0..<8 * packet.count {
            var turned = packet
            turned[bit / 8] ^= 1 << UInt8(bit % 8)
            let refusal = receiver.refusal(of: turned)
            #expect(refusal != nil, "bit \(bit)")
        }
        for bit in 0..<8 * packetRTCP.count {
            var turned = packetRTCP
            turned[bit / 8] ^= 1 << UInt8(bit % 8)
            let refusal = receiver.refusal(ofRTCP: turned)
            #expect(refusal != nil, "bit \(bit)")
        }
        let received = try receiver.unprotect(packet)
        #expect(received == plain)
        let receivedRTCP = try receiver.unprotectRTCP(packetRTCP)
        #expect(receivedRTCP == plainRTCP)
        let sources = receiver.sourceCount
        #expect(sources == 1)
    }

    @Test(arguments: Pairing.all)
    func `under another key it is refused`(_ pairing: Pairing) throws {
        var sender = try SRTPSender(try Sample.key(pairing.suite, seed: 2))
        var receiver = try SRTPReceiver(try Sample.key(pairing.suite), backend: pairing.backend)
        let refusal = receiver.refusal(of: try sender.protect(Sample.rtp(1)))
        #expect(refusal == .authenticationFailed)
        let refusalRTCP = receiver.refusal(ofRTCP: try sender.protectRTCP(Sample.rtcp()))
        #expect(refusalRTCP == .authenticationFailed)
    }

    @Test(arguments: Pairing.all)
    func `garbage and mutations of true packets never trap`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        let seed: UInt64 = 21
        var random = SeededGenerator(seed: seed)
        for round in 0..<3000 {
            var packet: [UInt8]
            if Bool.random(using: &random) {
                packet = (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
                if !packet.isEmpty, Bool.random(using: &random) { packet[0] = packet[0] & 0x3F | 0x80 }
            } else {
                packet = try sender.protect(Sample.rtp(UInt16(round), payload: 30, full: Bool.random(using: &random)))
                packet[Int.random(in: 0..<packet.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                // Never the true one, even when the byte was what it had been.
                packet.append(0)
            }
            let refusal = receiver.refusal(of: packet)
            #expect(refusal != nil, "round \(round), seed \(seed)")
            let refusalRTCP = receiver.refusal(ofRTCP: packet)
            #expect(refusalRTCP != nil, "round \(round), seed \(seed)")
        }
        let sources = receiver.sourceCount
        #expect(sources == 0)
    }

    @Test(arguments: Pairing.all)
    func `a packet larger than the scratch area is refused`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        let packet = try sender.protect(Sample.rtp(1, payload: 5000))
        var scratch = ByteArea(capacity: 4096)
        #expect(throws: SRTPError.oversized(capacity: 4096, got: packet.count)) {
            try receiver.unprotect(packet.span.bytes, into: &scratch)
        }
        let length = try receiver.unprotect(packet).count
        #expect(length == 5012)
    }

    @Test(arguments: Pairing.all)
    func `RTCP without even a header is not protected`(_ pairing: Pairing) throws {
        var sender = try SRTPSender(try Sample.key(pairing.suite), backend: pairing.backend)
        #expect(throws: SRTPError.truncated(needed: 8, got: 7)) {
            try sender.protectRTCP(Array(Sample.rtcp().prefix(7)))
        }
    }
}
