import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// Who closes and pauses with whom, and who is told: data producers over pipes.
@Suite(.timeLimit(.minutes(5))) struct PipedDataCascadeTests {
    @Test(arguments: [1, 2])
    func `dataproducerpause and dataproducerresume: through the pipe, and nothing passes meanwhile`(
        workers: Int
    ) async throws {
        let scene = try await PipedDataScene(workers: workers)
        try await scene.core.pause(scene.producer)
        #expect(await scene.events.has(.dataConsumerProducerPaused(scene.behind, true)))
        try await scene.say("lost")
        let found = try await scene.core.consumeData(
            on: scene.beyond, ConsumeDataOptions(producer: scene.producer))
        #expect(found.producerPaused)
        try await scene.core.resume(scene.producer)
        try await scene.say("heard")
        #expect(texts(await scene.ear.take(1)) == ["heard"])
        let told = await scene.told()
        for name in ["consumer", "pipeConsumer", "behind"] {
            #expect(events(told, of: name).prefix(2) == ["dataproducerpause", "dataproducerresume"])
        }
    }

    @Test(arguments: [1, 2]) func `pipe data consumer pause: those beyond are told, and those here go on`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let near = try await scene.core.messages(of: scene.consumer)
        try await scene.core.pause(scene.piped.consumer.id)
        try await scene.say("here only")
        #expect(await scene.events.has(.dataConsumerProducerPaused(scene.behind, true)))
        // Either of the two pauses is enough.
        try await scene.core.pause(scene.producer)
        try await scene.core.resume(scene.piped.consumer.id)
        try await scene.say("lost")
        try await scene.core.resume(scene.producer)
        try await scene.say("everywhere")
        #expect(texts(await scene.ear.take(1)) == ["everywhere"])
        #expect(texts(await near.take(2)) == ["here only", "everywhere"])
        let told = await scene.told()
        #expect(events(told, of: "behind").prefix(2) == ["dataproducerpause", "dataproducerresume"])
    }

    @Test(arguments: [1, 2]) func `data producer close: pipe data consumer, pipe data producer, and who consumes there`(
        workers: Int
    ) async throws {
        let scene = try await PipedDataScene(workers: workers)
        try await scene.say("last words")
        await scene.core.close(scene.producer)
        #expect(await scene.isGone(scene.behind))
        #expect(texts(await scene.ear.take(2)) == ["last words"])
        #expect(try await !scene.isBeyond())
        // The pipe itself stays, for the next one.
        let second = try await scene.core.produceData(on: scene.mouth, ProduceDataOptions())
        let again = try await scene.core.pipe(second.id, to: scene.far.router.id)
        #expect(again.transports == scene.piped.transports)
        let told = await scene.told()
        #expect(
            told.filter { $0.hasSuffix("dataproducerclose") }.prefix(3) == [
                "consumer dataproducerclose", "pipeConsumer dataproducerclose", "behind dataproducerclose",
            ])
        #expect(events(told, of: "producer").isEmpty)
    }

    @Test(arguments: [1, 2]) func `transport close of the original: transportclose here, dataproducerclose beyond`(
        workers: Int
    ) async throws {
        let scene = try await PipedDataScene(workers: workers)
        await scene.core.close(scene.mouth)
        #expect(await scene.isGone(scene.behind))
        #expect(try await !scene.isBeyond())
        let told = await scene.told()
        #expect(events(told, of: "producer") == ["transportclose"])
        for name in ["consumer", "pipeConsumer", "behind"] {
            #expect(events(told, of: name) == ["dataproducerclose"])
        }
    }

    @Test(arguments: [1, 2])
    func `pipe data producer close: its pipe data consumer closes and is told nothing, the original stays`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let before = scene.core.objectCount
        await scene.core.close(scene.producer, pipedTo: scene.far.router.id)
        #expect(await scene.isGone(scene.piped.consumer.id))
        #expect(await scene.isGone(scene.behind))
        #expect(scene.core.objectCount == before - 2)
        #expect((try? await scene.core.stats(scene.producer)) != nil)
        // It can be piped there again, over the same pipe.
        let again = try await scene.core.pipe(scene.producer, to: scene.far.router.id)
        #expect(again.transports == scene.piped.transports)
        let ear = try await scene.listen()
        try await scene.say("again")
        #expect(texts(await ear.take(1)) == ["again"])
        let told = await scene.told()
        #expect(events(told, of: "pipeConsumer").isEmpty)
        #expect(events(told, of: "behind") == ["dataproducerclose"])
    }

    @Test(arguments: [1, 2])
    func `pipe data consumer close: the pipe data producer closes and is told nothing, the original stays`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        await scene.core.close(scene.piped.consumer.id)
        #expect(await scene.isGone(scene.behind))
        #expect(try await !scene.isBeyond())
        #expect((try? await scene.core.stats(scene.producer)) != nil)
        let told = await scene.told()
        #expect(events(told, of: "pipeConsumer").isEmpty)
        #expect(events(told, of: "behind") == ["dataproducerclose"])
        #expect(events(told, of: "producer") == ["transportclose"])
    }

    @Test(arguments: [1, 2], [true, false])
    func `pipe transport close: the other one closes with what hangs on both, and the original stays`(
        workers: Int, isNear: Bool
    ) async throws {
        let scene = try await PipedDataScene(workers: workers)
        let ends = scene.piped.transports
        await scene.core.close(isNear ? ends.source : ends.sink)
        #expect(await scene.isGone(isNear ? ends.sink : ends.source))
        #expect(await scene.isGone(scene.piped.consumer.id))
        #expect(await scene.isGone(scene.behind))
        #expect(try await !scene.isBeyond())
        // The next pipe is a new one.
        let again = try await scene.core.pipe(scene.producer, to: scene.far.router.id)
        #expect(again.transports.source != ends.source && again.transports.sink != ends.sink)
        let told = await scene.told()
        #expect(events(told, of: "pipeConsumer") == (isNear ? ["transportclose"] : []))
        #expect(events(told, of: "behind") == ["dataproducerclose"])
        #expect(events(told, of: "pipe near").isEmpty && events(told, of: "pipe far").isEmpty)
        // mediasoup's pipe data producer is told transportclose; it has the original's id, which such an event would be
        // taken to be about.
        #expect(events(told, of: "producer") == ["transportclose"])
    }

    @Test(arguments: [1, 2], [true, false])
    func `routerclose: either router takes the pipe along, and nothing is left`(workers: Int, isNear: Bool) async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let (first, second) =
            isNear ? (scene.near.router.id, scene.far.router.id) : (scene.far.router.id, scene.near.router.id)
        await scene.core.close(first)
        #expect(await scene.isGone(scene.piped.consumer.id))
        #expect(await scene.isGone(scene.behind))
        #expect(await scene.isGone(isNear ? scene.piped.transports.sink : scene.piped.transports.source))
        #expect(((try? await scene.core.stats(scene.producer)) != nil) == !isNear)
        await scene.core.close(second)
        #expect(scene.core.objectCount == 0)
        #expect(await scene.core.measurements(within: patience).allSatisfy { $0?.pipedProducers == 0 })
        let told = await scene.told()
        #expect(told.count == Set(told).count, "somebody was told twice: \(told)")
        #expect(events(told, of: "behind") == [isNear ? "dataproducerclose" : "transportclose"])
        #expect(events(told, of: "pipeConsumer") == (isNear ? ["transportclose"] : []))
        #expect(events(told, of: isNear ? "pipe near" : "pipe far") == ["routerclose"])
        #expect(events(told, of: isNear ? "pipe far" : "pipe near").isEmpty)
    }

    @Test(arguments: [1, 2]) func `workerclose: a core that is shut down tells once whom it concerns`(workers: Int)
        async throws
    {
        let scene = try await PipedDataScene(workers: workers)
        let told = await scene.told()
        #expect(told.count == Set(told).count, "somebody was told twice: \(told)")
        for name in ["t1", "t2", "t3"] { #expect(events(told, of: name) == ["routerclose"]) }
        #expect(told.first == "producer transportclose")
        #expect(events(told, of: "consumer") == ["transportclose"])
        #expect(events(told, of: "pipeConsumer") == ["transportclose"])
        #expect(events(told, of: "behind").count == 1)
        #expect(scene.core.objectCount == 0)
        // Its readers end, too.
        #expect(await scene.ear.take(1).isEmpty)
    }

    @Test(arguments: [1, 2], 0..<8)
    func `whatever closes in the midst of messages, those that came are the first ones, in order`(
        workers: Int, seed: Int
    ) async throws {
        let scene = try await PipedDataScene(workers: workers)
        let (core, producer) = (scene.core, scene.producer)
        let (near, far) = (scene.near.router.id, scene.far.router.id)
        let end = 50 + 37 * seed
        for number in 0..<end { try await scene.say("\(number)") }
        let speaking = Task {
            // Fewer than may wait for a reader that has not begun.
            for number in end..<4000 {
                let isSaid: Void? = try? await core.send(
                    DataMessage("\(number)"), on: producer, subchannels: [], required: nil)
                if isSaid == nil || Task.isCancelled { return }
            }
        }
        switch seed {
        case 0: await core.close(producer)
        case 1: await core.close(producer, pipedTo: far)
        case 2: await core.close(scene.piped.consumer.id)
        case 3: await core.close(scene.piped.transports.source)
        case 4: await core.close(scene.piped.transports.sink)
        case 5: await core.close(near)
        case 6: await core.close(far)
        default: await core.close(scene.mouth)
        }
        var heard: [String] = []
        for await message in scene.ear { heard.append(String(decoding: message.payload, as: UTF8.self)) }
        speaking.cancel()
        await speaking.value
        #expect(heard == heard.indices.map(String.init))
        // What closes at the producer's end closes behind what was said before.
        if [0, 2, 7].contains(seed) { #expect(heard.count >= end) }
        await core.close(near)
        await core.close(far)
        #expect(core.objectCount == 0)
        await core.shutDown()
    }
}

/// What happens to a data producer while it is being piped: the receiving worker is kept from looking meanwhile.
@Suite(.timeLimit(.minutes(5))) struct PipedDataStateTests {
    private struct Setting {
        let near: Stage
        let far: Stage
        let farLoop: MediaLoop
        let direct: TransportID
        let producer: DataProducerID

        var core: EmbeddedCore { near.core }

        init() async throws {
            let loops = [try MediaLoop.start(name: "data-a"), try MediaLoop.start(name: "data-b")]
            let core = try EmbeddedCore(MediaPlaneConfiguration(), loops: loops)
            (near, far) = (try await Stage(on: core), try await Stage(on: core))
            farLoop = loops[try #require(core.worker(of: far.router.id))]
            try #require(core.worker(of: near.router.id) != core.worker(of: far.router.id))
            direct = try await core.createDirectTransport(on: near.router.id)
            // The pipe itself is there.
            let first = try await core.produceData(on: direct, ProduceDataOptions())
            _ = try await core.pipe(first.id, to: far.router.id)
            producer = try await core.produceData(on: direct, ProduceDataOptions()).id
        }

        /// How many data consumers it has, the pipe's included; nil: it is gone.
        func consumerCount() async throws -> Int? {
            try await core.dump(near.router.id)["mapDataProducerIdDataConsumerIds"]?.arrayValue?
                .first { $0["key"] == JSONValue(producer.rawValue) }?["values"]?.arrayValue?.count
        }

        /// Pipes it, and does something when the pipe's data consumer is there and its data producer not yet.
        func pipe(meanwhile: () async throws -> Void) async throws -> Result<PipedDataProducer, any Error> {
            let (core, router, producer) = (core, far.router.id, producer)
            let piping = Locked<Task<PipedDataProducer, any Error>?>(nil)
            try await blocking(farLoop) {
                piping.value = Task { try await core.pipe(producer, to: router) }
                #expect(await eventually { (try? await consumerCount()) == 1 })
                try await meanwhile()
            }
            return await (try #require(piping.value)).result
        }
    }

    @Test func `a data producer that closes while it is being piped is an InvalidStateError, and nothing of it stays`()
        async throws
    {
        let setting = try await Setting()
        let core = setting.core
        let before = core.objectCount
        let result = try await setting.pipe { await core.close(setting.producer) }
        #expect {
            _ = try result.get()
        } throws: {
            ($0 as? MediaCoreError)
                == MediaCoreError(.conflict, name: "InvalidStateError", message: "original DataProducer closed")
        }
        #expect(core.objectCount == before - 1)
        #expect(await core.measurements(within: patience).reduce(0) { $0 + ($1?.pipedProducers ?? 0) } == 1)
        await core.shutDown()
    }

    @Test func `a pause while a data producer is being piped is known at its new place`() async throws {
        let setting = try await Setting()
        let core = setting.core
        let piped = try await setting.pipe { try await core.pause(setting.producer) }.get()
        #expect(piped.producer.paused)
        let direct = try await core.createDirectTransport(on: setting.far.router.id)
        let consumer = try await core.consumeData(on: direct, ConsumeDataOptions(producer: setting.producer))
        #expect(consumer.producerPaused)
        try await core.resume(setting.producer)
        let ear = try await core.messages(of: consumer.id)
        try await core.send(DataMessage("heard"), on: setting.producer, subchannels: [], required: nil)
        #expect(texts(await ear.take(1)) == ["heard"])
        await core.shutDown()
    }

    @Test
    func `a pipe data consumer that closes while its other half is being made is an error, and the original stays`()
        async throws
    {
        let setting = try await Setting()
        let core = setting.core
        let result = try await setting.pipe {
            let consumers = try await core.dump(setting.near.router.id)["mapDataConsumerIdDataProducerId"]?.arrayValue
            let own = consumers?.first { $0["value"] == JSONValue(setting.producer.rawValue) }
            await core.close(DataConsumerID(rawValue: try #require(own?["key"]?.stringValue)))
        }
        #expect {
            _ = try result.get()
        } throws: {
            "\($0)".hasSuffix("was closed while DataProducer \(setting.producer) was put on it")
        }
        #expect(try await setting.consumerCount() == 0)
        await core.shutDown()
    }
}
