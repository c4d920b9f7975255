import Base
import Events
import Foundation
import Signaling
import TestSupport
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

    @Test func `who asks for plain text gets a line for each event, as a log has it`() async throws {
        try await Gateway.run { gateway in
            publish(1...2, gateway)
            let reply = try await gateway.client(
                "GET", "/api/v1/events?follow=false", headers: ["Accept": "text/plain"])
            #expect(reply.contentType == "text/plain; charset=utf-8")
            let lines = reply.body.split(separator: "\n")
            #expect(lines.map { $0.dropFirst(14) } == ["room.created         1", "room.created         2"])
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

    @Test(.timeLimit(.minutes(1)))
    func `a client that has stopped reading keeps nobody from stopping`() async throws {
        let configuration = SignalingConfiguration(port: 0, stopPatience: .milliseconds(100))
        let stalled = Locked<[FileHandle]>([])
        try await Gateway.run(configuration) { gateway in
            // Far more than the sockets' buffers hold.
            let room = String(repeating: "x", count: 200_000)
            for _ in 1...100 { gateway.events.publish(.roomCreated(room: room)) }
            let silent = try gateway.client.open()
            try silent.write(contentsOf: Data(gateway.client.head("GET", "/api/v1/events?since=beginning").utf8))
            // The head has come, and nothing is read any more.
            _ = try await onThread { try silent.read(upToCount: 20) }
            // Another has said half of what it wants.
            let slow = try gateway.client.open()
            let headers = ["Content-Type": "application/json", "Content-Length": "50"]
            try slow.write(
                contentsOf: Data(gateway.client.head("POST", "/rooms/x/broadcasters", headers: headers).utf8))
            stalled.withLock { $0 = [silent, slow] }
        }
        // `run` has returned though they are still there.
        for client in stalled.withLock({ $0 }) { try client.close() }
    }

    @Test(.timeLimit(.minutes(1)))
    func `what happens last is still read by whoever follows`() async throws {
        let following = Locked<Task<Reply, any Error>?>(nil)
        let (bodies, source) = AsyncStream.makeStream(of: String.self)
        // A busy machine takes its time.
        try await Gateway.run(SignalingConfiguration(port: 0, stopPatience: .seconds(30))) { gateway in
            let task = Task {
                try await gateway.client.follow("/api/v1/events", headers: ["Accept": "text/event-stream"]) { body in
                    source.yield(body)
                    return false
                }
            }
            following.withLock { $0 = task }
            _ = await bodies.first { !$0.isEmpty }
            publish(1...50, gateway)
            gateway.events.finish()
        }
        let task = try #require(following.withLock { $0 })
        #expect(try await task.value.body.contains("\"room\":\"50\""))
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
