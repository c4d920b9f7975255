import Base
import ORTC
import SFU
import Testing

/// Links of data producers between two routers of one engine: what is in them, and that nothing stays.
@Suite struct DataLinkTests {
    private let stage: Stage
    private let hall = RouterID(rawValue: "hall")
    private let producer = DataProducerID(rawValue: "p")

    init() throws {
        stage = try Stage()
        _ = try stage.engine.createRouter(id: hall, mediaCodecs: Parameters.routerCodecs)
        for (name, router) in [("near", Stage.room), ("far", hall)] {
            try stage.engine.createInProcessPipe(router: router, transport: TransportID(rawValue: name))
        }
        let id = TransportID(rawValue: "direct")
        try stage.engine.createDirectTransport(
            DirectTransportSetup(
                router: Stage.room, id: id, socket: stage.makeEndpoint().socket, maximumMessageSize: 64 << 20),
            now: stage.now, into: &stage.outbox)
        _ = try stage.direct("behind", router: hall)
        try stage.produceData("p", on: "direct", label: "l", protocol: "q")
    }

    private func open(_ name: String = "pipe") throws -> DataLink {
        try stage.engine.openDataLink(
            LinkID(serial: 1, source: 0, sink: 0),
            of: DataConsumerSetup(
                transport: TransportID(rawValue: "near"), id: DataConsumerID(rawValue: name), producer: producer)
        ).link
    }

    @discardableResult
    private func join(_ link: DataLink, closesWhenUnused: Bool = false) throws -> DataProducerState {
        try stage.engine.joinDataLink(
            link, as: DataProducerSetup(transport: TransportID(rawValue: "far"), id: producer, label: "l"),
            closesWhenUnused: closesWhenUnused)
    }

    /// Notes go to and fro until there is nothing more to say. Returns how many there were.
    @discardableResult
    private func carry() -> Int {
        var count = 0
        while true {
            let notes = stage.engine.takeDataLinkNotes()
            if notes.isEmpty { return count }
            count += notes.count
            for note in notes {
                switch note.way {
                case .down: stage.engine.lookDown(note.link, now: stage.now, into: &stage.outbox)
                case .up: _ = stage.engine.lookUp(note.link, now: stage.now, into: &stage.outbox)
                }
            }
            stage.engine.closeUnusedLinks(now: stage.now, into: &stage.outbox)
        }
    }

    private func closeRouters() {
        for router in [Stage.room, hall] { stage.engine.close(router, now: stage.now, into: &stage.outbox) }
        carry()
        _ = stage.told()
        stage.expectNothingLeft()
    }

    private func isThere() -> Bool { stage.engine.hasDataProducer(producer, on: hall) }

    @Test func `one note tells of all messages that came before it was looked at`() throws {
        try join(open())
        try stage.consumeData("c", on: "behind", of: "p")
        for number in 0..<100 { try stage.say(DataMessage("\(number)"), on: "p") }
        #expect(carry() == 1)
        #expect(stage.heard()["c"]?.map { String(decoding: $0.payload, as: UTF8.self) } == (0..<100).map(String.init))
        closeRouters()
    }

    @Test func `what happens before anybody has joined waits in the link`() throws {
        let link = try open()
        try stage.say(DataMessage("early"), on: "p")
        try stage.engine.pause(producer, into: &stage.outbox)
        #expect(carry() == 1 && !isThere())
        try join(link)
        stage.engine.lookDown(link, now: stage.now, into: &stage.outbox)
        #expect(stage.engine.dataProducer(over: link)?.paused == true)
        try stage.engine.resume(producer, into: &stage.outbox)
        #expect(carry() == 1)
        #expect(stage.engine.dataProducer(over: link)?.paused == false)
        closeRouters()
    }

    @Test func `a link whose end does not look loses what has no room, and says so`() throws {
        let link = try open()
        let large = DataMessage([UInt8](repeating: 7, count: 16 << 20))
        for _ in 0..<4 { try stage.say(large, on: "p") }
        // With what each message costs beside its bytes, the fourth has no room; a pause always has.
        #expect(stage.takeEvents() == [.dataConsumerBufferFull(DataConsumerID(rawValue: "pipe"))])
        try stage.engine.pause(producer, into: &stage.outbox)
        try stage.engine.resume(producer, into: &stage.outbox)
        try join(link)
        try stage.consumeData("c", on: "behind", of: "p")
        stage.engine.lookDown(link, now: stage.now, into: &stage.outbox)
        #expect(try stage.stats(DataConsumerID(rawValue: "pipe")).arrayValue?.first?["messagesSent"] == 3)
        try stage.say(DataMessage("room again"), on: "p")
        carry()
        // A direct transport has the usual limit.
        #expect(stage.heard()["c"] == [DataMessage("room again")])
        closeRouters()
    }

    @Test func `a message that is longer than all that may wait goes through alone`() throws {
        let link = try open()
        let large = DataMessage([UInt8](repeating: 7, count: 64 << 20))
        try stage.say(large, on: "p")
        try stage.say(DataMessage("too much"), on: "p")
        #expect(stage.takeEvents() == [.dataConsumerBufferFull(DataConsumerID(rawValue: "pipe"))])
        try join(link)
        stage.engine.lookDown(link, now: stage.now, into: &stage.outbox)
        #expect(stage.engine.dataProducer(over: link) != nil)
        closeRouters()
    }

    @Test func `one that closes when unused goes with the last data consumer, and its other end with it`() throws {
        try join(open(), closesWhenUnused: true)
        for name in ["c", "d"] { try stage.consumeData(name, on: "behind", of: "p") }
        stage.engine.close(DataConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox)
        stage.engine.closeUnusedLinks(now: stage.now, into: &stage.outbox)
        #expect(isThere())
        stage.engine.close(DataConsumerID(rawValue: "d"), now: stage.now, into: &stage.outbox)
        // Who comes within the same command finds it still there.
        #expect(isThere())
        stage.engine.closeUnusedLinks(now: stage.now, into: &stage.outbox)
        #expect(!isThere())
        carry()
        #expect(stage.told().isEmpty)
        #expect(try stage.dump(TransportID(rawValue: "near"))["dataConsumerIds"] == [])
        try join(open("again"), closesWhenUnused: true)
        #expect(isThere())
        stage.engine.closeUnusedLink(producer, on: hall, now: stage.now, into: &stage.outbox)
        #expect(!isThere())
        closeRouters()
    }

    @Test func `the original's name is its own on its router, and the link's on the other one`() throws {
        let link = try open()
        try join(link)
        #expect(throws: SFUError.invalidName) { try join(link) }
        // Closing the linked one leaves the original, and its name.
        stage.engine.closeLinked(producer, on: hall, now: stage.now, into: &stage.outbox)
        carry()
        #expect(!isThere() && stage.engine.hasDataProducer(producer, on: Stage.room))
        #expect(stage.engine.state(of: producer)?.label == "l")
        closeRouters()
    }

    @Test func `a link needs transports that are pipes of this process`() throws {
        #expect(throws: SFUError.self) {
            try stage.engine.openDataLink(
                LinkID(serial: 2, source: 0, sink: 0),
                of: DataConsumerSetup(
                    transport: TransportID(rawValue: "direct"), id: DataConsumerID(rawValue: "x"), producer: producer))
        }
        let link = try open()
        #expect(throws: SFUError.self) {
            try stage.engine.joinDataLink(
                link, as: DataProducerSetup(transport: TransportID(rawValue: "behind"), id: producer))
        }
        closeRouters()
    }
}

extension SFUError {
    fileprivate static let invalidName = SFUError(
        .conflict, name: "TypeError", "a DataProducer with same id \"p\" already exists")
}
