import Base
import Signaling
import Testing

@Suite struct ServerTests {
    @Test func `a busy port is an error that names it`() async throws {
        try await Gateway.run { gateway in
            let port = gateway.client.port
            await #expect(throws: SignalingError.addressInUse(host: "127.0.0.1", port: port)) {
                try await Gateway.run(SignalingConfiguration(port: port)) { _ in }
            }
        }
    }

    @Test func `an address that is not ours is an error that says so`() async throws {
        await #expect {
            try await Gateway.run(SignalingConfiguration(host: "192.0.2.1", port: 0, allowsEverybody: true)) { _ in }
        } throws: { error in
            guard case SignalingError.cannotListen(host: "192.0.2.1", _, _) = error else { return false }
            return true
        }
    }

    @Test func `a name for people is short, since every event bears it`() async throws {
        try await Gateway.run { gateway in
            func reply(_ length: Int, _ id: String) async throws -> Reply {
                let name = JSONValue(String(repeating: "n", count: length))
                return try await gateway.client(
                    "POST", "/rooms/r/broadcasters",
                    json: ["id": JSONValue(id), "displayName": name, "device": ["name": "x"]])
            }
            let long = try await reply(1025, "a")
            #expect(long.status == 400 && long.body == "TypeError: the display name is longer than 1024 bytes")
            #expect(try await reply(1024, "b").status == 200)
        }
    }

    @Test func `a recording of the broadcaster without a name is refused`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client(
                "POST", "/api/v1/recordings", json: ["room": "r", "broadcaster": ""])
            #expect(reply.status == 400 && reply.json?["message"] == "the broadcaster id is empty")
        }
    }

    @Test func `a body that ends too soon is the client's fault`() async throws {
        try await Gateway.run { gateway in
            // Chunked, and then nonsense where a chunk should be.
            let headers = ["Content-Type": "application/json", "Transfer-Encoding": "chunked"]
            let head = gateway.client.head("POST", "/rooms/r/broadcasters", headers: headers)
            let reply = try await gateway.client.raw(head + "1\r\n{\r\nno chunk\r\n")
            #expect(reply.status == 400, "\(reply)")
        }
    }

    @Test func `after a stream the connection ends, and the client was told`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client(
                "GET", "/api/v1/events?follow=false", headers: ["Connection": "keep-alive"])
            #expect(reply.status == 200 && reply.headers["connection"] == "close")
        }
    }

    @Test func `one connection carries many requests, also after a refused one`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let keep = client.head("GET", "/nope", text: nil, headers: ["Connection": "keep-alive"])
            let last = client.head("GET", "/api/v1/version", text: nil, headers: [:])
            let reply = try await client.raw(keep + last)
            #expect(reply.status == 404)
            #expect(reply.body.contains("HTTP/1.1 200 OK") && reply.body.contains("\"version\":\"1.2.3\""))
        }
    }
}
