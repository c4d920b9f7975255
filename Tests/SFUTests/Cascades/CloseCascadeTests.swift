import Base
import ORTC
import SFU
import TestSupport
import Testing

/// Every close cascade that a worker's engine can show by itself, in the order of the recording, and what is left behind:
/// nothing. What needs two workers is in MediaPlaneTests.
@Suite struct CloseCascadeTests {
    private static let near = Stage.room

    private func audio(_ ssrc: UInt32) -> RTPParameters { Parameters.opus(ssrc: ssrc) }

    /// `producer` on t1, in both observers; `consumer` of it on t2.
    private func scene() throws -> (stage: Stage, t1: Stage.Port, t2: Stage.Port) {
        let stage = try Stage()
        let t1 = try stage.transport("t1", rtcpMux: true)
        let t2 = try stage.transport("t2", comedia: false)
        try stage.connect(t2)
        try stage.produce("producer", on: t1, audio(1111), kind: .audio)
        try stage.consume("consumer", on: t2, of: "producer")
        try stage.observe(["producer"])
        for number in 0..<3 {
            stage.feed(try Packets.rtp(payloadType: 100, sequence: number, ssrc: 1111, payload: [1]), on: t1.rtp)
        }
        _ = stage.told()
        return (stage, t1, t2)
    }

    @Test func `producer close: its consumers, a pipe's too, and then those behind the pipe`() throws {
        let linked = try Linked(sameEngine: true)
        let stage = linked.near
        try stage.produce("producer", on: linked.source, audio(1111), kind: .audio)
        let t2 = try stage.transport("t2", comedia: false)
        try stage.connect(t2)
        try stage.consume("consumer", on: t2, of: "producer")
        try stage.observe(["producer"])
        try linked.pipe("producer")
        try linked.receiver("behind", of: "producer", at: 5100)
        for number in 0..<3 {
            linked.feed([try Packets.rtp(payloadType: 100, sequence: number, ssrc: 1111, payload: [1])])
        }
        _ = stage.told()
        stage.engine.close(ProducerID(rawValue: "producer"), now: stage.now, into: &stage.outbox)
        let recorded = try Recording("producer.close()").told.map {
            $0.replacing("pipeConsumer", with: "pipe-producer")
        }
        #expect(stage.told() == recorded)
        linked.carry()
        #expect(stage.told() == ["behind producerclose"])
        for id in [linked.source.id, t2.id, TransportID(rawValue: "pipe-near"), TransportID(rawValue: "pipe-far")] {
            try stage.expectEmpty(id)
        }
        #expect(stage.parts.streams == 0 && stage.parts.linkEnds == 0)
        #expect(try stage.dump(Self.near)["mapProducerIdObserverIds"] == [])
        for room in [Self.near, Linked.farRoom] { stage.engine.close(room, now: stage.now, into: &stage.outbox) }
        _ = stage.told()
        stage.expectNothingLeft()
    }

    @Test func `consumer close: nobody is told`() throws {
        let (stage, _, t2) = try scene()
        stage.engine.close(ConsumerID(rawValue: "consumer"), now: stage.now, into: &stage.outbox)
        #expect(stage.told() == (try Recording("consumer.close()").told))
        try stage.expectEmpty(t2.id)
        #expect(stage.parts.senders == 0)
    }

    @Test func `transportclose: of the producing transport, its own before those elsewhere`() throws {
        let (stage, t1, _) = try scene()
        let t3 = try stage.transport("t3")
        let t4 = try stage.transport("t4")
        try stage.produce("producer3", on: t3, audio(3333), kind: .audio)
        try stage.consume("consumer31", on: t3, of: "producer")
        try stage.consume("consumer3", on: t4, of: "producer3")
        stage.engine.close(t3.id, now: stage.now, into: &stage.outbox)
        #expect(stage.told() == (try Recording("transport.close() of the producing transport").told))
        try stage.expectEmpty(t4.id)
        let dump = try stage.dump(Self.near)
        #expect(dump["mapProducerIdConsumerIds"] == [["key": "producer", "values": ["consumer"]]])
        #expect(try stage.dump(t1.id)["producerIds"] == ["producer"])
    }

    @Test func `routerclose: transports with what is theirs, a direct one too, then observers`() throws {
        let (stage, _, _) = try scene()
        _ = try stage.direct("direct")
        stage.engine.close(Self.near, now: stage.now, into: &stage.outbox)
        #expect(stage.told() == (try Recording("router.close()").told))
        stage.expectNothingLeft()
    }

    @Test func `workerclose: routers last, each behind all that it had`() throws {
        let (stage, _, _) = try scene()
        stage.engine.closeAll(now: stage.now, into: &stage.outbox)
        // The recorded worker had an observer of audio levels only.
        let recorded = try Recording("worker.close()").told.map {
            $0.replacing("router workerclose", with: "room workerclose")
        }
        #expect(stage.told().filter { !$0.hasPrefix("activeSpeakerObserver") } == recorded)
        stage.expectNothingLeft()
        stage.engine.closeAll(now: stage.now, into: &stage.outbox)
        #expect(stage.told() == [])
    }

    @Test func `workerclose: every router, whatever joined them`() throws {
        let linked = try Linked(sameEngine: true)
        let stage = linked.near
        try stage.produce("producer", on: linked.source, audio(1111), kind: .audio)
        try linked.pipe("producer")
        try linked.receiver("behind", of: "producer", at: 5100)
        _ = stage.told()
        stage.engine.closeAll(now: stage.now, into: &stage.outbox)
        linked.carry()
        let told = stage.told()
        #expect(told.filter { $0.hasSuffix("workerclose") } == ["room workerclose", "far workerclose"])
        #expect(told.contains("behind transportclose") && told.contains("pipe-producer transportclose"))
        #expect(told.count == Set(told).count, "somebody was told twice")
        stage.expectNothingLeft()
    }

    @Test(arguments: ["t1", "t2", "direct", "room", "producer", "consumer"])
    func `whatever closes first, nothing is left in the end`(first: String) throws {
        let (stage, t1, t2) = try scene()
        let direct = try stage.direct("direct")
        try stage.produce("spoken", on: direct, audio(4444), kind: .audio)
        try stage.consume("heard", on: direct, of: "producer")
        try stage.consume("hears", on: t2, of: "spoken")
        stage.feed(try Packets.rtp(payloadType: 100, sequence: 9, ssrc: 1111, payload: [1]), on: t1.rtp)
        switch first {
        case "room": stage.engine.close(Self.near, now: stage.now, into: &stage.outbox)
        case "producer":
            stage.engine.close(ProducerID(rawValue: first), now: stage.now, into: &stage.outbox)
        case "consumer":
            stage.engine.close(ConsumerID(rawValue: first), now: stage.now, into: &stage.outbox)
        default: stage.engine.close(TransportID(rawValue: first), now: stage.now, into: &stage.outbox)
        }
        stage.pass(.seconds(2))
        stage.engine.close(Self.near, now: stage.now, into: &stage.outbox)
        let told = stage.told()
        #expect(told.count == Set(told).count, "somebody was told twice: \(told)")
        stage.expectNothingLeft()
        #expect(Set(stage.closedSockets) == Set([t1.rtp, t2.rtp, direct.rtp] + [t2.rtcp].compactMap { $0 }))
    }

    @Test(arguments: ["source router", "sink router", "source transport", "sink transport", "pipe producer"])
    func `a link ends with either side, and nothing of it is left`(first: String) throws {
        let linked = try Linked()
        let (near, far) = (linked.near, linked.far)
        try near.produce("video", on: linked.source, Parameters.vp8())
        try linked.pipe("video")
        try linked.receiver("behind", of: "video", at: 5100)
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true, packets: 4))
        (_, _) = (near.told(), far.told())
        switch first {
        case "source router": near.engine.close(Stage.room, now: near.now, into: &near.outbox)
        case "sink router": far.engine.close(Stage.room, now: far.now, into: &far.outbox)
        case "source transport":
            near.engine.close(TransportID(rawValue: "pipe-near"), now: near.now, into: &near.outbox)
        case "sink transport":
            far.engine.close(TransportID(rawValue: "pipe-far"), now: far.now, into: &far.outbox)
        default:
            far.engine.closeLinked(
                ProducerID(rawValue: "video"), on: Stage.room, now: far.now, into: &far.outbox)
        }
        linked.carry()
        // Who consumed there is told why; the pipe consumer only what came from its own side.
        #expect(far.told().contains("behind \(first == "sink router" ? "transportclose" : "producerclose")"))
        let pipe = near.told().filter { $0.hasPrefix("pipe-video") }
        #expect(pipe == (first.hasPrefix("source") ? ["pipe-video transportclose"] : []))
        #expect(near.parts.linkEnds == 0 && far.parts.linkEnds == 0)
        #expect(far.parts.streams == 0 && far.parts.senders == 0)
        for stage in [near, far] { stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox) }
        linked.carry()
        for stage in [near, far] {
            _ = stage.told()
            stage.expectNothingLeft()
        }
    }
}
