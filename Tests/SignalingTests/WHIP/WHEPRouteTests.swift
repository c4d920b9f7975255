import Base
import Control
import MediaCore
import SDP
import Signaling
import Testing

/// Players: draft-ietf-wish-whep.
@Suite struct WHEPRouteTests {
    @Test func `a player gets what the publisher sends, under its own numbers; DELETE ends it`() async throws {
        try await Gateway.run { gateway in
            let publisher = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            #expect(publisher.status == 201)
            let made = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            #expect(made.status == 201 && made.contentType == "application/sdp", "\(made.body)")
            let path = made.location
            #expect(path.hasPrefix("/rooms/demo/whep/") && made.headers["etag"] == "\"ice-1\"")
            #expect(
                made.headers["link"] == "<\(path)/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                    + "events=\"active,inactive,layers,viewercount\", "
                    + "<\(path)/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\"")

            let offer = try WebRTCDescription(parsing: try Offers.text(Offers.playing))
            let answer = try WebRTCDescription(parsing: made.body)
            #expect(answer.media.map(\.direction) == [.sendonly, .sendonly])
            for (offered, answered) in zip(offer.media, answer.media) {
                let codec = try #require(answered.codecs.first)
                #expect(offered.codecs.first { $0.payloadType == codec.payloadType }?.name == codec.name)
                #expect(answered.mid == offered.mid && !answered.sources.isEmpty)
            }
            // One MediaStream: its tracks are played in time with each other.
            #expect(Set(answer.media.compactMap { $0.msids.first?.stream }).count == 1)

            let room = try await gateway.room()
            #expect(room.broadcasters.map(\.role) == [.publisher, .player])
            #expect(room.broadcasters.map(\.displayName) == ["WHIP 1", "WHEP 1"])
            #expect(room.consumers.count == 2 && room.consumers.allSatisfy { !$0.paused })
            #expect(try await gateway.client("DELETE", path).status == 200)
            #expect(try await gateway.room().broadcasters.map(\.role) == [.publisher])
            #expect(await gateway.core.transportIDs.count == 1)
        }
    }

    @Test func `where nobody sends yet, a player is told to come again, and no room is made`() async throws {
        try await Gateway.run { gateway in
            let early = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            #expect(early.status == 409 && early.headers["retry-after"] == "2")
            #expect(early.body == "NothingToPlayError: nobody sends in room \"demo\" yet: there is no such room")
            #expect(await gateway.rooms.list().isEmpty)
            _ = try await gateway.client("GET", "/rooms/demo")
            #expect(try await gateway.post("/rooms/demo/whep", offer: Offers.playing).status == 409)
            let other = try await gateway.post("/rooms/demo/whep?broadcaster=b", offer: Offers.playing)
            #expect(other.status == 409 && other.body.contains("broadcaster \"b\" sends nothing"))
            let unknown = try await gateway.post("/rooms/demo/whep?producerId=p", offer: Offers.playing)
            #expect(unknown.status == 404 && unknown.body == "Error: producer with id \"p\" does not exist")
            #expect(try await gateway.room().broadcasters.isEmpty)
        }
    }

    @Test func `who comes to a room with several gets the oldest that sends, or the one asked for`() async throws {
        try await Gateway.run { gateway in
            let scene = try await BroadcasterRouteTests.Scene(gateway)
            _ = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            let room = try await gateway.room()
            let publisher = try #require(room.broadcasters.last)
            let produced = room.producers.filter { $0.broadcaster == publisher.id }

            func played(_ query: String) async throws -> [ProducerID] {
                let made = try await gateway.post("/rooms/demo/whep\(query)", offer: Offers.playing)
                #expect(made.status == 201, "\(made.body)")
                let now = try await gateway.room()
                let member = try #require(now.broadcasters.last)
                #expect(try await gateway.client("DELETE", made.location).status == 200)
                return now.consumers.filter { $0.broadcaster == member.id }.map(\.producer)
            }
            #expect(try await played("").map(\.rawValue) == [scene.producer])
            #expect(try await played("?broadcaster=\(publisher.id)") == produced.map(\.id))
            let video = try #require(produced.first { $0.kind == .video }).id
            #expect(try await played("?producerId=\(video)") == [video])
            let audio = try #require(produced.first { $0.kind == .audio }).id
            #expect(
                try await played("?producerId=\(scene.producer),\(audio)").map(\.rawValue) == [
                    scene.producer, audio.rawValue,
                ])
            #expect(try await played("?producerId=\(scene.producer)&producerId=\(audio)").count == 2)
            // Two videos have no place in an offer with one.
            let both = try await gateway.post(
                "/rooms/demo/whep?producerId=\(scene.producer),\(video)", offer: Offers.playing)
            #expect(both.status == 406 && both.body.contains("no section left"))
            let two = try await gateway.post(
                "/rooms/demo/whep?producerId=\(scene.producer),\(video)", offer: "chromium-recvonly-two-videos")
            #expect(two.status == 201)
        }
    }

    @Test func `what can't be played is refused in words, and leaves nobody in the room`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.post("/rooms/demo/whip", offer: "chromium-h264")
            let before = try await gateway.room()
            let good = try Offers.text(Offers.playing)
            func send(_ text: String) async throws -> Reply {
                try await gateway.client.send(
                    "POST", "/rooms/demo/whep", text: text, headers: ["Content-Type": "application/sdp"])
            }
            #expect(try await gateway.post("/rooms/demo/whep", offer: Offers.publishing).status == 422)
            #expect(try await send("v=1").status == 400)
            let codecs = try await send(
                good.replacing("H264/90000", with: "other/90000").replacing("opus/48000", with: "other/48000"))
            #expect(codecs.status == 406 && codecs.body.contains("takes nothing of what is sent"), "\(codecs.body)")
            let after = try await gateway.room()
            #expect(after.broadcasters == before.broadcasters && after.transports.count == before.transports.count)
        }
    }

    @Test func `the publisher's leaving ends its players' sessions`() async throws {
        try await Gateway.run { gateway in
            let publisher = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            let player = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            let reply = try await gateway.client.follow("\(player.location)/events") { body in
                if body.contains("event: active"), !body.contains("inactive") {
                    _ = try? await gateway.client("DELETE", publisher.location)
                }
                return false
            }
            #expect(reply.status == 200 && reply.contentType == "text/event-stream")
            #expect(
                reply.body.hasPrefix(
                    ":\n\nevent: active\ndata: {}\n\nevent: viewercount\ndata: {\"viewercount\":1}\n\n"))
            #expect(reply.body.hasSuffix("event: inactive\ndata: {}\n\n"))
            // The stream has ended with the session; its member goes with it.
            #expect(try await gateway.client("GET", player.location).status == 404)
        }
    }

    // MARK: - Extensions

    @Test func `an event stream is made, read and deleted, and tells only what was asked for`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.post("/rooms/demo/whip", offer: "chromium-simulcast")
            let player = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            let made = try await gateway.client(
                "POST", "\(player.location)/events", json: ["layers", "reconnect", "viewercount"])
            #expect(made.status == 201 && made.location == "\(player.location)/events/1")
            let reply = try await gateway.client.follow(made.location) { body in
                if !body.contains("\"viewercount\":2") {
                    _ = try? await gateway.post("/rooms/demo/whep", offer: Offers.playing)
                }
                return body.contains("\"viewercount\":2") && body.contains("event: layers")
            }
            #expect(!reply.body.contains("event: active"))
            let line = try #require(
                reply.body.split(separator: "\n").first { $0.hasPrefix("data: {\"1\"") || $0.hasPrefix("data: {\"0\"") }
            )
            let data = try JSONValue(parsing: String(line.dropFirst(6)))
            let layers = try #require(data.objectValue?.values.first?.arrayValue)
            #expect(layers.count == 9)
            #expect(layers.first?["spatialLayerId"] == 2 && layers.first?["temporalLayerId"] == 2)
            #expect(layers.first?["rid"] != nil && layers.first?["rid"] == layers.first?["encodingId"])

            #expect(try await gateway.client("DELETE", made.location).status == 200)
            #expect(try await gateway.client("GET", made.location).status == 404)
            #expect(try await gateway.client("POST", "\(player.location)/events", json: ["a": 1]).status == 400)
            #expect(try await gateway.client("POST", "\(player.location)/events").status == 201)
            for _ in 0..<7 { _ = try await gateway.client("POST", "\(player.location)/events") }
            #expect(try await gateway.client("POST", "\(player.location)/events").status == 409)
        }
    }

    @Test func `a layer is chosen by its rid or its numbers`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.post("/rooms/demo/whip", offer: "chromium-simulcast")
            let player = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            let path = "\(player.location)/layer"
            let video = try #require(try await gateway.room().producers.first { $0.kind == .video })
            let rid = try #require(video.rtpParameters.encodings.first?.rid)
            for body: JSONValue in [
                ["rid": .string(rid)], ["encodingId": .string(rid)], ["spatialLayerId": 1, "temporalLayerId": 0],
                ["maxSpatialLayerId": 2], [:],
            ] {
                #expect(try await gateway.client("POST", path, json: body).status == 200, "\(body.text)")
            }
            #expect(await gateway.core.calls.filter { $0.hasPrefix("setPreferredLayers") }.count == 5)
            let unknown = try await gateway.client("POST", path, json: ["rid": "zz"])
            #expect(unknown.status == 404 && unknown.body.contains("has no stream with the rid \"zz\", only"))
            #expect(try await gateway.client("POST", path, json: ["spatialLayerId": 3]).status == 404)
            #expect(try await gateway.client("POST", path, json: ["temporalLayerId": 9]).status == 404)
            #expect(try await gateway.client("POST", path, json: ["mediaId": "7"]).status == 404)
            #expect(try await gateway.client("POST", path, json: ["mediaId": "x"]).status == 400)
            #expect(try await gateway.client.send("POST", path, text: "{}").status == 415)
        }
    }

    @Test func `one stream has no layers to choose from`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            let player = try await gateway.post("/rooms/demo/whep", offer: Offers.playing)
            let reply = try await gateway.client("POST", "\(player.location)/layer", json: ["spatialLayerId": 0])
            #expect(reply.status == 409 && reply.body.contains("no layers to choose from"))
        }
    }
}
