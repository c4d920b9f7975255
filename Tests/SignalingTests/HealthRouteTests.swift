import Base
import Signaling
import TestSupport
import Testing

private struct Unwell: HealthSource {
    func reasonsNotReady() async -> [String] {
        ["the media loop does not answer", "no UDP port of 40000-40001 is free"]
    }
}

private struct Figures: MetricsSource {
    func metrics() async -> [Metric] { PrometheusTextTests.metrics }
}

@Suite struct HealthRouteTests {
    @Test func `a gateway that serves says that it lives`() async throws {
        try await Gateway.run(health: Unwell()) { gateway in
            let reply = try await gateway.client("GET", "/health/live")
            #expect(reply.status == 200 && reply.body == #"{"live":true}"#)
            #expect(reply.contentType == "application/json; charset=utf-8")
            #expect(reply.headers["cache-control"] == "no-store")
            let head = try await gateway.client("HEAD", "/health/live")
            #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == "13")
        }
    }

    @Test func `a gateway is ready, or says each thing that is in the way`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("GET", "/health/ready")
            #expect(reply.status == 200 && reply.json == ["ready": true])
        }
        try await Gateway.run(health: Unwell()) { gateway in
            let reply = try await gateway.client("GET", "/health/ready")
            #expect(reply.status == 503)
            #expect(reply.contentType == "application/json; charset=utf-8")
            #expect(
                reply.json == [
                    "ready": false,
                    "reasons": ["the media loop does not answer", "no UDP port of 40000-40001 is free"],
                ])
            #expect(try await gateway.client("HEAD", "/health/ready").status == 503)
        }
    }

    @Test func `health needs no token, but a known host and no foreign page; figures need the token`() async throws {
        try await Gateway.run(SecurityTests.configuration(token: "s3cret"), metrics: Figures()) { gateway in
            let client = gateway.client
            for path in ["/health/live", "/health/ready", "/health/ready/"] {
                #expect(try await client("GET", path).status == 200, "\(path)")
                #expect(try await client("GET", path, headers: ["Host": "127.0.0.1"]).status == 200, "\(path)")
                #expect(try await client("GET", path, headers: ["Host": "evil.example"]).status == 421, "\(path)")
                #expect(
                    try await client("GET", path, headers: ["Origin": "https://evil.example"]).status == 403,
                    "\(path)")
                #expect(try await client("POST", path).status == 401, "\(path)")
            }
            #expect(try await client("GET", "/health").status == 401)
            let refused = try await client("GET", "/metrics")
            #expect(refused.status == 401 && refused.headers["www-authenticate"] == "Bearer")
            #expect(refused.contentType == "text/plain; charset=utf-8")
            #expect(try await client("GET", "/metrics", headers: ["Authorization": "Bearer s3cret"]).status == 200)
        }
    }

    @Test func `metrics come in Prometheus' format`() async throws {
        try await Gateway.run(metrics: Figures()) { gateway in
            let reply = try await gateway.client("GET", "/metrics")
            #expect(reply.status == 200)
            #expect(reply.contentType == "text/plain; version=0.0.4; charset=utf-8")
            #expect(reply.body == PrometheusText.render(PrometheusTextTests.metrics))
            #expect(try PrometheusScrape(reply.body)["ladle_rooms"] == 3)
        }
    }

    @Test func `requests are counted by the class of their answers`() async throws {
        let requests = RequestCounter()
        try await Gateway.run(health: Unwell(), requests: requests) { gateway in
            let client = gateway.client
            #expect(requests.byClass.map(\.name) == ["2xx", "4xx", "5xx"])
            #expect(requests.byClass.map(\.count) == [0, 0, 0])
            for path in ["/health/live", "/nope", "/api/v1/rooms/nope", "/health/ready"] {
                _ = try await client("GET", path)
            }
            #expect(requests.byClass.map(\.count) == [1, 2, 1])
        }
    }
}
