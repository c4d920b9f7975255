import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// mediasoup's pipeToRouter with a `dataProducerId`, between routers of one worker and of two.
@Suite(.timeLimit(.minutes(10))) struct PipedDataTests {
    @Test(arguments: [1, 2])
    func `messages reach the other router's data consumers, in order and none twice, of the same name`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let (piped, core) = (scene.piped, scene.core)
        #expect(piped.producer.id == scene.producer && piped.producer.type == .direct && !piped.producer.paused)
        #expect(piped.producer.label == "chat" && piped.producer.subprotocol == "p")
        #expect(piped.consumer.producer == scene.producer && piped.consumer.type == .direct)
        for number in 0..<2000 { try await scene.say("\(number)") }
        #expect(texts(await scene.ear.take(2000)) == (0..<2000).map(String.init))
        #expect(try await core.stats(piped.consumer.id).arrayValue?.first?["messagesSent"] == 2000)
        #expect(try await core.stats(scene.consumer).arrayValue?.first?["messagesSent"] == 2000)
        // Both routers say that they have it, each with its own data consumers.
        for (router, consumers) in [
            (scene.near.router.id, [scene.consumer, piped.consumer.id]), (scene.far.router.id, [scene.behind]),
        ] {
            let map = try await core.dump(router)["mapDataProducerIdDataConsumerIds"]
            #expect(
                map == [
                    [
                        "key": JSONValue(scene.producer.rawValue),
                        "values": .array(consumers.map { JSONValue($0.rawValue) }),
                    ]
                ])
        }
        #expect(core.portFigures.used == 0)
        await core.shutDown()
    }

    @Test(arguments: [1, 2]) func `messages keep their kinds and lengths`(workers: Int) async throws {
        let scene = try await PipedDataScene(workers: workers)
        let sent = [
            DataMessage("grüße"), DataMessage([UInt8]([0, 255])), DataMessage(""), DataMessage([UInt8]()),
            DataMessage((0..<262_144).map { UInt8($0 % 251) }),
        ]
        for message in sent {
            try await scene.core.send(message, on: scene.producer, subchannels: [], required: nil)
        }
        #expect(await scene.ear.take(5) == sent)
        await scene.core.shutDown()
    }

    @Test(arguments: [1, 2]) func `subchannels are looked at by those who listen beyond`(workers: Int) async throws {
        let scene = try await PipedDataScene(workers: workers)
        let ears = [
            try await scene.listen(subchannels: [1, 2]), try await scene.listen(subchannels: [2, 3]), scene.ear,
        ]
        try await scene.say("one", subchannels: [1])
        try await scene.say("three", subchannels: [3])
        try await scene.say("both", subchannels: [2])
        try await scene.say("required", required: 3)
        try await scene.say("one, and required", subchannels: [1, 2], required: 3)
        try await scene.say("all")
        #expect(texts(await ears[0].take(3)) == ["one", "both", "all"])
        #expect(texts(await ears[1].take(5)) == ["three", "both", "required", "one, and required", "all"])
        #expect(texts(await ears[2].take(1)) == ["all"])
        await scene.core.shutDown()
    }

    @Test(arguments: [1, 2]) func `what is said before somebody listens beyond is not for him`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        try await scene.say("early")
        // It has come through.
        #expect(texts(await scene.ear.take(1)) == ["early"])
        let late = try await scene.listen()
        try await scene.say("late")
        #expect(texts(await late.take(1)) == ["late"])
        await scene.core.shutDown()
    }

    @Test(arguments: [1, 2])
    func `pipes of one pair of routers are one, for producers and data producers, in both directions`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let core = scene.core
        let pair = Set([scene.piped.transports.source, scene.piped.transports.sink])
        let inlet = try await scene.near.inlet()
        let audio = try await scene.near.produceAudio(on: inlet.id, ssrc: 1111)
        let media = try await core.pipe(audio.id, to: scene.far.router.id)
        #expect(media.transports.source == scene.piped.transports.source)
        var back: [DataProducerID] = []
        for _ in 0..<5 { back.append(try await core.produceData(on: scene.beyond, ProduceDataOptions()).id) }
        let transports = try await withThrowingTaskGroup(of: Set<TransportID>.self) { group in
            for producer in back {
                group.addTask {
                    let piped = try await core.pipe(producer, to: scene.near.router.id)
                    return [piped.transports.source, piped.transports.sink]
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(transports == [pair])
        let consumer = try await core.consumeData(on: scene.mouth, ConsumeDataOptions(producer: back[0]))
        let ear = try await core.messages(of: consumer.id)
        try await core.send(DataMessage("back"), on: back[0], subchannels: [], required: nil)
        #expect(texts(await ear.take(1)) == ["back"])
        await core.shutDown()
    }

    @Test(arguments: [1, 2]) func `what can't be piped is refused in mediasoup's words`(workers: Int) async throws {
        let scene = try await PipedDataScene(workers: workers)
        let before = scene.core.objectCount
        for (id, router, message) in [
            (scene.producer, scene.near.router.id, "TypeError: cannot use this Router as destination"),
            (DataProducerID(rawValue: "nobody"), scene.far.router.id, "TypeError: DataProducer not found"),
            (scene.producer, RouterID(rawValue: "nowhere"), "TypeError: Router not found"),
            (
                scene.producer, scene.far.router.id,
                "TypeError: a DataProducer with same id \"\(scene.producer)\" already exists"
            ),
        ] {
            await #expect {
                _ = try await scene.core.pipe(id, to: router)
            } throws: {
                "\($0)" == message
            }
        }
        // A pipe's transports are for pipes: they have no SCTP of their own.
        let (pipe, producer) = (scene.piped.transports.sink, scene.producer)
        await #expect {
            _ = try await scene.core.consumeData(on: pipe, ConsumeDataOptions(producer: producer))
        } throws: {
            "\($0)" == "TypeError: missing sctpParameters.MIS"
        }
        await #expect {
            _ = try await scene.core.produceData(on: pipe, ProduceDataOptions())
        } throws: {
            "\($0)" == "Error: SCTP not enabled and not a direct Transport [method:transport.produceData]"
        }
        // Nothing is left of that, and the one that is there goes on.
        #expect(scene.core.objectCount == before)
        try await scene.say("still here")
        #expect(texts(await scene.ear.take(1)) == ["still here"])
        await scene.core.shutDown()
    }

    @Test func `data consumers behind a pipe inherit how hard the original is tried`() async throws {
        try await DataStage.run { stage in
            let core = stage.core
            let limited = try await core.produceData(
                on: stage.left.id,
                ProduceDataOptions(stream: SCTPStreamParameters(streamID: 0, maxRetransmits: 1), label: "chat"))
            let other = try await Stage(on: core)
            _ = try await core.pipe(limited.id, to: other.router.id)
            let transport = try await core.createPlainTransport(
                on: other.router.id, PlainTransportOptions(sctp: SCTPOptions()))
            let heir = try await core.consumeData(on: transport.id, ConsumeDataOptions(producer: limited.id))
            #expect(heir.stream?.ordered == false && heir.stream?.maxRetransmits == 1 && heir.type == .sctp)
            #expect(heir.label == "chat")
            await #expect {
                _ = try await core.consumeData(
                    on: transport.id, ConsumeDataOptions(producer: limited.id, maxPacketLifeTime: 5))
            } throws: {
                "\($0)" == "TypeError: cannot provide both maxPacketLifeTime and maxRetransmits"
            }
        }
    }
}
