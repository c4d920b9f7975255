import Base
import ORTC
import RTCP
import SFU
import TestSupport
import Testing

/// Two routers, in two engines or in one, and a link between them that is driven by hand.
final class Linked {
    let near: Stage
    let far: Stage
    let farRouter: RouterID
    let source: Stage.Port
    private(set) var link: MediaLink?
    private var serial: UInt32 = 0

    static let farRoom = RouterID(rawValue: "far")

    init(sameEngine: Bool = false, near: Stage? = nil) throws {
        let near = try near ?? Stage()
        self.near = near
        far = sameEngine ? near : try Stage()
        farRouter = sameEngine ? Self.farRoom : Stage.room
        if sameEngine { _ = try near.engine.createRouter(id: farRouter, mediaCodecs: Parameters.routerCodecs) }
        source = try near.transport("source", rtcpMux: true, cname: "camera")
        try near.engine.createInProcessPipe(router: Stage.room, transport: TransportID(rawValue: "pipe-near"))
        try far.engine.createInProcessPipe(router: farRouter, transport: TransportID(rawValue: "pipe-far"))
    }

    @discardableResult
    func pipe(_ producer: String, closesWhenUnused: Bool = false) throws -> (
        consumer: ConsumerState, producer: ProducerState
    ) {
        serial += 1
        let setup = ConsumerSetup(
            transport: TransportID(rawValue: "pipe-near"), id: ConsumerID(rawValue: "pipe-\(producer)"),
            producer: ProducerID(rawValue: producer), rtpCapabilities: RTPCapabilities(codecs: []), paused: true)
        let (consumer, link) = try near.engine.openLink(
            LinkID(serial: serial, source: 0, sink: 1), of: setup, now: near.now, into: &near.outbox)
        self.link = link
        near.collect()
        let state = try far.engine.joinLink(
            link,
            as: ProducerSetup(
                transport: TransportID(rawValue: "pipe-far"), id: ProducerID(rawValue: producer), kind: consumer.kind,
                rtpParameters: consumer.rtpParameters, paused: consumer.producerPaused),
            closesWhenUnused: closesWhenUnused, now: far.now, into: &far.outbox)
        far.collect()
        carry()
        return (consumer, state)
    }

    /// Notes go to and fro until there is nothing more to say.
    func carry() {
        while true {
            var (notes, farNotes): ([LinkNote], [LinkNote]) = ([], [])
            near.engine.takeLinkNotes(into: &notes)
            if far !== near { far.engine.takeLinkNotes(into: &farNotes) }
            notes += farNotes
            if notes.isEmpty { return }
            for note in notes {
                switch note.way {
                case .down:
                    while case .flushAndLookAgain = far.engine.lookDown(note.link, now: far.now, into: &far.outbox) {
                        far.flush()
                    }
                    far.flush()
                case .up:
                    _ = near.engine.lookUp(note.link, now: near.now, into: &near.outbox)
                    near.flush()
                }
            }
        }
    }

    func feed(_ packets: [[UInt8]]) {
        for packet in packets { near.receive(packet, on: source.rtp) }
        near.flush()
        carry()
    }

    func pass(_ duration: Duration) {
        near.pass(duration)
        if far !== near { far.pass(duration) }
        carry()
    }

    /// A receiver on the far router.
    @discardableResult
    func receiver(_ name: String, of producer: String, at port: UInt16) throws -> Stage.Port {
        let transport = try far.transport("to-\(name)", router: farRouter, comedia: false)
        try far.connect(transport, to: port)
        try far.consume(name, on: transport, of: producer)
        carry()
        return transport
    }
}

@Suite struct LinkedRouterTests {
    @Test(arguments: [false, true])
    func `a producer is consumed on another router, its packets as they came`(sameEngine: Bool) throws {
        let linked = try Linked(sameEngine: sameEngine)
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        let (consumer, producer) = try linked.pipe("video")
        #expect(consumer.type == "pipe" && !consumer.paused && consumer.rtpParameters.mid == nil)
        #expect(producer.id == ProducerID(rawValue: "video"))
        #expect(producer.rtpParameters.rtcp.cname == "camera")
        #expect(producer.rtpParameters.encodings.map(\.ssrc) == consumer.rtpParameters.encodings.map(\.ssrc))
        try linked.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        for number in 0..<30 {
            linked.feed(try track.frame(isKeyFrame: number == 0, packets: 3))
            linked.pass(.milliseconds(33))
        }
        let media = linked.far.media(to: 5000)
        #expect(media.map(\.number) == Array(0..<90))
        let timestamps: [UInt32] = (0..<90).map { 90_000 + UInt32($0 / 3) * 3000 }
        #expect(media.map(\.timestamp) == timestamps)
        #expect(Set(media.map { $0.header?.ssrc }).count == 1)
        let isContinuous = zip(media, media.dropFirst()).allSatisfy { ($0.sequence + 1) & 0xFFFF == $1.sequence }
        #expect(isContinuous)
        let outbound = try linked.near.engine.stats(of: consumer.id, now: linked.near.now).arrayValue?.first
        #expect(outbound?["packetCount"] == 90 && outbound?["type"] == "outbound-rtp")
        #expect(linked.link?.losses == 0)
    }

    @Test func `who comes later is served from the far router's own cache, and the source is not asked`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true, packets: 3))
        for _ in 0..<5 { linked.feed(try track.frame()) }
        // The picture of before is known there from the beginning.
        try linked.pipe("video")
        try linked.receiver("a", of: "video", at: 5000)
        linked.pass(.milliseconds(100))
        #expect(linked.far.media(to: 5000).map(\.number) == Array(0..<8))
        linked.feed(try track.frame())
        try linked.receiver("b", of: "video", at: 6000)
        linked.pass(.milliseconds(100))
        #expect(linked.far.media(to: 6000).map(\.number) == Array(0..<9))
        #expect(!linked.near.sent.contains { $0.isPictureLoss })
    }

    @Test func `a wish for a key frame goes back to the source, once`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        try linked.pipe("video")
        let port = try linked.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true))
        linked.pass(.seconds(2))
        let ssrc = try #require(linked.far.media(to: 5000).first?.header?.ssrc)
        for _ in 0..<5 {
            linked.far.feed(
                Packets.pictureLoss(ssrc: ssrc), on: try #require(port.rtcp),
                from: Stage.address("198.51.100.7", 5001))
            linked.carry()
        }
        let requests = linked.near.sent.filter(\.isPictureLoss)
        #expect(requests.count == 1 && requests.first?.destination == Stage.source)
    }

    @Test(arguments: [false, true]) func `pause, resume and the end follow the original`(sameEngine: Bool) throws {
        let linked = try Linked(sameEngine: sameEngine)
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        try linked.pipe("video")
        try linked.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true))
        let id = ProducerID(rawValue: "video")
        let receiver = ConsumerID(rawValue: "c")
        _ = linked.far.takeEvents()
        try linked.near.engine.pause(id, now: linked.near.now, into: &linked.near.outbox)
        linked.near.collect()
        linked.carry()
        #expect(linked.far.takeEvents().contains(.consumerProducerPaused(receiver, true)))
        linked.feed(try track.frame())
        #expect(linked.far.media(to: 5000).count == 1)
        try linked.near.engine.resume(id, now: linked.near.now, into: &linked.near.outbox)
        linked.near.collect()
        linked.carry()
        #expect(linked.far.takeEvents().contains(.consumerProducerPaused(receiver, false)))
        linked.feed(try track.frame())
        linked.feed(try track.frame(isKeyFrame: true))
        #expect(linked.far.media(to: 5000).map(\.number) == [0, 3])
        // What came right before the end is sent on.
        for packet in try track.frame() { linked.near.receive(packet, on: linked.source.rtp) }
        linked.near.engine.hurry(linked.source.id, now: linked.near.now)
        linked.near.engine.close(id, now: linked.near.now, into: &linked.near.outbox)
        linked.near.collect()
        linked.carry()
        #expect(linked.far.media(to: 5000).map(\.number) == [0, 3, 4])
        let events = linked.far.takeEvents()
        #expect(events.contains(.consumerClosed(receiver, .producerClosed)))
        #expect(!events.contains(.producerClosed(id)))
        let isThere = linked.far.canConsume(id, on: linked.farRouter)
        #expect(!isThere)
    }

    @Test func `closing the far end closes the pipe consumer, and the original stays`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        let (consumer, _) = try linked.pipe("video")
        let id = ProducerID(rawValue: "video")
        try linked.receiver("c", of: "video", at: 5000)
        linked.far.engine.closeLinked(id, on: linked.farRouter, now: linked.far.now, into: &linked.far.outbox)
        linked.far.collect()
        linked.carry()
        #expect(linked.far.events.contains(.consumerClosed(ConsumerID(rawValue: "c"), .producerClosed)))
        var population = linked.near.engine.population
        #expect(population.consumers == 0)
        #expect(throws: SFUError.self) { _ = try linked.near.engine.stats(of: consumer.id, now: linked.near.now) }
        #expect(linked.near.canConsume(id, on: Stage.room))
        // It can be piped again.
        try linked.pipe("video")
        population = linked.near.engine.population
        #expect(population.consumers == 1)
    }

    @Test func `the same producer twice is refused on the far router, and the text is mediasoup's`() throws {
        let linked = try Linked(sameEngine: true)
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        try linked.pipe("video")
        #expect {
            try linked.pipe("video")
        } throws: {
            "\($0)".contains("a Producer with same id \"video\" already exists")
        }
    }

    @Test func `sender reports on the far side carry the sender's own clock`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        try linked.pipe("video")
        try linked.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true))
        linked.pass(.milliseconds(100))
        #expect(linked.far.feedback(to: 5001).count == 1)
        // Captured 80 ms before it came.
        linked.near.feed(
            Packets.senderReport(
                ssrc: 2222, ntp: NTPTime(unixNanoseconds: linked.near.unixNow), timestamp: 90_000 + 180 * 90),
            on: linked.source.rtp)
        linked.carry()
        let told = linked.far.feedback(to: 5001)
        #expect(told.count == 2)
        let timestamp = Int64(told.last?.senderInfos.first?.rtpTimestamp ?? 0)
        #expect(abs(timestamp - (90_000 + 180 * 90)) <= 1)
    }

    @Test func `audio on the far side begins beside its picture`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        try linked.near.produce("audio", on: linked.source, Parameters.opus(), kind: .audio)
        var track = VideoTrack()
        linked.feed(try track.frame(isKeyFrame: true))
        for sequence in 0..<10 {
            linked.feed([
                try Packets.rtp(
                    payloadType: 100, sequence: sequence, timestamp: UInt32(sequence) * 960, ssrc: 1111,
                    payload: [1, 2])
            ])
            linked.pass(.milliseconds(20))
        }
        try linked.pipe("video")
        try linked.pipe("audio")
        try linked.receiver("ca", of: "audio", at: 5100)
        linked.pass(.milliseconds(100))
        #expect(linked.far.media(to: 5100).count == 10)
    }

    @Test func `a link's transports say what they are, and connect does nothing`() throws {
        let linked = try Linked()
        let id = TransportID(rawValue: "pipe-near")
        _ = try linked.near.engine.connect(
            id, ip: nil, port: nil, rtcpPort: nil, now: linked.near.now, into: &linked.near.outbox)
        let stats = try linked.near.engine.stats(of: id, now: linked.near.now).arrayValue?.first
        #expect(stats?["type"] == "pipe-transport" && stats?["tuple"] == nil)
        linked.near.engine.close(id, now: linked.near.now, into: &linked.near.outbox)
        linked.near.collect()
        #expect(linked.near.closedSockets.isEmpty)
    }
}
