import Base
import SRTP
import TestSupport
import Testing

struct Pairing: Sendable, CustomTestStringConvertible {
    var suite: SRTPCryptoSuite
    var backend: SRTPBackend
    var testDescription: String { "\(suite.rawValue), \(backend.rawValue)" }

    static let all = SRTPCryptoSuite.allCases.flatMap { suite in
        SRTPBackend.allCases.map { Pairing(suite: suite, backend: $0) }
    }
}

/// Packet by packet against libsrtp, which mediasoup uses.
@Suite struct LibSRTPTests {
    /// Three streams whose numbers pass several wraps, with gaps. Each begins before its first wrap: libsrtp can't be told
    /// otherwise.
    struct Traffic {
        var random: SeededGenerator
        private(set) var indexes: [UInt32: UInt64] = [0x1111_1111: 32_000, 0x2222_2222: 64_000, 0xFFFF_FFFF: 1]

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        mutating func next() -> (packet: [UInt8], index: UInt64) {
            let ssrc = indexes.keys.sorted()[Int.random(in: 0..<3, using: &random)]
            // Mostly the next one, now and then a loss of hundreds: wraps are passed in either way.
            let step: UInt64 =
                Int.random(in: 0..<4, using: &random) > 0 ? 1 : UInt64.random(in: 1...900, using: &random)
            let index = indexes[ssrc, default: 0] + step
            indexes[ssrc] = index
            let size = Int.random(in: 0..<8, using: &random) == 0 ? 0 : Int.random(in: 1...1200, using: &random)
            let full = Bool.random(using: &random)
            return (Sample.rtp(UInt16(truncatingIfNeeded: index), ssrc: ssrc, payload: size, full: full), index)
        }
    }

    @Test(arguments: Pairing.all)
    func `what we protect is what libsrtp protects, across wraps`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key, backend: pairing.backend)
        let (theirs, receiver) = (try LibSRTP(key, sends: true), try LibSRTP(key, sends: false))
        var traffic = Traffic(seed: 11)
        var rollovers = Set<UInt64>()
        for round in 0..<6000 {
            let (packet, index) = traffic.next()
            rollovers.insert(index >> 16)
            let ours = try sender.protect(packet, rollover: index >> 16)
            let expected = try theirs.protect(packet)
            let isSame = ours == expected
            try #require(isSame, "round \(round), index \(index), seed 11")
            let received = try receiver.unprotect(ours)
            let isBack = received == packet
            try #require(isBack, "round \(round), index \(index), seed 11")
        }
        #expect(rollovers.count > 3)
    }

    @Test(arguments: Pairing.all)
    func `what libsrtp protects we take, across wraps, with loss and reordering`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        let theirs = try LibSRTP(key, sends: true)
        var traffic = Traffic(seed: 12)
        var link = Link(seed: 12, loss: 0.1, reordering: 0.3)
        var clock = Instant(nanoseconds: 0)
        var plain: [[UInt8]: [UInt8]] = [:]
        var arrived = 0
        var pending: [UInt32: UInt64] = [:]
        for round in 0..<6000 {
            let (packet, index) = traffic.next()
            let protected = try theirs.protect(packet)
            plain[protected] = packet
            link.send(protected, at: clock)
            clock = clock + .milliseconds(4)
            for datagram in link.arrivals(until: clock) {
                let received = try receiver.unprotect(datagram)
                let isBack = received == plain[datagram]
                try #require(isBack, "round \(round), seed 12")
                arrived += 1
            }
            pending[packet.ssrc(at: 8)] = index
        }
        #expect(arrived > 5000)
        #expect(pending.values.contains { $0 >> 16 > 3 })
        let sources = receiver.sourceCount
        #expect(sources == 3)
    }

    @Test(arguments: Pairing.all)
    func `RTCP both ways, each sender numbered apart`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key, backend: pairing.backend)
        var receiver = try SRTPReceiver(key, backend: pairing.backend)
        let (theirs, taker) = (try LibSRTP(key, sends: true), try LibSRTP(key, sends: false))
        var random = SeededGenerator(seed: 13)
        for round in 0..<500 {
            let ssrc: UInt32 = [1, 2, 0x8000_0000][Int.random(in: 0..<3, using: &random)]
            let packet = Sample.rtcp(ssrc: ssrc, words: Int.random(in: 0...60, using: &random))
            let ours = try sender.protectRTCP(packet)
            let expected = try theirs.protectRTCP(packet)
            let isSame = ours == expected
            try #require(isSame, "round \(round), seed 13")
            let there = try taker.unprotectRTCP(ours)
            try #require(there == packet, "round \(round), seed 13")
            let here = try receiver.unprotectRTCP(expected)
            try #require(here == packet, "round \(round), seed 13")
        }
    }

    @Test(arguments: Pairing.all)
    func `a packet sent again after a wrap is the same packet, and is taken`(_ pairing: Pairing) throws {
        let key = try Sample.key(pairing.suite)
        var sender = try SRTPSender(key, backend: pairing.backend)
        let receiver = try LibSRTP(key, sends: false)
        var sent: [UInt64: [UInt8]] = [:]
        // 65,530 is lost on its way.
        for index in UInt64(65_500)..<65_560 {
            let packet = try sender.protect(Sample.rtp(UInt16(truncatingIfNeeded: index)), rollover: index >> 16)
            sent[index] = packet
            if index != 65_530 { _ = try receiver.unprotect(packet) }
        }
        let again = try sender.protect(Sample.rtp(65_530), rollover: 0)
        #expect(again == sent[65_530])
        let received = try receiver.unprotect(again)
        #expect(received == Sample.rtp(65_530))
        // And the stream goes on.
        let next = try sender.protect(Sample.rtp(24), rollover: 1)
        let taken = try receiver.unprotect(next)
        #expect(taken == Sample.rtp(24))
    }

    /// `allow_repeat_tx` lets libsrtp send a number twice. It does not let it receive one twice.
    @Test func `libsrtp refuses what it has received before, as we do`() throws {
        let key = try Sample.key(.aeadAES128GCM)
        let (sender, receiver) = (try LibSRTP(key, sends: true), try LibSRTP(key, sends: false))
        var ours = try SRTPReceiver(key)
        let packet = try sender.protect(Sample.rtp(7))
        let again = try sender.protect(Sample.rtp(7))
        #expect(again == packet)
        _ = try receiver.unprotect(packet)
        // 9: srtp_err_status_replay_fail.
        #expect(throws: LibSRTP.Refused(status: 9)) { try receiver.unprotect(packet) }
        _ = try ours.unprotect(packet)
        let refusal = ours.refusal(of: packet)
        #expect(refusal == .replayed)
    }
}
