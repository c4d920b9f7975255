import Base
import DTLS
import TestSupport
import Testing

@Suite struct HandshakeTests {
    @Test func `two sessions agree on keys, and know each other's certificates`() {
        let pair = Pair()
        pair.start()
        #expect(pair.server.session.nextDeadline == nil)
        pair.run()
        #expect(pair.client.names == ["connecting", "connected"])
        #expect(pair.server.names == ["connecting", "connected"])
        #expect(pair.agrees)
        #expect(pair.client.connection?.keys.profile == .aeadAES256GCM)
        #expect(pair.client.connection?.keys.local.count == 44)
        #expect(pair.client.connection?.remoteCertificate == identities.server.certificate)
        #expect(pair.server.connection?.remoteCertificate == identities.client.certificate)
        #expect(pair.client.session.nextDeadline == nil && pair.server.session.nextDeadline == nil)
        #expect(pair.client.sent.count == 2 && pair.server.sent.count == 2)
        #expect((pair.client.sent + pair.server.sent).allSatisfy { $0.count <= 1200 })
        #expect(String(describing: pair.client.connection).contains("•••"))
    }

    @Test(arguments: SRTPProfile.allCases)
    func `the first of the server's profiles that the client has is taken`(profile: SRTPProfile) throws {
        let all = SRTPProfile.allCases
        let left = Array(all.drop { $0 != profile })
        let client = try DTLSIdentity(unixSeconds: 1_800_000_000, profiles: left.reversed())
        let pair = Pair(client: client, serverExpects: client.sha256)
        pair.start()
        pair.run()
        #expect(pair.agrees)
        let keys = try #require(pair.client.connection?.keys)
        #expect(keys.profile == profile)
        #expect(keys.local.count == profile.keyLength + profile.saltLength)
    }

    @Test(arguments: [[], [SRTPProfile.aesCM128HMACSHA1Tag32]])
    func `no profile in common`(profiles: [SRTPProfile]) throws {
        let client = try DTLSIdentity(unixSeconds: 1_800_000_000, profiles: profiles)
        let server = try DTLSIdentity(unixSeconds: 1_800_000_000, profiles: [.aeadAES128GCM])
        let pair = Pair(
            client: client, server: server, clientExpects: server.sha256, serverExpects: client.sha256)
        pair.start()
        pair.run()
        #expect(pair.client.names == ["connecting", "failed"] && pair.server.names == ["connecting", "failed"])
        #expect(pair.server.reason?.contains("no SRTP profile of ours") == true)
    }

    @Test func `a wrong fingerprint fails, on the side that was told so`() {
        let pair = Pair(serverExpects: identities.server.sha256)
        pair.start()
        pair.run()
        #expect(pair.server.names == ["connecting", "failed"])
        let reason = pair.server.reason ?? ""
        #expect(reason.contains(identities.client.sha256.value) && reason.contains(identities.server.sha256.value))
        // The other one has nothing to object; it is told that it's over.
        #expect(pair.client.names == ["connecting", "connected", "closed"])
    }

    @Test func `every algorithm of fingerprints authenticates`() {
        for (mine, theirs) in zip(identities.client.fingerprints, identities.server.fingerprints) {
            let pair = Pair(clientExpects: theirs, serverExpects: mine)
            pair.start()
            pair.run()
            #expect(pair.agrees, "\(mine.algorithm)")
        }
    }

    @Test func `lower-case digits are another fingerprint, as for mediasoup`() {
        let right = identities.server.sha256
        let pair = Pair(clientExpects: DTLSFingerprint(.sha256, right.value.lowercased()))
        pair.start()
        pair.run()
        #expect(pair.client.names == ["connecting", "failed"])
    }

    @Test(arguments: [true, false])
    func `a server may be told late whom it talks to, and waits`(isRight: Bool) {
        let pair = Pair(serverExpects: nil)
        pair.start()
        pair.run()
        #expect(pair.client.names == ["connecting", "connected"])
        #expect(pair.server.names == ["connecting"])
        #expect(pair.server.session.nextDeadline == nil)
        // Whose data this is, nobody knows yet.
        pair.onClient { session, effects in
            #expect(throws: Never.self) { try session.send([UInt8]([1, 2, 3]).span.bytes, into: &effects) }
        }
        pair.onServer { session, effects in
            #expect(throws: DTLSError.notConnected) { try session.send([UInt8(1)].span.bytes, into: &effects) }
        }
        pair.run()
        let expected = isRight ? identities.client.sha256 : identities.server.sha256
        pair.onServer { $0.setRemoteFingerprint(expected, into: &$1) }
        pair.run()
        #expect(pair.server.names == ["connecting", isRight ? "connected" : "failed"])
        #expect(pair.server.received.isEmpty)
        #expect(pair.agrees == isRight)
    }

    @Test func `a server that becomes client starts over, and a second start changes nothing`() {
        let pair = Pair(clientExpects: identities.server.sha256)
        pair.onServer { [now = pair.clock.now] in $0.start(as: .server, now: now, into: &$1) }
        pair.onServer { [now = pair.clock.now] in $0.start(as: .client, now: now, into: &$1) }
        pair.onServer { [now = pair.clock.now] in $0.start(as: .client, now: now, into: &$1) }
        #expect(pair.server.sent.count == 1)
        pair.onClient { [now = pair.clock.now] in $0.start(as: .server, now: now, into: &$1) }
        pair.run()
        #expect(pair.agrees)
        #expect(pair.client.session.role == .server && pair.server.session.role == .client)
        #expect(pair.server.names == ["connecting", "connected"])
        pair.onServer { [now = pair.clock.now] in $0.start(as: .server, now: now, into: &$1) }
        #expect(pair.server.names == ["connecting", "connected"])
    }

    @Test func `two clients don't come together, and give a reason`() {
        let pair = Pair()
        pair.onClient { [now = pair.clock.now] in $0.start(as: .client, now: now, into: &$1) }
        pair.onServer { [now = pair.clock.now] in $0.start(as: .client, now: now, into: &$1) }
        pair.run()
        #expect(pair.client.names == ["connecting", "failed"] && pair.server.names == ["connecting", "failed"])
        #expect(pair.client.reason?.isEmpty == false)
    }

    @Test func `closing is told to the other side`() {
        let pair = Pair()
        pair.start()
        pair.run()
        pair.onServer { $0.close(into: &$1) }
        pair.onServer { $0.close(into: &$1) }
        pair.run()
        #expect(pair.server.names == ["connecting", "connected", "closed"])
        #expect(pair.client.names == ["connecting", "connected", "closed"])
        pair.onClient { session, effects in
            #expect(throws: DTLSError.notConnected) { try session.send([UInt8(1)].span.bytes, into: &effects) }
        }
    }

    @Test func `a session that never began closes without a word`() {
        let side = Side(identities.client, remote: nil)
        #expect(side.act { $0.close(into: &$1) }.isEmpty)
        #expect(side.names == ["closed"])
        #expect(side.act { $0.start(as: .client, now: Instant(nanoseconds: 0), into: &$1) }.isEmpty)
    }

    /// A browser's hello has two pieces or more, and the network may turn them round.
    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 1, 2, 0, 0]])
    func `a hello in pieces is put together`(order: [Int]) throws {
        let pair = Pair()
        pair.onServer { [now = pair.clock.now] in $0.start(as: .server, now: now, into: &$1) }
        pair.losesUp = { $0 == 0 }
        pair.onClient { [now = pair.clock.now] in $0.start(as: .client, now: now, into: &$1) }
        let hello = try #require(pair.client.sent.first)
        // Record header of 13 bytes, message header of 12: type, length (3), number (2), offset (3), length (3).
        let body = Array(hello[25...])
        let bounds = [0, 40, 41, body.count]
        for (place, piece) in order.enumerated() {
            let (start, end) = (bounds[piece], bounds[piece + 1])
            var datagram = Array(hello[..<25])
            datagram[10] = UInt8(place)
            (datagram[11], datagram[12]) = (0, UInt8(12 + end - start))
            (datagram[20], datagram[21]) = (0, UInt8(start))
            (datagram[22], datagram[23], datagram[24]) = (0, 0, UInt8(end - start))
            datagram += body[start..<end]
            pair.onServer { [now = pair.clock.now] in $0.receive(datagram.span.bytes, now: now, into: &$1) }
        }
        let begin = pair.clock.now
        while !pair.isConnected, pair.step() {}
        #expect(pair.agrees)
        #expect(pair.clock.now - begin < .milliseconds(100), "nothing had to be repeated")
    }
}
