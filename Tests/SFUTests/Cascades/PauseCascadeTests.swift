import Base
import ORTC
import SFU
import TestSupport
import Testing

/// producerpause and producerresume, and the two flags that they go with.
@Suite struct PauseCascadeTests {
    private let producer = ProducerID(rawValue: "producer")
    private let consumer = ConsumerID(rawValue: "consumer")

    private func scene() throws -> Stage {
        let stage = try Stage()
        try stage.produce("producer", on: try stage.transport("t1", rtcpMux: true), Parameters.vp8())
        let t2 = try stage.transport("t2", comedia: false)
        try stage.connect(t2)
        try stage.consume("consumer", on: t2, of: "producer")
        _ = stage.told()
        return stage
    }

    private func perform(_ step: String, _ stage: Stage) throws {
        switch step.replacing(" again", with: "") {
        case "producer.pause()": try stage.engine.pause(producer, now: stage.now, into: &stage.outbox)
        case "producer.resume()": try stage.engine.resume(producer, now: stage.now, into: &stage.outbox)
        case "consumer.pause()": try stage.engine.pause(consumer, now: stage.now, into: &stage.outbox)
        case "consumer.resume()": try stage.engine.resume(consumer, now: stage.now, into: &stage.outbox)
        case "consumer2.resume()":
            try stage.engine.resume(ConsumerID(rawValue: "consumer2"), now: stage.now, into: &stage.outbox)
        default: Issue.record("an unknown step: \(step)")
        }
    }

    /// As the recording reads them.
    private func flags(_ stage: Stage, of consumer: String = "consumer") throws -> JSONValue {
        let heard = try stage.engine.dump(of: ConsumerID(rawValue: consumer))
        let dump = try stage.engine.dump(of: producer)
        return .object([
            "consumer.paused": heard["paused"] ?? .null, "consumer.producerPaused": heard["producerPaused"] ?? .null,
            "producer.paused": dump["paused"] ?? .null,
        ])
    }

    @Test func `producerpause and producerresume: each step of the recording, and the flags behind it`() throws {
        let recording = try Recording("pause and resume")
        let stage = try scene()
        var count = 0
        for step in recording.steps where !step.name.isEmpty {
            try perform(step.name, stage)
            #expect(stage.told() == step.told, "\(step.name)")
            for state in step.states {
                #expect(try flags(stage) == state, "\(step.name)")
                count += 1
            }
        }
        #expect(count == 12)
    }

    @Test func `producerresume: also to those that were made paused, of a paused producer`() throws {
        let recording = try Recording("consume from a paused producer, consume paused")
        let stage = try scene()
        try perform("producer.pause()", stage)
        _ = stage.told()
        let id = TransportID(rawValue: "t2")
        let tuples = stage.engine.tuples(of: id)
        let t2 = Stage.Port(id: id, rtp: SocketID(2), rtcp: nil, tuples: try #require(tuples))
        try stage.consume("consumer2", on: t2, of: "producer", paused: true)
        // The recording's "consumer" of a flag is the newer one, consumer2.
        let made = try recording.step("consume({paused:true})")
        #expect(stage.told() == made.told)
        #expect(try flags(stage, of: "consumer2") == made.states.first)
        for name in ["producer.resume()", "consumer2.resume()"] {
            let step = try recording.step(name)
            try perform(name, stage)
            // Consumers of one producer are told in the order of their coming here, in mediasoup in that of a hash.
            #expect(stage.told().sorted() == step.told.sorted(), "\(name)")
            #expect(try flags(stage, of: "consumer2") == step.states.first, "\(name)")
        }
    }

    @Test func `producer resume: a key frame of every stream that was seen is asked for`() throws {
        // mediasoup asks twice for each, in the same moment; once is enough.
        let stage = try Stage()
        let source = try LayeredSource(stage, encodings: 2)
        try source.play(2, keys: [0, 1])
        stage.pass(.seconds(3))
        let before = [source.requests(0), source.requests(1)]
        let id = ProducerID(rawValue: "video")
        try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
        try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
        stage.flush()
        #expect([source.requests(0) - before[0], source.requests(1) - before[1]] == [1, 1])
    }

    @Test func `a pipe consumer that is made asks each encoding for a key frame`() throws {
        let stage = try Stage()
        let source = try LayeredSource(stage, encodings: 2)
        try source.play(2, keys: [0, 1])
        stage.pass(.seconds(20))
        let before = [source.requests(0), source.requests(1)]
        let local = stage.makeEndpoint()
        let id = TransportID(rawValue: "pipe")
        _ = try stage.engine.createPipeTransport(
            PipeTransportSetup(router: Stage.room, id: id, local: local), now: stage.now)
        _ = try stage.engine.connectPipe(
            id, ip: "198.51.100.7", port: 6000, srtpParameters: nil, now: stage.now, into: &stage.outbox)
        _ = try stage.engine.consume(
            ConsumerSetup(
                transport: id, id: ConsumerID(rawValue: "p"), producer: ProducerID(rawValue: "video"),
                rtpCapabilities: RTPCapabilities(codecs: [])), now: stage.now, into: &stage.outbox)
        stage.flush()
        #expect([source.requests(0) - before[0], source.requests(1) - before[1]] == [1, 1])
    }
}
