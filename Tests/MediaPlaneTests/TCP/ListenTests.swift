import Base
import MediaCore
import MediaPlane
import Testing

@Suite struct ListenTests {
    @Test func `each address has a candidate for UDP and one for TCP, on one port, as it is announced`() async throws {
        let stage = try await Stage(
            webRTCConfiguration([ListenAddress("127.0.0.1", announced: "203.0.113.5"), ListenAddress("::1")]))
        let peer = try await TCPPeer(stage, place: 1)
        let candidates = peer.transport.iceCandidates
        #expect(candidates.map(\.address) == ["203.0.113.5", "203.0.113.5", "::1", "::1"])
        #expect(candidates.map(\.transportProtocol) == [.udp, .tcp, .udp, .tcp])
        #expect(candidates.map(\.foundation) == ["udpcandidate", "tcpcandidate", "udpcandidate", "tcpcandidate"])
        // 64·2²⁴ + (10,000 − 100·place)·2⁸ + 255
        let preferences: [UInt32] = [10_000, 9_900, 9_800, 9_700]
        let base: UInt32 = 64 << 24
        #expect(candidates.map(\.priority) == preferences.map { base + $0 << 8 + 255 })
        #expect(candidates[0].port == candidates[1].port && candidates[2].port == candidates[3].port)
        // Both are served.
        try peer.arrive()
        try await TCPPeer(stage, place: 0).arrive()
        await stage.core.shutDown()
    }

    @Test func `who comes by TCP is told of by the address that it came to`() async throws {
        let stage = try await Stage(
            webRTCConfiguration([
                ListenAddress("127.0.0.1"), ListenAddress("127.0.0.2", announced: "203.0.113.5"),
            ]))
        for place in 0..<2 {
            let peer = try await TCPPeer(stage, place: place)
            try peer.arrive()
            let candidates = peer.transport.iceCandidates.filter { $0.transportProtocol == .tcp }
            let tuple = try #require(
                try await stage.core.stats(peer.transport.id).arrayValue?.first?["iceSelectedTuple"])
            #expect(tuple["protocol"] == "tcp" && tuple["remoteIp"] == "127.0.0.1")
            #expect(tuple["localAddress"] == .string(candidates[place].address))
            #expect(tuple["localPort"] == .integer(Int64(candidates[place].port)))
        }
        await stage.core.shutDown()
        let told = await stage.core.events.reduce(into: [String]()) { told, event in
            if case .iceSelectedTuple(_, let tuple) = event { told.append("\(tuple.localAddress) \(tuple.isTCP)") }
        }
        #expect(told == ["127.0.0.1 true", "203.0.113.5 true"])
    }

    @Test func `each worker has a port of its own, one after another`() async throws {
        // Two that follow each other are wanted; whoever has the second one in the meantime is no fault of ours.
        var core: EmbeddedCore?
        for _ in 0..<50 where core == nil {
            var configuration = MediaPlaneConfiguration(workers: 2)
            configuration.webRTCPort = try TestSocket().address.port
            guard configuration.webRTCPort != 65_535 else { continue }
            core = try? EmbeddedCore(configuration)
        }
        let both = try #require(core)
        let first = try #require(both.configuration.webRTCPort)
        for port in [first, first + 1] { _ = try TCPClient(to: port) }
        await both.shutDown()
    }

    @Test func `a port that is taken is named, with its protocol`() async throws {
        let taken = try TestSocket()
        var configuration = webRTCConfiguration()
        configuration.webRTCPort = taken.address.port
        let error = #expect(throws: MediaCoreError.self) { _ = try EmbeddedCore(configuration) }
        #expect(error?.message.hasPrefix("UDP port 127.0.0.1:\(taken.address.port) for WebRTC can't be had") == true)
        let listener = try TCPListener.listen(on: try #require(SocketAddress("127.0.0.1", port: 0)))
        configuration.webRTCPort = listener.local.port
        let other = #expect(throws: MediaCoreError.self) { _ = try EmbeddedCore(configuration) }
        #expect(other?.message.hasPrefix("TCP port 127.0.0.1:\(listener.local.port) for WebRTC") == true)
    }

    @Test func `ports beyond the last one are refused`() {
        var configuration = MediaPlaneConfiguration(workers: 2)
        configuration.webRTCPort = 65_535
        #expect(throws: MediaPlaneConfigurationError.self) { try configuration.validate() }
    }

    @Test func `a certificate that can't be read is named`() {
        var configuration = webRTCConfiguration()
        configuration.webRTCCertificate = CertificateFiles(certificate: "/nowhere/a.pem", key: "/nowhere/a.pem")
        let error = #expect(throws: MediaCoreError.self) { _ = try EmbeddedCore(configuration) }
        #expect(error?.message.contains("/nowhere/a.pem") == true)
    }
}
