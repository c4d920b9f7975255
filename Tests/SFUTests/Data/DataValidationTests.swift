import Base
import ORTC
import SFU
import TestSupport
import Testing

/// What mediasoup answered to `produceData` and `consumeData`, and its dumps.
@Suite(.sctpTurn) struct DataValidationTests {
    private func cases(_ group: String) throws -> [JSONValue] {
        let all = try #require(try Vectors.json("mediasoup-3.14.16/validation-cases.json").arrayValue)
        return all.filter { $0["group"]?.stringValue == group }
    }

    private func recorded(_ golden: JSONValue) -> String? {
        golden["error"].map { "\($0["name"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")" }
    }

    @Test func `produceData over SCTP: taken or refused as recorded, but for a number that was cut down to 16 bits`()
        throws
    {
        let stage = try Stage()
        try stage.sctpTransport("t", remote: nil)
        var compared = 0
        for golden in try cases("produceData (SCTP)") {
            let name = golden["name"]?.stringValue ?? ""
            let input = golden["input"].flatMap { $0.isNull ? nil : $0 }
            var told: String?
            var state: DataProducerState?
            do {
                let stream = try SCTPStreamParameters(json: input)
                state = try stage.produceData("p\(compared)", on: "t", stream: stream)
            } catch { told = "\(error)" }
            if input?["streamId"] == 70_000 {
                #expect(told == "TypeError: streamId must not be greater than 65534 [method:transport.produceData]")
            } else {
                #expect(told == recorded(golden), "\(name)")
                #expect(state?.stream?.json == golden["result"]?["sctpStreamParameters"], "\(name)")
                #expect(state?.type.rawValue == golden["result"]?["type"]?.stringValue, "\(name)")
            }
            compared += 1
        }
        #expect(compared == 13)
    }

    @Test func `without SCTP, twice, of nobody: refused as recorded`() throws {
        let stage = try Stage()
        try stage.transport("bare")
        _ = try stage.direct("direct")
        func refusal(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch { return "\(error)" }
        }
        func golden(_ group: String, _ name: String) throws -> String? {
            recorded(try #require(try cases(group).first { $0["name"]?.stringValue == name }))
        }
        let stream = try SCTPStreamParameters(streamID: 1)
        #expect(
            refusal { try stage.produceData("p", on: "bare", stream: stream) }
                == (try golden("produceData", "transport without SCTP")))
        // What is said of a stream does not matter there.
        #expect(try stage.produceData("abc", on: "direct", stream: stream).stream == nil)
        #expect(refusal { try stage.produceData("abc", on: "direct") } == (try golden("produceData", "same id twice")))
        #expect(
            refusal { try stage.consumeData("c", on: "direct", of: "x") } == (try golden("consumeData", "unknown id")))
        #expect(
            refusal { try stage.consumeData("c", on: "bare", of: "abc") }
                == (try golden("consumeData", "transport without SCTP")))
    }

    @Test func `limits are inherited singly, and the sum of them is checked`() throws {
        let stage = try Stage()
        try stage.sctpTransport(
            "t", remote: nil, SCTPTransportSetup(streams: SCTPStreamCounts(outgoing: 2, incoming: 2)))
        try stage.produceData("p", on: "t", stream: try SCTPStreamParameters(streamID: 7, maxRetransmits: 2))
        func refusal(_ ordered: Bool? = nil, _ lifetime: Int? = nil) -> String? {
            do {
                try stage.consumeData("no", on: "t", of: "p", ordered: ordered, lifetime: lifetime)
                return nil
            } catch { return "\(error)" }
        }
        #expect(refusal(nil, 50) == "TypeError: cannot provide both maxPacketLifeTime and maxRetransmits")
        #expect(refusal(true) == "TypeError: cannot be ordered with maxPacketLifeTime or maxRetransmits")
        #expect(
            try stage.consumeData("a", on: "t", of: "p", lifetime: 50, retransmits: 0).stream?.json
                == ["streamId": 0, "ordered": false, "maxPacketLifeTime": 50])
        #expect(
            try stage.consumeData("b", on: "t", of: "p", retransmits: 0).stream?.json
                == ["streamId": 1, "ordered": false])
        // Neither refusal has used up a stream; now there is none left, until one closes.
        #expect(throws: SFUError(.failed, "no sctpStreamId available")) { try stage.consumeData("c", on: "t", of: "p") }
        stage.engine.close(DataConsumerID(rawValue: "a"), now: stage.now, into: &stage.outbox)
        #expect(try stage.consumeData("d", on: "t", of: "p").stream?.streamID == 0)
    }

    @Test func `dumps are mediasoup's`() throws {
        let stage = try Stage()
        try stage.sctpTransport("t", remote: nil)
        _ = try stage.direct("direct")
        try stage.produceData(
            "sctp", on: "t", stream: try SCTPStreamParameters(streamID: 3, maxRetransmits: 2), label: "x")
        try stage.consumeData("c", on: "t", of: "sctp", subchannels: [5])
        try stage.produceData("direct", on: "direct", label: "chat", protocol: "proto")
        try stage.consumeData("d", on: "direct", of: "direct")
        let golden = try Vectors.json("mediasoup-3.14.16/dumps.json")
        func masked(_ dump: JSONValue?) -> [String: JSONValue]? {
            var members = dump?.objectValue
            for name in ["id", "dataProducerId"] where members?[name] != nil { members?[name] = "?" }
            return members
        }
        #expect(
            masked(try stage.dump(DataProducerID(rawValue: "sctp"))) == masked(golden["data producer (SCTP, plain)"]))
        #expect(masked(try stage.dump(DataConsumerID(rawValue: "c"))) == masked(golden["data consumer (SCTP, plain)"]))
        #expect(masked(try stage.dump(DataProducerID(rawValue: "direct"))) == masked(golden["data producer (direct)"]))
        #expect(masked(try stage.dump(DataConsumerID(rawValue: "d"))) == masked(golden["data consumer (direct)"]))
        let router = try stage.dump(Stage.room)
        #expect(
            router["mapDataProducerIdDataConsumerIds"]
                == [["key": "sctp", "values": ["c"]], ["key": "direct", "values": ["d"]]])
        #expect(
            router["mapDataConsumerIdDataProducerId"]
                == [["key": "c", "value": "sctp"], ["key": "d", "value": "direct"]])
        let transport = try stage.dump(TransportID(rawValue: "t"))
        let recorded = golden["webrtc transport (not connected, SCTP)"]
        var parameters = transport["sctpParameters"]?.objectValue
        #expect(parameters?["isDataChannel"] == false)
        parameters?["isDataChannel"] = true
        #expect(parameters == recorded?["sctpParameters"]?.objectValue)
        #expect(transport["sctpState"] == "new" && transport["maxMessageSize"] == 262_144)
        #expect(transport["sctpListener"] == ["streamIdTable": [["key": 3, "value": "sctp"]]])
        #expect(transport["dataProducerIds"] == ["sctp"] && transport["dataConsumerIds"] == ["c"])
    }
}
