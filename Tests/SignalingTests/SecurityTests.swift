import Base
import Logging
import Signaling
import Testing

@Suite struct SecurityTests {
    static func configuration(
        token: String? = nil, knownHosts: [String] = [], origins: [String] = []
    ) -> SignalingConfiguration {
        SignalingConfiguration(
            port: 0, token: token.flatMap { BearerToken($0) }, knownHosts: knownHosts, allowedOrigins: origins)
    }

    @Test(arguments: [
        ("localhost:1", 200), ("LOCALHOST", 200), ("127.0.0.1", 200), ("127.0.0.2:4443", 200), ("[::1]:4443", 200),
        ("media.example.org", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("192.0.2.7", 421),
        ("media.example.org.evil", 421), ("", 400),
    ])
    func `a request must name a host that this gateway is known as`(host: String, status: Int) async throws {
        try await Gateway.run(Self.configuration(knownHosts: ["Media.example.org"])) { gateway in
            for path in ["/rooms/demo", "/api/v1/version"] {
                let reply = try await gateway.client("GET", path, headers: ["Host": host])
                #expect(reply.status == status, "\(path)")
            }
        }
    }

    @Test func `a refused host makes no room and is told how to be known`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("GET", "/rooms/demo", headers: ["Host": "evil.example"])
            #expect(
                reply.body == "UnknownHostError: this gateway is not known as \"evil.example\"; the name can be added "
                    + "to its known hosts")
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `an origin that is not listed may not use the API, listed ones and programs may`() async throws {
        try await Gateway.run(Self.configuration(origins: ["https://app.example:8443"])) { gateway in
            let client = gateway.client
            let path = "/api/v1/rooms"
            let refused = try await client("GET", path, headers: ["Origin": "https://evil.example"])
            #expect(refused.status == 403 && refused.json?["error"] == "ForbiddenError")
            #expect(refused.headers["access-control-allow-origin"] == nil)
            #expect(try await client("GET", path, headers: ["Origin": "null"]).status == 403)
            let allowed = try await client("GET", path, headers: ["Origin": "https://app.example:8443"])
            #expect(allowed.status == 200)
            #expect(allowed.headers["access-control-allow-origin"] == "https://app.example:8443")
            #expect(try await client("GET", path).status == 200)
            #expect(
                try await client("GET", path, headers: ["Origin": "http://127.0.0.1:\(client.port)"]).status == 200)
        }
    }

    @Test func `behind a proxy with TLS that passes Host on, its pages are of the own origin`() async throws {
        try await Gateway.run(Self.configuration(knownHosts: ["media.example.org"])) { gateway in
            func status(_ origin: String) async throws -> Int {
                try await gateway.client(
                    "GET", "/api/v1/rooms", headers: ["Host": "media.example.org", "Origin": origin]
                ).status
            }
            let own = try await status("https://media.example.org")
            #expect(own == 200)
            for foreign in ["https://media.example.org:8443", "https://media.example.org.evil", "https://127.0.0.1"] {
                #expect(try await status(foreign) == 403, "\(foreign)")
            }
        }
    }

    @Test(arguments: [
        ["Origin": "https://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"],
        ["Sec-Fetch-Site": "same-site"],
    ])
    func `pages of other origins make nothing on the scripts' API, nor behind an escaped path`(
        headers: [String: String]
    ) async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let made = try await client("GET", "/rooms/x", headers: headers)
            let added = try await client(
                "POST", "/rooms/x/broadcasters", json: .broadcaster("me"), headers: headers)
            let escaped = try await client("GET", "/%61pi/v1/rooms", headers: headers)
            #expect([made.status, added.status, escaped.status] == [403, 403, 403])
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test(arguments: ["same-origin", "none"])
    func `what a person types, and pages of ours, are let in`(site: String) async throws {
        try await Gateway.run(Self.configuration(origins: ["https://app.example"])) { gateway in
            let client = gateway.client
            #expect(try await client("GET", "/rooms/x", headers: ["Sec-Fetch-Site": site]).status == 200)
            let listed = ["Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"]
            let reply = try await client("GET", "/rooms/x", headers: listed)
            #expect(reply.status == 200 && reply.headers["access-control-allow-origin"] == "https://app.example")
        }
    }

    @Test func `with a token every request needs it, but for what browsers ask before`() async throws {
        try await Gateway.run(Self.configuration(token: "s3cret", origins: ["https://app.example"])) { gateway in
            let client = gateway.client
            for path in ["/rooms/demo", "/api/v1/rooms", "/nope"] {
                let without = try await client("GET", path)
                #expect(without.status == 401 && without.headers["www-authenticate"] == "Bearer", "\(path)")
                for wrong in ["Bearer s3creT", "Bearer s3cre", "Bearer s3crets", "Bearer ", "s3cret", "Basic s3cret"] {
                    let reply = try await client("GET", path, headers: ["Authorization": wrong])
                    #expect(reply.status == 401, "\(wrong)")
                    #expect(reply.body.contains("the bearer token is not the right one"))
                }
            }
            #expect(try await client("GET", "/rooms/demo", headers: ["Authorization": "bearer s3cret"]).status == 200)
            let preflight = try await client(
                "OPTIONS", "/api/v1/ingests", headers: ["Origin": "https://app.example"])
            #expect(preflight.status == 200)
            #expect(preflight.headers["access-control-allow-methods"] == "GET,HEAD,POST")
            #expect(preflight.headers["access-control-allow-headers"]?.contains("Authorization") == true)
            #expect(await gateway.rooms.list().map(\.name) == ["demo"])
        }
    }

    @Test func `a token never prints`() throws {
        let token = try #require(BearerToken("s3cret"))
        #expect("\(token)" == "•••" && String(reflecting: token) == "•••")
        #expect(!String(describing: Self.configuration(token: "s3cret")).contains("s3cret"))
        #expect(BearerToken("") == nil)
    }

    @Test(arguments: [
        (SignalingConfiguration(host: "0.0.0.0"), "host 0.0.0.0 can be reached from other machines"),
        (SignalingConfiguration(host: "127.evil.example"), "host 127.evil.example can be reached"),
        (SignalingConfiguration(host: ""), "host is empty"),
        (SignalingConfiguration(port: 70_000), "port 70000 is not within 0…65535"),
        (SignalingConfiguration(bodyLimit: 5), "bodyLimit 5 is not within"),
        (SignalingConfiguration(idleTimeout: .zero), "idleTimeout 0.0 s is not within"),
        (SignalingConfiguration(maximumConnections: 0), "maximumConnections 0 is not within"),
        (SignalingConfiguration(allowedOrigins: ["example.org"]), "allowedOrigins: \"example.org\" is no origin"),
        (SignalingConfiguration(allowedOrigins: ["http://a/b"]), "allowedOrigins: \"http://a/b\" is no origin"),
        (SignalingConfiguration(knownHosts: ["http://a"]), "knownHosts: \"http://a\" is no host name"),
    ])
    func `a wrong setting is named with its value`(configuration: SignalingConfiguration, text: String) throws {
        #expect {
            try configuration.validate()
        } throws: { "\($0)".hasPrefix(text) }
    }

    @Test func `an open address is possible with a token or when it is meant`() throws {
        try SignalingConfiguration(host: "0.0.0.0", token: BearerToken("x")).validate()
        try SignalingConfiguration(host: "0.0.0.0", allowsEverybody: true).validate()
        try SignalingConfiguration(host: "::1").validate()
        try SignalingConfiguration().validate()
    }
}
