import Base
import SRTP
import Testing

@Suite struct ReplayTests {
    @Test(arguments: Pairing.all)
    func `a packet is taken once, late ones back to 1023 before the newest`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        var packets: [[UInt8]] = []
        for sequence in UInt16(0)..<1300 { packets.append(try sender.protect(Sample.rtp(sequence))) }
        _ = try receiver.unprotect(packets[100])
        _ = try receiver.unprotect(packets[1200])
        let verdicts = [1200, 100, 176, 177, 177, 1199, 1199, 1201].map { receiver.refusal(of: packets[$0]) }
        #expect(verdicts == [.replayed, .tooOld, .tooOld, nil, .replayed, nil, .replayed, nil])
    }

    @Test(arguments: SRTPCryptoSuite.allCases)
    func `numbers far apart leave no shadow in the window`(suite: SRTPCryptoSuite) throws {
        let key = try Sample.key(suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key)
        // 1,024 apart: the same place in a window of that size.
        for index in stride(from: UInt64(5), to: 200_000, by: 1024) {
            let packet = try sender.protect(Sample.rtp(UInt16(truncatingIfNeeded: index)), rollover: index >> 16)
            let first = receiver.refusal(of: packet)
            #expect(first == nil, "index \(index)")
            let second = receiver.refusal(of: packet)
            #expect(second == .replayed, "index \(index)")
            // The one before it never came.
            let before = index - 1
            let late = try sender.protect(Sample.rtp(UInt16(truncatingIfNeeded: before)), rollover: before >> 16)
            let refusal = receiver.refusal(of: late)
            #expect(refusal == nil, "index \(before)")
        }
    }

    @Test(arguments: Pairing.all)
    func `RTCP is taken once`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        let first = try sender.protectRTCP(Sample.rtcp())
        let second = try sender.protectRTCP(Sample.rtcp())
        _ = try receiver.unprotectRTCP(second)
        let verdicts = [first, first, second].map { receiver.refusal(ofRTCP: $0) }
        #expect(verdicts == [nil, .replayed, .replayed])
    }

    @Test(arguments: Pairing.all)
    func `RTCP that is not encrypted is refused, whatever its tag`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        var packet = try sender.protectRTCP(Sample.rtcp())
        let place = packet.count - (pairing.suite.isAEAD ? 4 : 14)
        #expect(packet[place] == 0x80)
        packet[place] = 0
        let refusal = receiver.refusal(ofRTCP: packet)
        #expect(refusal == .unencrypted)
    }

    @Test(arguments: SRTPBackend.allCases)
    func `a packet whose tag is wrong moves no window and no rollover counter`(backend: SRTPBackend) throws {
        let key = try Sample.key(.aesCM128HMACSHA1Tag80)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: backend)
        _ = try receiver.unprotect(try sender.protect(Sample.rtp(65_000)))
        // Were it believed, it would be index 65,536 and more.
        var forged = try sender.protect(Sample.rtp(40), rollover: 1)
        forged[20] ^= 1
        let refusal = receiver.refusal(of: forged)
        #expect(refusal == .authenticationFailed)
        // Far back from the forged one, near to the true one.
        let old = receiver.refusal(of: try sender.protect(Sample.rtp(64_000)))
        #expect(old == nil)
        forged[20] ^= 1
        let repaired = receiver.refusal(of: forged)
        #expect(repaired == nil)
    }

    @Test(arguments: SRTPBackend.allCases)
    func `who has no key fills no table`(backend: SRTPBackend) throws {
        var stranger = try SRTPSender(try Sample.key(.aeadAES128GCM, seed: 99))
        var receiver = try SRTPReceiver(try Sample.key(.aeadAES128GCM), backend: backend)
        for ssrc in UInt32(0)..<50 {
            let packet = try stranger.protect(Sample.rtp(1, ssrc: ssrc))
            let refusal = receiver.refusal(of: packet)
            #expect(refusal == .authenticationFailed)
        }
        let count = receiver.sourceCount
        #expect(count == 0)
    }

    @Test(arguments: Pairing.all)
    func `a stream that has ended may begin anew, the others are remembered`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        for ssrc in UInt32(1)...3 {
            for index: UInt64 in [65_000, 65_600] {
                let packet = Sample.rtp(UInt16(truncatingIfNeeded: index), ssrc: ssrc)
                _ = try receiver.unprotect(try sender.protect(packet, rollover: index >> 16))
            }
        }
        receiver.forget(1)
        receiver.forget(77)
        let count = receiver.sourceCount
        #expect(count == 2)
        var verdicts: [SRTPError?] = []
        for ssrc in UInt32(1)...3 {
            verdicts.append(receiver.refusal(of: try sender.protect(Sample.rtp(100, ssrc: ssrc))))
        }
        // The others are one rollover further, where this is another packet.
        #expect(verdicts == [nil, .authenticationFailed, .authenticationFailed])
        let goesOn = receiver.refusal(of: try sender.protect(Sample.rtp(101, ssrc: 3), rollover: 1))
        #expect(goesOn == nil)
    }

    @Test func `a full table forgets the sender that was silent for longest`() throws {
        let key = try Sample.key(.aeadAES128GCM)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, maximumSources: 3)
        for ssrc in UInt32(1)...3 { _ = try receiver.unprotect(try sender.protect(Sample.rtp(1, ssrc: ssrc))) }
        _ = try receiver.unprotect(try sender.protect(Sample.rtp(2, ssrc: 1)))
        // 2 has to go.
        _ = try receiver.unprotect(try sender.protect(Sample.rtp(1, ssrc: 4)))
        let count = receiver.sourceCount
        #expect(count == 3)
        var verdicts: [SRTPError?] = []
        for ssrc: UInt32 in [1, 3, 4] {
            verdicts.append(receiver.refusal(of: try sender.protect(Sample.rtp(1, ssrc: ssrc))))
        }
        #expect(verdicts == [.replayed, .replayed, .replayed])
        let forgotten = receiver.refusal(of: try sender.protect(Sample.rtp(1, ssrc: 2)))
        #expect(forgotten == nil)
    }

    @Test func `with libsrtp, too, no more senders are remembered than said`() throws {
        let key = try Sample.key(.aeadAES128GCM)
        var sender = try SRTPSender(key)
        var receiver = try SRTPReceiver(key, backend: .libsrtp, maximumSources: 3)
        for ssrc in UInt32(1)...10 { _ = try receiver.unprotect(try sender.protect(Sample.rtp(1, ssrc: ssrc))) }
        let count = receiver.sourceCount
        #expect(count == 3)
        // Not only by our count: the oldest may begin anew.
        var verdicts: [SRTPError?] = []
        for ssrc: UInt32 in [1, 10] {
            verdicts.append(receiver.refusal(of: try sender.protect(Sample.rtp(1, ssrc: ssrc))))
        }
        #expect(verdicts == [nil, .replayed])
    }

    @Test func `an index beyond 48 bits is refused`() throws {
        var sender = try SRTPSender(try Sample.key(.aeadAES128GCM))
        _ = try sender.protect(Sample.rtp(1), rollover: 1 << 32 - 1)
        #expect(throws: SRTPError.indexesUsedUp) { try sender.protect(Sample.rtp(1), rollover: 1 << 32) }
    }

    @Test func `more RTCP senders than are remembered, and still no number twice`() throws {
        let key = try Sample.key(.aeadAES128GCM)
        var sender = try SRTPSender(key)
        var seen = Set<[UInt8]>()
        // The first one comes again when 5,000 others have been there.
        for ssrc in Array(UInt32(1)...5000) + [1, 2, 5000, 1] {
            let packet = try sender.protectRTCP(Sample.rtcp(ssrc: ssrc, words: 1))
            #expect(seen.insert(Array(packet[4..<8] + packet.suffix(4))).inserted, "SSRC \(ssrc)")
        }
    }
}
