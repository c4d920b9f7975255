import Base
import RTCP
import SFU
import TestSupport
import Testing

/// The objects of mediasoup's recorded scenarios: a producing transport t1, a consuming one t2.
private func scene() throws -> (stage: Stage, t1: Stage.Port, t2: Stage.Port) {
    let stage = try Stage()
    let t1 = try stage.transport("t1", rtcpMux: true)
    let t2 = try stage.transport("t2", comedia: false)
    try stage.connect(t2)
    try stage.produce("producer", on: t1, Parameters.vp8())
    try stage.consume("consumer", on: t2, of: "producer")
    return (stage, t1, t2)
}

private let producer = ProducerID(rawValue: "producer")
private let consumer = ConsumerID(rawValue: "consumer")

/// Public events of a recorded scenario, in our words; observer events are not ours to tell.
private func recorded(_ scenario: String, until step: Int = .max) throws -> [String] {
    let scenarios = try Vectors.json("mediasoup-3.14.16/event-order.json").arrayValue ?? []
    let found = scenarios.first { $0["name"]?.stringValue == scenario || $0["scenario"]?.stringValue == scenario }
    let log = try #require(found?["log"]?.arrayValue)
    let known = [
        "producer", "consumer", "t1", "t2", "producer3", "consumer3 (on t4)", "consumer31 (on t3, of producer)",
    ]
    return log.compactMap { entry in
        guard let object = entry["on"]?.stringValue, known.contains(object),
            let event = entry["event"]?.stringValue, event != "state"
        else { return nil }
        return "\(object.split(separator: " ")[0]) \(event)"
    }
}

private func told(_ events: [SFUEvent]) -> [String] {
    events.compactMap { event in
        switch event {
        case .transportClosed(let id): "\(id) routerclose"
        case .producerClosed(let id): "\(id) transportclose"
        case .consumerClosed(let id, let reason): "\(id) \(reason.rawValue)"
        case .consumerProducerPaused(let id, let paused): "\(id) \(paused ? "producerpause" : "producerresume")"
        default: nil
        }
    }
}

@Test func `pause and resume: a method causes events on others only`() throws {
    let (stage, _, _) = try scene()
    _ = stage.takeEvents()
    for step in [
        "pause", "pause", "-pause", "resume", "resume", "pause", "-resume", "resume", "-pause", "-pause", "-resume",
        "-resume",
    ] {
        switch step {
        case "pause": try stage.engine.pause(producer, now: stage.now, into: &stage.outbox)
        case "resume": try stage.engine.resume(producer, now: stage.now, into: &stage.outbox)
        case "-pause": try stage.engine.pause(consumer, now: stage.now, into: &stage.outbox)
        default: try stage.engine.resume(consumer, now: stage.now, into: &stage.outbox)
        }
    }
    stage.collect()
    #expect(told(stage.takeEvents()) == (try recorded("pause and resume")))
}

@Test func `a consumer knows the state of the producer it was made on`() throws {
    let stage = try Stage()
    let t1 = try stage.transport("t1", rtcpMux: true)
    try stage.produce("producer", on: t1, Parameters.vp8(), paused: true)
    let t2 = try stage.transport("t2", comedia: false)
    let state = try stage.consume("consumer", on: t2, of: "producer", paused: true)
    #expect(state.paused && state.producerPaused)
    #expect(state.score == ReceiverScore(score: 10, producerScore: 0, producerScores: [0]))
    #expect(stage.takeEvents().isEmpty)
}

@Test func `producer close: its consumers close`() throws {
    let (stage, _, _) = try scene()
    stage.engine.close(producer, now: stage.now, into: &stage.outbox)
    stage.collect()
    #expect(told(stage.takeEvents()) == (try recorded("producer.close()")))
    #expect(stage.engine.population == .init(routers: 1, transports: 2))
    #expect(stage.closedSockets.isEmpty)
}

@Test func `consumer close: nobody is told`() throws {
    let (stage, _, _) = try scene()
    stage.engine.close(consumer, now: stage.now, into: &stage.outbox)
    stage.collect()
    #expect(stage.takeEvents().isEmpty)
    #expect(stage.engine.population == .init(routers: 1, transports: 2, producers: 1))
}

@Test func `transport close: its own objects first, then consumers elsewhere`() throws {
    let stage = try Stage()
    let t1 = try stage.transport("t1")
    let t3 = try stage.transport("t3")
    let t4 = try stage.transport("t4")
    try stage.produce("producer", on: t1, Parameters.vp8())
    try stage.produce("producer3", on: t3, Parameters.vp8())
    try stage.consume("consumer31", on: t3, of: "producer")
    try stage.consume("consumer3", on: t4, of: "producer3")
    stage.engine.close(t3.id, now: stage.now, into: &stage.outbox)
    stage.collect()
    #expect(told(stage.takeEvents()) == (try recorded("transport.close() of the producing transport")))
    #expect(stage.closedSockets == [t3.rtp, try #require(t3.rtcp)])
    #expect(stage.engine.population == .init(routers: 1, transports: 2, producers: 1))
}

@Test func `router close: depth first, in order of creation`() throws {
    let (stage, t1, t2) = try scene()
    stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
    stage.collect()
    #expect(told(stage.takeEvents()) == (try recorded("router.close()")))
    #expect(stage.engine.population == .init())
    #expect(stage.closedSockets == [t1.rtp, t2.rtp, try #require(t2.rtcp)])
    // Closing is idempotent, and nothing is left to do.
    stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
    stage.engine.close(t1.id, now: stage.now, into: &stage.outbox)
    stage.engine.close(producer, now: stage.now, into: &stage.outbox)
    stage.engine.close(consumer, now: stage.now, into: &stage.outbox)
    #expect(stage.outbox.events.isEmpty)
}

@Test func `methods of what is closed fail with mediasoup's words`() throws {
    let (stage, t1, _) = try scene()
    stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
    func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            let error = error as? SFUError
            #expect(error?.code == .notFound && error?.name == "Error")
            return error?.message
        }
    }
    let prefix = "Channel request handler with ID"
    #expect(
        message { try stage.engine.pause(consumer, now: stage.now, into: &stage.outbox) }
            == "\(prefix) consumer not found [method:consumer.pause]")
    #expect(
        message { _ = try stage.engine.stats(of: consumer, now: stage.now) }
            == "\(prefix) consumer not found [method:consumer.getStats]")
    #expect(
        message { _ = try stage.engine.stats(of: producer, now: stage.now) }
            == "\(prefix) producer not found [method:producer.getStats]")
    #expect(message { try stage.connect(t1) } == "\(prefix) t1 not found [method:plainTransport.connect]")
}

@Test func `ids that are taken and producers that are unknown are refused`() throws {
    let (stage, t1, t2) = try scene()
    func error(_ body: () throws -> Void) -> SFUError? {
        do {
            try body()
            return nil
        } catch {
            return error as? SFUError
        }
    }
    let same = error { try stage.produce("producer", on: t1, Parameters.vp8(ssrc: 5)) }
    #expect(same?.description == "TypeError: a Producer with same id \"producer\" already exists")
    #expect(same?.code == .conflict)
    let elsewhere = error { try stage.produce("producer", on: t2, Parameters.vp8(ssrc: 5)) }
    #expect(
        elsewhere?.message
            == "Channel request handler with ID producer already exists [method:transport.produce]")
    let unknown = error { try stage.consume("x", on: t2, of: "nobody") }
    #expect(unknown?.message == "Producer with id \"nobody\" not found")
    #expect(unknown?.code == .notFound)
    // A producer of another router is unknown, too.
    let other = RouterID(rawValue: "other")
    _ = try stage.engine.createRouter(id: other, mediaCodecs: Parameters.routerCodecs)
    let far = try stage.transport("far", router: other)
    #expect(error { try stage.consume("x", on: far, of: "producer") }?.code == .notFound)
    #expect(!stage.canConsume(producer, on: other))
    #expect(stage.canConsume(producer, on: Stage.room))
    #expect(error { try stage.consume("x", on: t2, of: "producer", .init()) }?.name == "UnsupportedError")
    #expect(stage.engine.population == .init(routers: 2, transports: 3, producers: 1, consumers: 1))
}

@Test func `a thousand lives leave nothing behind`() throws {
    let stage = try Stage()
    for round in 0..<1000 {
        let room = RouterID(rawValue: "room\(round)")
        _ = try stage.engine.createRouter(id: room, mediaCodecs: Parameters.routerCodecs)
        let source = try stage.transport("in", router: room, rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8())
        let receiver = try stage.transport("out", router: room, comedia: false)
        try stage.connect(receiver)
        try stage.consume("c", on: receiver, of: "video")
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        stage.feed(Packets.senderReport(ssrc: 2222, ntp: NTPTime(rawValue: 1 << 50), timestamp: 1), on: source.rtp)
        // Closed in turn from above, from the middle and from below; some with packets still to be sent.
        for packet in try track.frame() { stage.receive(packet, on: source.rtp) }
        if round % 3 == 1 { stage.engine.close(source.id, now: stage.now, into: &stage.outbox) }
        if round % 3 == 2 { stage.engine.close(ConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox) }
        stage.engine.close(room, now: stage.now, into: &stage.outbox)
        stage.flush()
        stage.pass(.milliseconds(3))
    }
    #expect(stage.engine.population == .init(routers: 1))
    #expect(stage.closedSockets.count == 3000)
    stage.pass(.seconds(3))
    #expect(stage.engine.nextDeadline == nil)
}
