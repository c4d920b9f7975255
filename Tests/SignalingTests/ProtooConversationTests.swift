import Base
import MediaCore
import ScriptedCore
import Signaling
import Testing

/// What clients are told, and in which order, over a core that does what the test says.
@Suite struct ProtooConversationTests {
    @Test func `two clients meet, and one sees the other's video once it has accepted`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice")
            #expect(try await alice.next("mediasoup-version")["data"] == ["version": "3.14.16"])
            let sending = try await alice.transport(producing: true)
            #expect(try await alice.join("Alice") == [])
            let producer = try await alice.produce(on: sending, appData: ["share": true, "peerId": "somebody"])

            let bob = try await world.open("bob")
            _ = try await bob.transport(consuming: true)
            let card: JSONValue = [
                "id": "alice", "displayName": "Alice",
                "device": ["flag": "chrome", "name": "Chrome", "version": "1"],
            ]
            #expect(try await bob.join("Bob") == [card])
            #expect(try await alice.next("newPeer")["data"]?["id"] == "bob")
            let offer = try await bob.next("newConsumer")
            let data = try #require(offer["data"])
            #expect(data["peerId"] == "alice" && data["producerId"] == producer && data["kind"] == "video")
            #expect(data["appData"] == ["share": true, "peerId": "alice"] && data["producerPaused"] == false)
            #expect(data["type"] == "simple" && data["rtpParameters"]?["mid"] == "0")
            let id = try #require(data["id"]?.stringValue)
            #expect(await !world.core.calls.contains("resume \(id)"))
            await bob.accept(offer)
            let score = try await bob.next("consumerScore")
            #expect(score["data"]?["consumerId"] == .string(id) && score["data"]?["score"]?["score"] == 10)
            #expect(await world.core.calls.contains("resume \(id)"))
        }
    }

    @Test func `a client that never answers holds nobody up, and its own transports neither`() async throws {
        try await ProtooWorld.run { world in
            let slow = try await world.open("slow")
            let receiving = try await slow.transport(consuming: true)
            try await slow.join("Slow")
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            try await alice.join("Alice")
            for ssrc in Int64(1)...5 { _ = try await alice.produce(on: sending, ssrc: ssrc) }
            let offer = try await slow.next("newConsumer")
            // Inside of its handling of that, as clients do.
            let connected = try await slow.ask(
                "connectWebRtcTransport",
                [
                    "transportId": receiving,
                    "dtlsParameters": ["fingerprints": [["algorithm": "sha-256", "value": "AB"]]],
                ])
            #expect(connected["ok"] == true)
            for _ in 2...5 { _ = try await slow.next("newConsumer") }
            let id = try #require(offer["data"]?["id"]?.stringValue)
            #expect(await !world.core.calls.contains { $0.hasPrefix("resume") })
            await slow.accept(offer)
            _ = try await slow.next("consumerScore")
            #expect(await world.core.calls.filter { $0.hasPrefix("resume") } == ["resume \(id)"])
        }
    }

    @Test func `a client that refuses keeps its consumer, paused`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            try await alice.join("Alice")
            let bob = try await world.open("bob")
            _ = try await bob.transport(consuming: true)
            try await bob.join("Bob")
            _ = try await alice.produce(on: sending)
            let offer = try await bob.next("newConsumer")
            await bob.send([
                "response": true, "id": offer["id"] ?? 0, "errorCode": 403, "errorReason": "I do not want to consume",
            ])
            let id = offer["data"]?["id"] ?? .null
            #expect(try await bob.data("getConsumerStats", ["consumerId": id]).arrayValue?.count == 1)
            #expect(await !world.core.calls.contains { $0.hasPrefix("resume") })
        }
    }

    @Test func `who leaves is told of first, then what it sent`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            try await alice.join("Alice")
            _ = try await alice.produce(on: sending)
            let bob = try await world.open("bob")
            _ = try await bob.transport(consuming: true)
            await bob.acceptEverything()
            try await bob.join("Bob")
            let offer = try await bob.next("newConsumer")
            _ = try await bob.next("consumerScore")
            await alice.close()
            #expect(try await alice.closing() == .closed(code: 1000, reason: ""))
            let closed = try await bob.next("consumerClosed")
            #expect(closed["data"]?["consumerId"] == offer["data"]?["id"])
            // It stands before, still unread.
            #expect(await bob.unreadMethods.contains("peerClosed"))
        }
    }

    @Test func `a client that loses its media connection is closed for good`() async throws {
        try await ProtooWorld.run { world in
            for name in ["ice", "failed", "closed"] {
                let client = try await world.open(name)
                let id = try #require(try await client.transport(producing: true).stringValue)
                let transport = TransportID(rawValue: id)
                switch name {
                case "ice": world.core.say(.iceState(transport, .disconnected))
                case "failed": world.core.say(.dtlsState(transport, .failed, reason: "wrong fingerprint"))
                default: world.core.say(.dtlsState(transport, .closed, reason: nil))
                }
                #expect(try await client.closing() == .closed(code: 4000, reason: "closed by protoo-server"))
            }
        }
    }

    @Test func `a client that comes again takes its own place, and the room stays`() async throws {
        try await ProtooWorld.run { world in
            let eve = try await world.open("eve")
            _ = try await eve.transport(producing: true)
            try await eve.join("Eve")
            let again = try await world.open("eve")
            #expect(try await eve.closing() == .closed(code: 4000, reason: "closed by protoo-server"))
            _ = try await again.transport(producing: true)
            try await again.join("Eve 2")
            #expect(await world.core.openRouters == 1)
            let members = await world.rooms.list().flatMap(\.broadcasters)
            #expect(members.map(\.id) == ["eve"] && members.first?.displayName == "Eve 2")
            #expect(await world.core.transportIDs.count == 1)
        }
    }

    @Test func `people see broadcasters come and go, and broadcasters are told of people`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            _ = try await alice.transport(consuming: true)
            await alice.acceptEverything()
            try await alice.join("Alice")
            let video = try await alice.produce(on: sending)
            let room = try await world.rooms.room("r")
            let http = RawClient(port: world.port)
            let made = try await http(
                "POST", "/rooms/r/broadcasters", json: .broadcaster("bc", capabilities: room.routerCapabilities))
            let peers = try #require(made.json?["peers"]?.arrayValue)
            #expect(peers.first?["id"] == "alice" && peers.first?["producers"] == [["id": video, "kind": "video"]])
            #expect(
                try await alice.next("newPeer")["data"]
                    == ["id": "bc", "displayName": "Broadcaster", "device": ["flag": "broadcaster", "name": "FFmpeg"]])
            let plain = try await http("POST", "/rooms/r/broadcasters/bc/transports", json: ["type": "plain"])
            let transport = try #require(plain.json?["id"]?.stringValue)
            _ = try await http("POST", "/rooms/r/broadcasters/bc/transports/\(transport)/producers", json: .vp8)
            let offer = try await alice.next("newConsumer")
            #expect(offer["data"]?["peerId"] == "bc" && offer["data"]?["appData"] == [:])
            _ = try await http("DELETE", "/rooms/r/broadcasters/bc")
            #expect(try await alice.next("peerClosed")["data"] == ["peerId": "bc"])
            #expect(try await alice.next("consumerClosed")["data"]?["consumerId"] == offer["data"]?["id"])
        }
    }

    @Test func `scores and layers go to whom they concern`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            _ = try await alice.transport(consuming: true)
            try await alice.join("Alice")
            let producer = ProducerID(rawValue: try await alice.produce(on: sending).stringValue ?? "")
            let bob = try await world.open("bob")
            _ = try await bob.transport(consuming: true)
            try await bob.join("Bob")
            let id = try await bob.next("newConsumer")["data"]?["id"]?.stringValue ?? ""
            let consumer = ConsumerID(rawValue: id)
            world.core.say(.producerScore(producer, [ProducerScore(encodingIndex: 0, ssrc: 22, rid: "r0", score: 7)]))
            world.core.say(.consumerLayers(consumer, ForwardedLayers(spatialLayer: 1, temporalLayer: 2)))
            world.core.say(.consumerLayers(consumer, nil))
            world.core.say(.consumerScore(consumer, ConsumerScore(score: 9, producerScore: 8, producerScores: [8])))
            #expect(
                try await alice.next("producerScore")["data"]
                    == [
                        "producerId": .string(producer.rawValue),
                        "score": [["encodingIdx": 0, "ssrc": 22, "rid": "r0", "score": 7]],
                    ])
            let layers = try await bob.next("consumerLayersChanged")["data"]
            #expect(layers == ["consumerId": .string(id), "spatialLayer": 1, "temporalLayer": 2])
            let none = try await bob.next("consumerLayersChanged")["data"]
            #expect(none == ["consumerId": .string(id), "spatialLayer": nil, "temporalLayer": nil])
            #expect(
                try await bob.next("consumerScore")["data"]
                    == ["consumerId": .string(id), "score": ["score": 9, "producerScore": 8, "producerScores": [8]]])
        }
    }

    @Test func `a client of the newer dialect is answered in it`() async throws {
        try await ProtooWorld.run { world in
            let alice = try await world.open("alice", "&usePipeTransports=false")
            #expect(try await alice.next("mediasoupVersion")["data"] == ["version": "3.14.16"])
            let capabilities = try await alice.data("getRouterRtpCapabilities")
            #expect(capabilities["routerRtpCapabilities"]?["codecs"] == capabilities["codecs"])
            func transport(_ direction: JSONValue) async throws -> JSONValue {
                let made = try await alice.data(
                    "createWebRtcTransport", ["forceTcp": false, "appData": ["direction": direction]])
                #expect(made["transportId"] == made["id"])
                return made["transportId"] ?? .null
            }
            let sending = try await transport("producer")
            let receiving = try await transport("consumer")
            #expect(try await alice.data("restartIce", ["transportId": sending])["iceParameters"]?["iceLite"] == true)
            try await alice.join("Alice")
            let made = try await alice.data(
                "produce", ProtooClient.video(on: sending, appData: ["source": "screensharing"]))
            #expect(made["producerId"] == made["id"])
            #expect(try await alice.data("getProducerStats", ["producerId": made["id"] ?? .null])["stats"] != nil)

            let bob = try await world.open("bob")
            let plain = try await bob.transport(producing: true)
            try await bob.join("Bob")
            let peer = try await alice.next("newPeer")["data"]?["peer"]
            #expect(peer?["peerId"] == "bob" && peer?["displayName"] == "Bob")
            _ = try await bob.produce(on: plain)
            let offer = try await alice.next("newConsumer")
            let data = try #require(offer["data"])
            #expect(data["transportId"] == receiving && data["consumerId"] == data["id"])
            #expect(data["appData"] == ["peerId": "bob", "source": "video"] && data["consumerScore"] != nil)
            await alice.notify("pauseProducer", ["producerId": made["id"] ?? .null])
            await alice.notify("changeDisplayName", ["displayName": "Alicia"])
            #expect(
                try await bob.next("peerDisplayNameChanged")["data"]
                    == ["peerId": "alice", "displayName": "Alicia", "oldDisplayName": "Alice"])
            #expect(await world.core.calls.contains("pause \(made["id"]?.stringValue ?? "")"))
        }
    }

    @Test func `a client of the newer dialect that doesn't join is closed`() async throws {
        var configuration = SignalingConfiguration(port: 0)
        configuration.webSockets.joinPatience = .milliseconds(50)
        try await ProtooWorld.run(configuration) { world in
            let classic = try await world.open("classic")
            let modern = try await world.open("modern", "&usePipeTransports=true")
            #expect(try await modern.closing() == .closed(code: 4000, reason: "closed by protoo-server"))
            #expect(try await classic.join("Classic") == [])
        }
    }
}
