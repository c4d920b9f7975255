import Base
import ScriptedCore
import Signaling
import TestSupport
import Testing

/// The handshake, the frames, and the ways in which a connection ends.
@Suite struct ProtooDoorTests {
    @Test func `the handshake gives the subprotocol, whatever the path`() async throws {
        try await ProtooWorld.run { world in
            let client = try await ProtooClient.open(
                world.port, "roomId=r&peerId=p", path: "/any/path",
                headers: ["Sec-WebSocket-Protocol": "foo, protoo"])
            #expect(client.handshake.headers["sec-websocket-protocol"] == "protoo")
            // RFC 6455 §1.3 has this key and its answer.
            #expect(client.handshake.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            _ = try await client.next("mediasoup-version")
            #expect(try await RawClient(port: world.port)("GET", "/api/v1/version").status == 200)
        }
    }

    @Test(arguments: [
        ("roomId=r&peerId=p", "", 403, "invalid/missing Sec-WebSocket-Protocol"),
        ("roomId=r&peerId=p", "foo", 403, "invalid/missing Sec-WebSocket-Protocol"),
        ("peerId=p", "protoo", 400, "Connection request without roomId and/or peerId"),
        ("roomId=r", "protoo", 400, "Connection request without roomId and/or peerId"),
        ("roomId=r&peerId=", "protoo", 400, "Connection request without roomId and/or peerId"),
        ("roomId=a/b&peerId=p", "protoo", 400, "the room id \"a/b\" holds a slash"),
        ("roomId=r&peerId=%00", "protoo", 400, "the peer id holds control characters"),
    ])
    func `a refused handshake says why in a header`(
        query: String, subprotocol: String, status: Int, reason: String
    ) async throws {
        try await ProtooWorld.run { world in
            let refused = await #expect(throws: ProtooClient.Refused.self) {
                _ = try await ProtooClient.open(
                    world.port, query, headers: ["Sec-WebSocket-Protocol": subprotocol])
            }
            let reply = try #require(refused?.reply)
            #expect(reply.status == status && reply.body.isEmpty)
            #expect(reply.headers["x-websocket-reject-reason"] == reason && reply.headers["connection"] == "close")
            #expect(await world.rooms.list().isEmpty)
        }
    }

    @Test func `foreign pages and those without the token stay outside`() async throws {
        let configuration = SignalingConfiguration(
            port: 0, token: BearerToken("s3cret"), allowedOrigins: ["https://app.example:3000"])
        try await ProtooWorld.run(configuration) { world in
            func status(_ query: String, _ headers: [String: String]) async throws -> Int {
                let all = headers.merging(ProtooClient.subprotocol) { $1 }
                do {
                    return try await world.open("p", query, headers: all).handshake.status
                } catch let refused as ProtooClient.Refused { return refused.reply.status }
            }
            let token = "&access_token=s3cret"
            let refused = [
                try await status(token, ["Origin": "https://evil.example"]),
                try await status(token, ["Host": "evil.example"]),
                try await status("", ["Origin": "https://app.example:3000"]),
                try await status("&access_token=other", [:]),
            ]
            #expect(refused == [403, 421, 401, 401])
            let admitted = [
                try await status(token, ["Origin": "https://app.example:3000"]),
                try await status(token, ["Origin": "http://127.0.0.1:\(world.port)"]),
                try await status("", ["Authorization": "Bearer s3cret"]),
            ]
            #expect(admitted == [101, 101, 101])
        }
    }

    @Test func `an upgrade to something else is an ordinary request`() async throws {
        try await ProtooWorld.run { world in
            let reply = try await RawClient(port: world.port).follow(
                "/api/v1/version", headers: ["Connection": "Upgrade", "Upgrade": "h2c"]
            ) { !$0.isEmpty }
            #expect(reply.status == 200)
        }
    }

    @Test func `a request that comes in pieces is answered`() async throws {
        try await ProtooWorld.run { world in
            let connection = try RawClient(port: world.port).open()
            for piece in ["G", "ET /api/v1/ver", "sion HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r", "\n\r\n"] {
                try connection.write(contentsOf: Array(piece.utf8))
                try await Task.sleep(for: .milliseconds(5))
            }
            let reply = try await onThread {
                try connection.readToEnd().map { String(decoding: $0, as: UTF8.self) } ?? ""
            }
            #expect(reply.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `what is no message is passed over`() async throws {
        try await ProtooWorld.run { world in
            let client = try await world.open("p")
            for text in [
                "{", "[]", "{}", "\"x\"", "null", "{\"request\":true,\"id\":\"1\",\"method\":\"join\"}",
                "{\"request\":true,\"id\":1}", "{\"notification\":true,\"method\":\"hello\"}",
                "{\"response\":true,\"id\":12345,\"ok\":true}",
            ] { await client.send(text: text) }
            await client.frame(2, [1, 2, 3])
            #expect(try await client.ask("getRouterRtpCapabilities")["ok"] == true)
            let unknown = try await client.ask("foo")
            #expect(unknown["ok"] == false && unknown["errorCode"] == 500)
            #expect(unknown["errorReason"] == "unknown request.method \"foo\"")
        }
    }

    @Test func `a message in pieces is one message, pings in between`() async throws {
        try await ProtooWorld.run { world in
            let client = try await world.open("p")
            await client.frame(1, Array("{\"request\":true,\"id\":7,".utf8), isFinal: false)
            await client.frame(9, [1, 2])
            await client.frame(0, Array("\"method\":\"foo\"}".utf8))
            let answer = try await client.next("an answer") { $0["response"] == true }
            #expect(answer["id"] == 7)
        }
    }

    @Test func `a message that is too long closes with 1009, in one frame or in many`() async throws {
        try await ProtooWorld.run { world in
            let one = try await world.open("one")
            await one.frame(1, Array(repeating: 120, count: 961_053))
            guard case .closed(1009, _) = try await one.closing() else {
                Issue.record("one frame: not 1009")
                return
            }
            let many = try await world.open("many")
            await many.frame(1, Array(repeating: 120, count: 500_000), isFinal: false)
            await many.frame(0, Array(repeating: 120, count: 500_000))
            guard case .closed(1009, _) = try await many.closing() else {
                Issue.record("many frames: not 1009")
                return
            }
        }
    }

    @Test func `frames against the protocol close with 1002`() async throws {
        try await ProtooWorld.run { world in
            let lone = try await world.open("lone")
            await lone.frame(0, [120])
            let bare = try await world.open("bare")
            await bare.frame(1, [120], isMasked: false)
            let nested = try await world.open("nested")
            await nested.frame(1, [120], isFinal: false)
            await nested.frame(1, [120])
            for client in [lone, bare, nested] {
                guard case .closed(1002, _) = try await client.closing() else {
                    Issue.record("not 1002")
                    continue
                }
            }
        }
    }

    @Test func `who is silent after a ping is cut off`() async throws {
        var configuration = SignalingConfiguration(port: 0)
        configuration.webSockets.pingInterval = .milliseconds(30)
        configuration.webSockets.pongPatience = .milliseconds(60)
        try await ProtooWorld.run(configuration) { world in
            let client = try await world.open("p")
            try await client.ping()
            #expect(try await client.closing() == .cut)
        }
    }

    @Test func `when the gateway stops, clients are told that they may come back`() async throws {
        let core = ScriptedCore()
        let (clients, found) = AsyncStream.makeStream(of: ProtooClient.self)
        try await ProtooWorld.run(core) { world in
            let client = try await world.open("p")
            try await client.join("P")
            found.yield(client)
        }
        for await client in clients {
            guard case .closed(1001, _) = try await client.closing() else {
                Issue.record("not 1001")
                return
            }
            break
        }
    }

    @Test func `an id that belongs to a broadcaster is refused for good`() async throws {
        try await ProtooWorld.run { world in
            _ = try await RawClient(port: world.port)("POST", "/rooms/r/broadcasters", json: .broadcaster("bc"))
            let client = try await world.open("bc")
            guard case .closed(4000, let reason) = try await client.closing() else {
                Issue.record("not 4000")
                return
            }
            #expect(reason == "the id \"bc\" belongs to a broadcaster of this room")
        }
    }
}
