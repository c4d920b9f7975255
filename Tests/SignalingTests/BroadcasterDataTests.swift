import Base
import ScriptedCore
import Testing

/// Data channels of broadcasters, over HTTP.
@Suite struct BroadcasterDataTests {
    @Test func `a broadcaster sends and another one receives, each over its own transport`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let room = try await gateway.rooms.room("demo")
            for name in ["s", "r"] {
                _ = try await client(
                    "POST", "/rooms/demo/broadcasters",
                    json: .broadcaster(name, capabilities: name == "r" ? room.routerCapabilities : nil))
            }
            let base = "/rooms/demo/broadcasters"
            func transport(_ name: String, _ more: JSONValue) async throws -> (String, JSONValue?) {
                let body = (more.objectValue ?? [:]).merging(["type": "plain"]) { $1 }
                let made = try await client("POST", "\(base)/\(name)/transports", json: .object(body))
                return (made.json?["id"]?.stringValue ?? "", made.json?["sctpParameters"])
            }
            let (sending, told) = try await transport("s", ["sctpCapabilities": ["numStreams": ["OS": 16, "MIS": 32]]])
            #expect(told?["OS"] == 16 && told?["MIS"] == 32 && told?["isDataChannel"] == false)
            let (receiving, other) = try await transport("r", ["enableSctp": true])
            #expect(other?["OS"] == 1024)
            let (bare, none) = try await transport("s", [:])
            #expect(none == nil)

            let body: JSONValue = ["label": "cues", "sctpStreamParameters": ["streamId": 3, "maxRetransmits": 2]]
            let refused = try await client("POST", "\(base)/s/transports/\(bare)/produce/data", json: body)
            #expect(refused.status == 500 && refused.body.contains("SCTP not enabled"))
            let made = try await client("POST", "\(base)/s/transports/\(sending)/produce/data", json: body)
            let producer = try #require(made.json?["id"]?.stringValue)
            #expect(made.status == 200)
            let consumed = try await client(
                "POST", "\(base)/r/transports/\(receiving)/consume/data", json: ["dataProducerId": .string(producer)])
            let consumer = try #require(consumed.json?["id"]?.stringValue)
            #expect(consumed.json?["streamId"] == 0)
            let incapable = try await client(
                "POST", "\(base)/s/transports/\(sending)/consume/data", json: ["dataProducerId": .string(producer)])
            #expect(incapable.status == 400 && incapable.body.contains("broadcaster does not have rtpCapabilities"))
            let missing = try await client("POST", "\(base)/r/transports/\(receiving)/consume/data", json: [:])
            #expect(missing.status == 400 && missing.body.contains("missing dataProducerId"))

            for (object, id, owner) in [("data-producers", producer, "s"), ("data-consumers", consumer, "r")] {
                for verb in ["pause", "resume"] {
                    #expect(try await client("POST", "\(base)/\(owner)/\(object)/\(id)/\(verb)").status == 200)
                }
                #expect(
                    try await client("GET", "\(base)/\(owner)/\(object)/\(id)/stats").json?.arrayValue?.count == 1)
                #expect(try await client("GET", "\(base)/\(owner)/\(object)/nope/stats").status == 404)
            }
            let shown = try await client("GET", "/api/v1/rooms/demo").json
            #expect(shown?["dataProducers"]?.arrayValue?.first?["label"] == "cues")
            #expect(shown?["dataProducers"]?.arrayValue?.first?["sctpStreamParameters"]?["maxRetransmits"] == 2)
            #expect(shown?["dataConsumers"]?.arrayValue?.first?["dataProducerId"] == .string(producer))
            #expect(try await client("DELETE", "\(base)/s/data-producers/\(producer)").status == 200)
            let after = try await client("GET", "/api/v1/rooms/demo").json
            #expect(after?["dataProducers"] == [] && after?["dataConsumers"] == [])
            #expect(try await client("DELETE", "\(base)/r/data-consumers/\(consumer)").status == 404)
        }
    }

    @Test func `stream numbers that can't be are refused`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.rooms.room("demo")
            _ = try await gateway.client("POST", "/rooms/demo/broadcasters", json: .broadcaster("b"))
            for streams in [["OS": 0, "MIS": 1], ["OS": 1], ["OS": 1, "MIS": 65_536]] as [JSONValue] {
                let reply = try await gateway.client(
                    "POST", "/rooms/demo/broadcasters/b/transports",
                    json: ["type": "plain", "sctpCapabilities": ["numStreams": streams]])
                #expect(reply.status == 400 && reply.body.contains("numSctpStreams"))
            }
        }
    }
}
