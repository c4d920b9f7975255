import Base
import Logging
import NIOSSL
import ScriptedCore
import Signaling
import TestSupport
import Testing

/// The one port with TLS, seen by clients of several makes.
@Suite struct TLSServerTests {
    @Test(.timeLimit(.minutes(2))) func `requests, events and WebSockets go over TLS on the one port`() async throws {
        let folder = try TLSFolder()
        let trusted = try folder.put(TLSFolder.pair())
        try await ProtooWorld.run(folder.configuration()) { world in
            let client = RawClient(port: world.port, trusts: trusted)
            #expect(try await client("GET", "/api/v1/version").json?["version"] == "1.2.3")
            let peer = try await ProtooClient.open(world.port, "roomId=r&peerId=p", trusts: trusted)
            try await peer.join("P")
            let events = try await client.follow("/api/v1/events?room=r&since=beginning") {
                $0.contains("broadcaster.created")
            }
            #expect(events.status == 200 && events.body.contains("broadcaster.created"))
            let made = try await client("POST", "/rooms/r/broadcasters", json: .broadcaster("bc"))
            #expect(made.status == 200, "\(made)")
            _ = try await peer.next("newPeer")
            #expect(try await peer.ask("getRouterRtpCapabilities")["ok"] == true)
            // It would not answer the goodbye of a gateway that stops, which waits for that.
            await peer.hangUp()
        }
    }

    @Test func `who trusts another certificate gets no word in`() async throws {
        let folder = try TLSFolder()
        try folder.put(TLSFolder.pair())
        let other = try TLSFolder.trust(TLSFolder.pair())
        try await Gateway.run(folder.configuration()) { gateway in
            await #expect(throws: (any Error).self) {
                _ = try await RawClient(port: gateway.client.port, trusts: other)("GET", "/api/v1/version")
            }
        }
    }

    @Test func `curl and openssl take the certificate, and nothing older than TLS 1_2`() async throws {
        let folder = try TLSFolder()
        try folder.put(TLSFolder.pair())
        try await Gateway.run(folder.configuration()) { gateway in
            let (port, certificate) = (gateway.client.port, folder.files.certificate)
            let curl = try await onThread {
                try ExternalTool.run([
                    "curl", "--silent", "--show-error", "--cacert", certificate, "--http1.1", "--write-out",
                    " %{http_version} %{ssl_verify_result}", "https://localhost:\(port)/api/v1/version",
                ])
            }
            #expect(curl.status == 0, "\(curl.errors)")
            #expect(curl.text.contains("1.2.3") && curl.text.hasSuffix(" 1.1 0"), "\(curl.text)")
            func handshake(_ more: String...) async throws -> ExternalTool.Result {
                try await onThread {
                    try ExternalTool.run(
                        [
                            "openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificate,
                            "-verify_return_error", "-verify_ip", "127.0.0.1", "-alpn", "h2,http/1.1",
                        ] + more)
                }
            }
            for (flag, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
                let shown = try await handshake(flag)
                #expect(shown.text.contains("Verify return code: 0 (ok)"), "\(shown.text) \(shown.errors)")
                #expect(shown.text.contains("New, \(version)"), "\(shown.text)")
                #expect(shown.text.contains("ALPN protocol: http/1.1"))
            }
            // The tool itself would refuse it at its standard level of security.
            let old = try await handshake("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
            #expect(old.status != 0 && old.errors.contains("alert"), "\(old.text) \(old.errors)")
        }
    }

    @Test func `who forgets the s is told so`() async throws {
        let folder = try TLSFolder()
        try folder.put(TLSFolder.pair())
        try await Gateway.run(folder.configuration()) { gateway in
            let reply = try await gateway.client("GET", "/rooms/demo")
            #expect(reply.status == 400 && reply.body.contains("HTTPS") && reply.body.contains("https://"))
            let refused = await #expect(throws: ProtooClient.Refused.self) {
                _ = try await ProtooClient.open(gateway.client.port, "roomId=r&peerId=p")
            }
            #expect(refused?.reply.status == 400)
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `bytes of no protocol end the connection and nothing else`() async throws {
        let folder = try TLSFolder()
        let trusted = try folder.put(TLSFolder.pair())
        try await Gateway.run(folder.configuration()) { gateway in
            for bytes in [
                "\u{0}\u{1}\u{2}", "\u{16}\u{3}\u{1}\u{2}\u{0}garbage and more of it", "get / http/1.0\r\n\r\n",
            ] {
                _ = try? await gateway.client.raw(bytes + String(repeating: "x", count: 20_000))
            }
            let reply = try await RawClient(port: gateway.client.port, trusts: trusted)("GET", "/api/v1/version")
            #expect(reply.status == 200)
        }
    }

    @Test func `pages of the gateway come by https then, and those by http are foreign`() async throws {
        let folder = try TLSFolder()
        let trusted = try folder.put(TLSFolder.pair())
        try await Gateway.run(folder.configuration()) { gateway in
            let port = gateway.client.port
            let client = RawClient(port: port, trusts: trusted)
            func status(_ origin: String) async throws -> Int {
                try await client("GET", "/api/v1/rooms", headers: ["Origin": origin]).status
            }
            #expect(try await status("https://127.0.0.1:\(port)") == 200)
            #expect(try await status("http://127.0.0.1:\(port)") == 403)
            #expect(try await status("https://127.0.0.1") == 403)
            let peer = try await ProtooClient.open(
                port, "roomId=r&peerId=p",
                headers: ProtooClient.subprotocol.merging(["Origin": "https://127.0.0.1:\(port)"]) { $1 },
                trusts: trusted)
            #expect(try await peer.ask("getRouterRtpCapabilities")["ok"] == true)
            // It would not answer the goodbye of a gateway that stops, which waits for that.
            await peer.hangUp()
        }
    }

    @Test func `when the gateway stops, streams over TLS end as they do without`() async throws {
        let folder = try TLSFolder()
        let trusted = try folder.put(TLSFolder.pair())
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Reply.self)
        try await Gateway.run(folder.configuration()) { gateway in
            let client = RawClient(port: gateway.client.port, trusts: trusted)
            Task {
                let reply = try await client.follow("/api/v1/events") { _ in
                    begin.yield()
                    return false
                }
                end.yield(reply)
            }
            for await _ in begun { break }
            gateway.events.finish()
        }
        for await reply in ended {
            #expect(reply.status == 200)
            break
        }
    }
}
