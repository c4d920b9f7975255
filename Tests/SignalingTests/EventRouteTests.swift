import Base
import Events
import Testing

@Suite struct EventRouteTests {
    func publish(_ rooms: ClosedRange<Int>, _ gateway: Gateway) {
        for room in rooms { gateway.events.publish(.roomCreated(room: "\(room)")) }
    }

    func rooms(_ reply: Reply) -> [String] {
        reply.body.split(separator: "\n").compactMap { line in
            let event = try? JSONValue(parsing: String(line))
            return event?["type"] == "gap" ? event?["reason"]?.stringValue : event?["room"]?.stringValue
        }
    }

    @Test func `without following, JSON lines tell what is kept and end`() async throws {
        try await Gateway.run { gateway in
            publish(1...3, gateway)
            let all = try await gateway.client("GET", "/api/v1/events?follow=false")
            #expect(all.contentType == "application/x-ndjson; charset=utf-8")
            #expect(rooms(all) == ["1", "2", "3"])
            #expect(rooms(try await gateway.client("GET", "/api/v1/events?follow=false&since=0a1b2c3d-2")) == ["3"])
            #expect(rooms(try await gateway.client("GET", "/api/v1/events?follow=false&room=2")) == ["2"])
            #expect(
                rooms(try await gateway.client("GET", "/api/v1/events?follow=false&since=ffffffff-2"))
                    == ["other-boot", "1", "2", "3"])
        }
    }

    @Test func `server-sent events replay after the last id and go on live`() async throws {
        try await Gateway.run { gateway in
            publish(1...3, gateway)
            let reply = try await gateway.client.follow(
                "/api/v1/events?since=0a1b2c3d-3",
                headers: ["Accept": "text/event-stream", "Last-Event-ID": "0a1b2c3d-1"]
            ) { body in
                if body.contains("\"room\":\"3\""), !body.contains("\"room\":\"4\"") { self.publish(4...4, gateway) }
                return body.contains("\"room\":\"4\"")
            }
            #expect(reply.status == 200 && reply.contentType == "text/event-stream")
            let pieces = reply.body.split(separator: "\n\n").map(String.init)
            #expect(pieces.first == ":")
            #expect(
                pieces.dropFirst().map { $0.split(separator: "\n").first ?? "" } == [
                    "id: 0a1b2c3d-2", "id: 0a1b2c3d-3", "id: 0a1b2c3d-4",
                ])
            #expect(pieces[1].split(separator: "\n")[1] == "event: room.created")
            let data = try #require(pieces[1].split(separator: "\n").last?.dropFirst(6))
            #expect(try JSONValue(parsing: String(data))["id"] == "0a1b2c3d-2")
        }
    }

    @Test func `a stream begins at once, though nothing has happened`() async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client.follow(
                "/api/v1/events", headers: ["Accept": "text/event-stream"]
            ) { !$0.isEmpty }
            #expect(reply.body == ":\n\n")
        }
    }

    @Test(arguments: [
        ("since=x", "\"x\" is no event id; it must be like 5f3a9c01-42, or beginning, or now"),
        ("follow=perhaps", "follow must be true or false, not \"perhaps\""),
        ("room=a%2Fb", "the room id \"a/b\" holds a slash"),
    ])
    func `a wrong query is told by its name`(query: String, message: String) async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("GET", "/api/v1/events?\(query)")
            #expect(reply.status == 400)
            #expect(reply.json == ["error": "TypeError", "message": .string(message)])
        }
    }

    @Test func `open streams end when the gateway stops`() async throws {
        let (bodies, source) = AsyncStream.makeStream(of: String.self)
        let following = Locked<Task<Reply, any Error>?>(nil)
        try await Gateway.run { gateway in
            let task = Task {
                try await gateway.client.follow("/api/v1/events", headers: ["Accept": "text/event-stream"]) { body in
                    source.yield(body)
                    return false
                }
            }
            following.withLock { $0 = task }
            _ = await bodies.first { !$0.isEmpty }
        }
        // `run` has returned: the server did not wait for the client to go.
        let task = try #require(following.withLock { $0 })
        #expect(try await task.value.body == ":\n\n")
    }
}
