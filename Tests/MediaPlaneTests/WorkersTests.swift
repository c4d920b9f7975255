import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

@Suite struct WorkersTests {
    private func core(workers: Int) throws -> EmbeddedCore {
        try EmbeddedCore(MediaPlaneConfiguration(workers: workers))
    }

    @Test func `routers are spread, and a worker that was left empty is next`() async throws {
        let core = try core(workers: 3)
        #expect(core.workerCount == 3)
        var routers: [RouterID] = []
        for _ in 0..<6 { routers.append(try await core.createRouter(mediaCodecs: nil).id) }
        let placed = routers.map { core.worker(of: $0) }
        for number in 0..<3 { #expect(placed.count { $0 == number } == 2, "\(placed)") }
        let emptied = try #require(placed[1])
        for router in routers where core.worker(of: router) == emptied { await core.close(router) }
        #expect(core.worker(of: routers[1]) == nil)
        let next = try await core.createRouter(mediaCodecs: nil).id
        #expect(core.worker(of: next) == emptied)
        await core.shutDown()
    }

    @Test func `a router that could not be made counts for nothing`() async throws {
        let core = try core(workers: 2)
        let bad = RTPCodecCapability(kind: .audio, mimeType: "audio/nothing", clockRate: 1)
        for _ in 0..<3 {
            await #expect(throws: MediaCoreError.self) { _ = try await core.createRouter(mediaCodecs: [bad]) }
        }
        let first = try await core.createRouter(mediaCodecs: nil).id
        let second = try await core.createRouter(mediaCodecs: nil).id
        #expect(core.worker(of: first) != core.worker(of: second))
        await core.shutDown()
    }

    @Test func `consumers weigh more than routers`() async throws {
        let core = try core(workers: 2)
        let busy = try await Stage(on: core)
        let inlet = try await busy.inlet()
        let producer = try await busy.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await busy.outlet(to: 9)
        for _ in 0..<3 { _ = try await busy.consume(producer.id, on: outlet.id) }
        let busyWorker = try #require(core.worker(of: busy.router.id))
        for _ in 0..<4 {
            let router = try await core.createRouter(mediaCodecs: nil).id
            #expect(core.worker(of: router) != busyWorker)
        }
        await core.close(outlet.id)
        let router = try await core.createRouter(mediaCodecs: nil).id
        #expect(core.worker(of: router) == busyWorker)
        await core.shutDown()
    }

    @Test func `every worker forwards its own, and every call finds its way`() async throws {
        let core = try core(workers: 3)
        var rooms: [(stage: Stage, inlet: TransportID, producer: ProducerID, consumer: ConsumerID)] = []
        for number in 0..<6 {
            let stage = try await Stage(on: core)
            let (sender, sink) = (try TestSocket(), try TestSocket())
            let inlet = try await stage.inlet(rtcpMux: number % 2 == 0)
            let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
            let outlet = try await stage.outlet(to: sink.address.port)
            let consumer = try await stage.consume(producer.id, on: outlet.id)
            rooms.append((stage, inlet.id, producer.id, consumer.id))
            for sequence in 0..<20 as Range<UInt16> {
                sender.send(
                    rtpPacket(ssrc: 1111, sequence: sequence, payload: [UInt8(number)]), to: inlet.tuple.localPort)
                #expect(sink.receiveRTP()?.payload.first == UInt8(number))
            }
        }
        #expect(Set(rooms.map { core.worker(of: $0.stage.router.id) }).count == 3)
        for (stage, _, producer, consumer) in rooms {
            try await core.pause(producer)
            try await core.resume(producer)
            try await core.pause(consumer)
            try await core.resume(consumer)
            try await core.requestKeyFrame(consumer)
            #expect(await core.canConsume(producer, on: stage.router.id, stage.router.rtpCapabilities))
            #expect(try await core.stats(producer).arrayValue?.first?["packetCount"] == 20)
            #expect(try await core.stats(consumer).arrayValue?.first?["packetCount"] == 20)
        }
        let measured = await core.measurements(within: patience)
        #expect(measured.count == 3)
        // RTP and RTCP; each worker has the sockets of its two rooms.
        #expect(measured.allSatisfy { ($0?.counters.received ?? 0) >= 40 && [4, 5, 6].contains($0?.sockets) })
        #expect(await core.counters().received >= 120)
        #expect(core.lag.count == 3)
        #expect(core.portFigures.used == measured.reduce(0) { $0 + ($1?.sockets ?? 0) })
        // A producer of another router is none of this one's.
        await #expect {
            _ = try await rooms[0].stage.consume(rooms[1].producer, on: rooms[0].inlet)
        } throws: {
            ($0 as? MediaCoreError)?.code == .notFound
        }
        await #expect {
            try await core.pause(ProducerID(rawValue: "nobody"))
        } throws: {
            ($0 as? MediaCoreError)?.code == .notFound
        }
        for room in rooms { await core.close(room.stage.router.id) }
        #expect(core.portFigures.used == 0)
        await core.shutDown()
    }

    @Test func `events of one worker keep their order, and all of them come before the end`() async throws {
        let core = try core(workers: 2)
        var expected: [[MediaCoreEvent]] = []
        for _ in 0..<4 {
            let stage = try await Stage(on: core)
            let inlet = try await stage.inlet()
            let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
            let outlet = try await stage.outlet(to: 9)
            let consumer = try await stage.consume(producer.id, on: outlet.id)
            try await core.pause(producer.id)
            try await core.resume(producer.id)
            await core.close(stage.router.id)
            expected.append([
                .consumerProducerPaused(consumer.id, true), .consumerProducerPaused(consumer.id, false),
                .producerClosed(producer.id), .transportClosed(inlet.id),
                .consumerClosed(consumer.id, .transportClosed), .transportClosed(outlet.id),
            ])
        }
        await core.shutDown()
        var events: [MediaCoreEvent] = []
        for await event in core.events { events.append(event) }
        for list in expected { #expect(events.filter(list.contains) == list) }
    }

    @Test func `workers share one range of ports`() async throws {
        let low = UInt16.random(in: 15_000...19_000) & ~1
        let core = try EmbeddedCore(
            MediaPlaneConfiguration(portRange: low...low + 5, portQuarantine: .zero, workers: 2))
        let stages = [try await Stage(on: core), try await Stage(on: core)]
        var ports: [UInt16] = []
        do {
            while ports.count < 10 { ports.append(try await stages[ports.count % 2].inlet().tuple.localPort) }
        } catch {
            #expect((error as? MediaCoreError)?.code == .exhausted)
        }
        #expect(Set(ports).count == ports.count && ports.count <= 6 && ports.count >= 3)
        #expect(core.portFigures.used == ports.count)
        for stage in stages { await core.close(stage.router.id) }
        #expect(core.portFigures == PortFigures(used: 0, free: 6))
        await core.shutDown()
    }

    @Test func `threads are named, and end with the core`() async {
        await #expect(processExitsWith: .success) {
            let core = try EmbeddedCore(MediaPlaneConfiguration(workers: 3))
            #expect(await core.answers(within: patience))
            for number in 0..<3 { #expect(threads(named: "ladle-media-\(number)") == 1) }
            #expect(threads(named: "ladle-media-3") == 0)
            await core.shutDown()
            #expect(await eventually { (0..<3).allSatisfy { threads(named: "ladle-media-\($0)") == 0 } })
        }
    }
}
