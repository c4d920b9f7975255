import Base
import ORTC
import SFU
import TestSupport
import Testing

/// Data producers and data consumers on direct transports: who is told what, in the order of the recording.
@Suite(.sctpTurn) struct DataCascadeTests {
    private let producer = DataProducerID(rawValue: "dataProducer")
    private let direct = DataConsumerID(rawValue: "dataConsumer2")

    /// As recorded: one consumer over SCTP, one in this process.
    private func scene() throws -> Stage {
        let stage = try Stage()
        _ = try stage.direct("t")
        try stage.sctpTransport("t2", remote: nil)
        try stage.produceData("dataProducer", on: "t")
        try stage.consumeData("dataConsumer", on: "t2", of: "dataProducer")
        try stage.consumeData("dataConsumer2", on: "t", of: "dataProducer")
        return stage
    }

    @Test func `pause, resume, messages and close, as recorded`() throws {
        let recording = try Recording("data cascade", hasData: true)
        let stage = try scene()
        var steps: [[String]] = []
        func step(_ body: () throws -> Void) throws {
            try body()
            steps.append(stage.told())
        }
        try step {
            for message in [DataMessage("hello"), DataMessage(""), DataMessage([]), DataMessage([1, 2, 3])] {
                try stage.say(message, on: "dataProducer")
            }
        }
        try step { try stage.engine.pause(producer, into: &stage.outbox) }
        try step { try stage.engine.pause(direct) }
        try step { try stage.engine.resume(producer, into: &stage.outbox) }
        #expect(stage.engine.state(of: direct).map { $0.paused && !$0.producerPaused } == true)
        try step { try stage.say(DataMessage("lost"), on: "dataProducer") }
        try step { try stage.engine.resume(direct) }
        try step { stage.engine.close(producer, now: stage.now, into: &stage.outbox) }
        #expect(steps == recording.steps.dropFirst().map(\.told).filter { _ in true })
        stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
        _ = stage.told()
        stage.expectNothingLeft()
    }

    @Test func `the close of the producing transport, as recorded`() throws {
        let stage = try Stage()
        for name in ["t3", "t4"] { _ = try stage.direct(name) }
        try stage.produceData("dataProducer", on: "t3")
        try stage.consumeData("dataConsumer3", on: "t3", of: "dataProducer")
        try stage.consumeData("dataConsumer", on: "t4", of: "dataProducer")
        stage.engine.close(TransportID(rawValue: "t3"), now: stage.now, into: &stage.outbox)
        let recorded = try Recording("transport.close() of the producing transport", hasData: true).told
        #expect(stage.told() == recorded.filter { $0.hasPrefix("data") })
        #expect(stage.engine.population == .init(routers: 1, transports: 1))
    }

    @Test func `the close of the router, as recorded`() throws {
        let stage = try Stage()
        _ = try stage.direct("direct")
        try stage.produceData("dataProducer", on: "direct")
        try stage.consumeData("dataConsumer", on: "direct", of: "dataProducer")
        stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
        let recorded = try Recording("router.close()", hasData: true).told
        #expect(stage.told() == recorded.filter { $0.hasPrefix("data") || $0.hasPrefix("direct") })
        stage.expectNothingLeft()
    }

    @Test func `messages say what they are, and empty ones are one byte`() throws {
        let stage = try scene()
        for message in [DataMessage("hello"), DataMessage(""), DataMessage([]), DataMessage([1, 2, 3])] {
            try stage.say(message, on: "dataProducer")
        }
        let heard = try #require(stage.heard()["dataConsumer2"])
        #expect(heard.map(\.ppid) == [51, 56, 57, 53])
        #expect(heard.map(\.payload) == [Array("hello".utf8), [0x20], [0], [1, 2, 3]])
        let golden = try Vectors.json("mediasoup-3.14.16/stats.json")
        for (ours, name) in [
            (try stage.stats(producer), "data producer (direct)"), (try stage.stats(direct), "data consumer (direct)"),
        ] {
            var (a, b) = (
                ours.arrayValue?.first?.objectValue ?? [:], golden[name]?.arrayValue?.first?.objectValue ?? [:]
            )
            for member in ["timestamp", "label", "protocol"] {
                #expect((a[member] == nil) == (b[member] == nil))
                (a[member], b[member]) = (nil, nil)
            }
            #expect(a == b)
        }
    }

    @Test func `subchannels choose who gets a message`() throws {
        let stage = try Stage()
        _ = try stage.direct("t")
        try stage.produceData("p", on: "t")
        try stage.consumeData("none", on: "t", of: "p")
        try stage.consumeData("one", on: "t", of: "p", subchannels: [1])
        try stage.consumeData("both", on: "t", of: "p", subchannels: [1, 2])
        func hearers(_ subchannels: [UInt16], _ required: UInt16? = nil) throws -> Set<String> {
            try stage.say(DataMessage("x"), on: "p", subchannels: subchannels, required: required)
            return Set(stage.heard().keys)
        }
        #expect(try hearers([]) == ["none", "one", "both"])
        #expect(try hearers([1]) == ["one", "both"])
        #expect(try hearers([2, 9]) == ["both"])
        #expect(try hearers([], 2) == ["both"])
        #expect(try hearers([9], 2) == [])
        try stage.engine.setSubchannels([9], of: DataConsumerID(rawValue: "none"))
        #expect(try hearers([9]) == ["none"])
    }

    @Test func `a message that is too large is refused`() throws {
        let stage = try scene()
        #expect(throws: SFUError.self) {
            try stage.say(DataMessage([UInt8](repeating: 1, count: 262_145)), on: "dataProducer")
        }
        try stage.say(DataMessage([UInt8](repeating: 1, count: 262_144)), on: "dataProducer")
        #expect(stage.heard()["dataConsumer2"]?.count == 1)
    }
}
