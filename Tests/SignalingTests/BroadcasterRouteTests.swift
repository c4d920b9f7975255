import Base
import ORTC
import ScriptedCore
import Signaling
import Testing

/// What this gateway adds to the demo's API, and what bad input gets.
@Suite struct BroadcasterRouteTests {
    /// A sender with one transport and one producer, and a receiver with one consumer of it.
    struct Scene {
        let base = "/rooms/demo/broadcasters"
        let transport: String
        let producer: String
        let consumer: String
        let receiving: String

        init(_ gateway: Gateway) async throws {
            let client = gateway.client
            let capabilities = try #require(try await client("GET", "/rooms/demo").json)
            _ = try await client("POST", base, json: .broadcaster("s"))
            _ = try await client(
                "POST", base, json: .broadcaster("r", capabilities: try RTPCapabilities(json: capabilities)))
            transport = try Self.id(try await client("POST", "\(base)/s/transports", json: ["type": "plain"]))
            receiving = try Self.id(try await client("POST", "\(base)/r/transports", json: ["type": "plain"]))
            producer = try Self.id(
                try await client("POST", "\(base)/s/transports/\(transport)/producers", json: .vp8))
            consumer = try Self.id(
                try await client(
                    "POST", "\(base)/r/transports/\(receiving)/consume",
                    json: ["producerId": .string(producer), "paused": true, "enableRtx": false]))
        }

        static func id(_ reply: Reply) throws -> String { try #require(reply.json?["id"]?.stringValue, "\(reply)") }
    }

    @Test func `a transport that does not wait is connected once`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            _ = try await client("POST", "/rooms/demo/broadcasters", json: .broadcaster("b"))
            let made = try await client(
                "POST", "/rooms/demo/broadcasters/b/transports", json: ["type": "plain", "comedia": false])
            let path = "/rooms/demo/broadcasters/b/transports/\(try Scene.id(made))/connect"
            let remote: JSONValue = ["ip": "127.0.0.1", "port": 5004, "rtcpPort": 5005]
            let first = try await client("POST", path, json: remote)
            #expect(first.status == 200 && first.body.isEmpty && first.contentType == "application/json")
            #expect(first.headers["content-length"] == "0")
            let second = try await client("POST", path, json: remote)
            #expect(second.status == 409)
            #expect(second.body == "Error: connect() already called [method:plainTransport.connect]")
            #expect(second.contentType == "text/plain; charset=utf-8")
        }
    }

    @Test func `producers and consumers are paused, resumed, asked, measured and deleted`() async throws {
        try await Gateway.run { gateway in
            let scene = try await Scene(gateway)
            let (producer, consumer) = ("s/producers/\(scene.producer)", "r/consumers/\(scene.consumer)")
            let steps: [(String, String, String)] = [
                ("POST", "\(producer)/pause", ""), ("POST", "\(producer)/resume", ""),
                ("POST", "\(consumer)/resume", ""), ("POST", "\(consumer)/pause", ""),
                ("POST", "\(consumer)/key-frame", ""),
                ("GET", "\(producer)/stats", "[{\"type\":\"inbound-rtp\"}]"),
                ("GET", "\(consumer)/stats", "[{\"type\":\"outbound-rtp\"}]"),
                (
                    "GET", "s/transports/\(scene.transport)/stats",
                    "[{\"transportId\":\"\(scene.transport)\",\"type\":\"plain-rtp-transport\"}]"
                ),
                ("DELETE", consumer, "consumer deleted"), ("DELETE", producer, "producer deleted"),
                ("DELETE", "s/transports/\(scene.transport)", "transport deleted"),
            ]
            for (method, path, body) in steps {
                let reply = try await gateway.client(method, "\(scene.base)/\(path)")
                #expect(reply.status == 200 && reply.body == body, "\(method) \(path): \(reply)")
            }
            for (method, path, _) in steps {
                let reply = try await gateway.client(method, "\(scene.base)/\(path)")
                #expect(reply.status == 404, "\(method) \(path) again: \(reply)")
                #expect(reply.body.hasPrefix("Error: ") && reply.body.hasSuffix("\" does not exist"))
            }
            let calls = await gateway.core.calls
            #expect(calls.contains("requestKeyFrame \(scene.consumer)"))
        }
    }

    @Test func `a consumer is what its request says`() async throws {
        try await Gateway.run { gateway in
            let scene = try await Scene(gateway)
            let room = try #require(await gateway.rooms.existing("demo"))
            let consumer = try #require(await room.snapshot.consumers.first)
            #expect(consumer.paused)
            #expect(consumer.rtpParameters.codecs.map(\.mimeType) == ["video/VP8"])
            #expect(consumer.id.rawValue == scene.consumer)
        }
    }

    /// Path after the broadcaster, body, status, answer.
    static let refused: [(String, JSONValue, Int, String)] = [
        ("transports", ["type": "plain", "rtcpMux": "yes"], 400, "TypeError: body.rtcpMux is not a boolean"),
        ("transports", ["type": "plain", "comedia": 1], 400, "TypeError: body.comedia is not a boolean"),
        (
            "transports", ["type": "plain", "enableSrtp": true], 400, "UnsupportedError: this core has no SRTP yet"
        ),
        (
            "transports", ["type": "plain", "srtpCryptoSuite": 5], 400,
            "TypeError: body.srtpCryptoSuite is not a string"
        ),
        (
            "transports/T/connect", ["ip": "127.0.0.1", "port": 70_000], 400,
            "TypeError: body.port is not a port number (1 to 65535)"
        ),
        ("transports/T/connect", ["ip": 1, "port": 1], 400, "TypeError: body.ip is not a string"),
        (
            "transports/T/connect", ["ip": "127.0.0.1", "port": 1, "srtpParameters": [:]], 400,
            "TypeError: body.srtpParameters is not {cryptoSuite, keyBase64}, two strings"
        ),
        ("transports/T/producers", ["kind": "film"], 400, "TypeError: invalid kind \"film\""),
        (
            "transports/T/producers",
            [
                "kind": "audio",
                "rtpParameters": ["codecs": [["mimeType": "audio/opus", "payloadType": -1, "clockRate": 48_000]]],
            ], 400, "TypeError: "
        ),
        ("transports/T/consume", ["producerId": 5, "rtpCapabilities": [:]], 400, "TypeError: body.producerId"),
        ("transports/T/consume", ["producerId": "x", "rtpCapabilities": 5], 400, "TypeError: wrong body.rtp"),
        (
            "transports/T/consume", ["producerId": "x", "rtpCapabilities": ["codecs": []]], 404,
            "Error: Producer with id \"x\" not found"
        ),
        (
            "transports/T/consume/data", ["dataProducerId": "x"], 400,
            "Error: broadcaster does not have rtpCapabilities"
        ),
        ("transports/nope/produce/data", [:], 404, "Error: transport with id \"nope\""),
        ("transports/T/produce/data", [:], 400, "TypeError: params is not an object"),
        ("producers/nope/pause", [:], 404, "Error: producer with id \"nope\" does not exist"),
        ("consumers/nope/key-frame", [:], 404, "Error: consumer with id \"nope\" does not exist"),
    ]

    @Test func `bad input is told by its name`() async throws {
        try await Gateway.run { gateway in
            let scene = try await Scene(gateway)
            for (path, body, status, text) in Self.refused {
                let path = "\(scene.base)/s/\(path.replacing("T", with: scene.transport))"
                let reply = try await gateway.client("POST", path, json: body)
                #expect(reply.status == status, "\(path): \(reply)")
                #expect(reply.body.hasPrefix(text), "\(path): \(reply)")
            }
        }
    }

    @Test(arguments: [
        ("/rooms/a%2Fb", "TypeError: the room id \"a/b\" holds a slash"),
        ("/rooms/..", "TypeError: the room id \"..\" may not be or hold dots that name folders"),
        ("/rooms/%2e%2e", "TypeError: the room id \"..\" may not be or hold dots that name folders"),
        ("/rooms/a%00b", "TypeError: the room id holds control characters"),
        ("/rooms/a%0Ab", "TypeError: the room id holds control characters"),
        ("/rooms//broadcasters/b/transports/t/stats", "TypeError: the room id is empty"),
        ("/rooms/\(String(repeating: "r", count: 129))", "TypeError: the room id is longer than 128 characters"),
        ("/rooms/a%zz", "URIError: the path holds a part that can't be decoded: a%zz"),
        ("/rooms/%ff", "URIError: the path holds a part that can't be decoded: %ff"),
    ])
    func `a room id that could be a path or a trick is refused`(path: String, text: String) async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("GET", path)
            #expect(reply.status == 400 && reply.body == text, "\(reply)")
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `a room may have any other name`() async throws {
        try await Gateway.run { gateway in
            for name in ["Besprechung%20%C3%A4", "a.b", "%F0%9F%98%80", String(repeating: "r", count: 128)] {
                let reply = try await gateway.client("GET", "/rooms/\(name)?x=1")
                #expect(reply.status == 200, "\(name)")
            }
            #expect(await gateway.rooms.list().map(\.name).contains("Besprechung ä"))
        }
    }

    @Test func `asking about a broadcaster of no room makes no room`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("DELETE", "/rooms/nope/broadcasters/b")
            #expect(reply.status == 404 && reply.body == "Error: broadcaster with id \"b\" does not exist")
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `a body is refused by its size before it is read, and by its nesting`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let announced = try await client.raw(
                client.head("POST", "/rooms/d/broadcasters", text: nil, headers: ["Content-Length": "99999999"]))
            #expect(announced.status == 413)
            let chunks = "19000\r\n\(String(repeating: " ", count: 0x19000))\r\n1\r\n \r\n0\r\n\r\n"
            let streamed = try await client.raw(
                client.head(
                    "POST", "/rooms/d/broadcasters", text: nil,
                    headers: ["Transfer-Encoding": "chunked", "Content-Type": "application/json"]) + chunks)
            #expect(streamed.status == 413)
            let deep = String(repeating: "[", count: 50_000)
            let nested = try await client.send(
                "POST", "/rooms/d/broadcasters", text: deep, headers: ["Content-Type": "application/json"])
            #expect(
                nested.status == 400 && nested.body.hasPrefix("SyntaxError: the body is not valid JSON"), "\(nested)")
        }
    }

    @Test func `bytes that are no HTTP get an answer or a closed door, and the next client is served`() async throws {
        try await Gateway.run(SignalingConfiguration(port: 0, idleTimeout: .seconds(1))) { gateway in
            for bytes in ["\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
                _ = try? await gateway.client.raw(bytes)
            }
            let reply = try await gateway.client("GET", "/api/v1/version")
            #expect(reply.status == 200)
        }
    }
}
