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
        print("client", pair.client.sent.map(\.count), "server", pair.server.sent.map(\.count))
        let lengths = (pair.client.sent + pair.server.sent).map(\.count)
        #expect(lengths.max() ?? 0 <= 1200)
    }
}
