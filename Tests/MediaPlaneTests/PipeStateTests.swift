import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// What happens to a producer while it is being piped: the receiving worker is kept from looking meanwhile.
@Suite struct PipeStateTests {
    private struct Setting {
        let near: Stage
        let far: Stage
        let farLoop: MediaLoop
        let inlet: PlainTransportDescription

        init() async throws {
            let loops = [try MediaLoop.start(name: "pipe-a"), try MediaLoop.start(name: "pipe-b")]
            let core = try EmbeddedCore(MediaPlaneConfiguration(), loops: loops)
            (near, far) = (try await Stage(on: core), try await Stage(on: core))
            farLoop = loops[try #require(core.worker(of: far.router.id))]
            try #require(core.worker(of: near.router.id) != core.worker(of: far.router.id))
            inlet = try await near.inlet()
            // The pipe itself is there.
            let first = try await near.produceAudio(on: inlet.id, ssrc: 1111)
            _ = try await core.pipe(first.id, to: far.router.id)
        }

        /// How many consumers a producer has, the pipe's included.
        func consumerCount(of producer: ProducerID) async throws -> Int? {
            try await near.core.dump(near.router.id)["mapProducerIdConsumerIds"]?.arrayValue?
                .first { $0["key"] == JSONValue(producer.rawValue) }?["values"]?.arrayValue?.count
        }

        /// Pipes a producer, and does something when the pipe's consumer is there and its producer not yet.
        func pipe(
            _ producer: ProducerID, meanwhile: () async throws -> Void
        ) async throws -> Result<PipedProducer, any Error> {
            let (core, router) = (near.core, far.router.id)
            let piping = Locked<Task<PipedProducer, any Error>?>(nil)
            try await blocking(farLoop) {
                piping.value = Task { try await core.pipe(producer, to: router) }
                #expect(await eventually { (try? await consumerCount(of: producer)) == 1 })
                try await meanwhile()
            }
            return await (try #require(piping.value)).result
        }
    }

    @Test func `a producer that closes while it is being piped is an InvalidStateError, and nothing of it stays`()
        async throws
    {
        let setting = try await Setting()
        let core = setting.near.core
        let producer = try await setting.near.produceVideo(on: setting.inlet.id, ssrc: 2222)
        let before = core.objectCount
        let result = try await setting.pipe(producer.id) { await core.close(producer.id) }
        #expect {
            _ = try result.get()
        } throws: {
            ($0 as? MediaCoreError)
                == MediaCoreError(.conflict, name: "InvalidStateError", message: "original Producer closed")
        }
        #expect(await !core.canConsume(producer.id, on: setting.far.router.id, setting.far.router.rtpCapabilities))
        #expect(await eventually { core.objectCount == before - 1 })
        #expect(await core.measurements(within: patience).reduce(0) { $0 + ($1?.pipedProducers ?? 0) } == 1)
        await core.shutDown()
    }

    @Test func `a pause while a producer is being piped is known at its new place`() async throws {
        let setting = try await Setting()
        let core = setting.near.core
        let producer = try await setting.near.produceVideo(on: setting.inlet.id, ssrc: 2222)
        let piped = try await setting.pipe(producer.id) { try await core.pause(producer.id) }.get()
        #expect(piped.producer.paused)
        let outlet = try await setting.far.outlet(to: 9)
        #expect(try await setting.far.consume(producer.id, on: outlet.id).producerPaused)
        await core.shutDown()
    }

    @Test func `a room that closes while a producer is being piped there is an error, and the original stays`()
        async throws
    {
        let setting = try await Setting()
        let core = setting.near.core
        let producer = try await setting.near.produceVideo(on: setting.inlet.id, ssrc: 2222)
        let closing = Locked<Task<Void, Never>?>(nil)
        let router = setting.far.router.id
        // The two ways onto the worker are not ordered: either the room was still there, or it was not.
        let result = try await setting.pipe(producer.id) { closing.value = Task { await core.close(router) } }
        await closing.value?.value
        if case .failure(let error) = result { #expect((error as? MediaCoreError)?.code == .notFound) }
        #expect(await core.canConsume(producer.id, on: setting.near.router.id, setting.near.router.rtpCapabilities))
        #expect(await eventually { (try? await setting.consumerCount(of: producer.id)) == 0 })
        await core.shutDown()
    }
}
