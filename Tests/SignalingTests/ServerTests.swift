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
