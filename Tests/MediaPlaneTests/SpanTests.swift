import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

@Suite struct SpanTests {
    private func pair(_ number: UInt16) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }

    /// Sends numbered packets a few at a time, and expects all of them, in order, at each of the sinks.
    private func expectPackets(
        _ range: Range<UInt16>, from sender: TestSocket, to inlet: PlainTransportDescription, at sinks: [TestSocket]
    ) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 25) {
            let numbers = start..<min(start + 25, range.upperBound)
            for number in numbers {
                sender.send(
                    rtpPacket(ssrc: 1111, sequence: number, timestamp: UInt32(number) * 960, payload: pair(number)),
                    to: inlet.tuple.localPort)
            }
            for sink in sinks {
                for number in numbers {
                    let packet = sink.receiveRTP()
                    #expect(packet.map { Array($0.payload) } == pair(number))
                    #expect(packet?.timestamp == UInt32(number) * 960)
                }
            }
        }
    }

    @Test func `viewers of one room on two workers get the same packets`() async throws {
        let room = try await Room()
        let (sender, near, far) = (try TestSocket(), try TestSocket(), try TestSocket())
        let inlet = try await room.inlet(on: room.home)
        let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlets = [
            try await room.outlet(to: near, on: room.home), try await room.outlet(to: far, on: room.other),
        ]
        #expect(outlets.map { room.core.worker(of: $0) } == [room.home, room.other])
        for outlet in outlets {
            let consumer = try await room.stage.consume(producer.id, on: outlet)
            #expect(consumer.producer == producer.id && consumer.type == "simple")
        }
        expectPackets(0..<500, from: sender, to: inlet, at: [near, far])
        #expect(room.core.workers(of: room.id) == [room.home, room.other])
        // One socket each: what lies between the workers has none.
        #expect(room.core.portFigures.used == 3)
        #expect(try await room.core.stats(producer.id).arrayValue?.first?["packetCount"] == 500)
        await room.core.shutDown()
    }

    @Test func `pause, resume and the end of a producer reach consumers of the other worker, and nothing else is told`()
        async throws
    {
        let room = try await Room()
        // The producer is the one that is away from home.
        let inlet = try await room.inlet(on: room.other)
        let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111)
        #expect(await room.core.canConsume(producer.id, on: room.id, room.stage.router.rtpCapabilities))
        let outlet = try await room.outlet(to: TestSocket(), on: room.home)
        let consumer = try await room.stage.consume(producer.id, on: outlet)
        let events = room.watch()
        try await room.core.pause(producer.id)
        #expect(await events.has(.consumerProducerPaused(consumer.id, true)))
        try await room.core.resume(producer.id)
        #expect(await events.has(.consumerProducerPaused(consumer.id, false)))
        await room.core.close(producer.id)
        #expect(await events.has(.consumerClosed(consumer.id, .producerClosed)))
        await room.core.shutDown()
        let told = await events.all()
        #expect(
            told == [
                .consumerProducerPaused(consumer.id, true), .consumerProducerPaused(consumer.id, false),
                .consumerClosed(consumer.id, .producerClosed),
            ] + told.suffix(2))
        #expect(Set(told.suffix(2)) == [.transportClosed(inlet.id), .transportClosed(outlet)])
    }

    @Test func `scores and key frame requests go from worker to worker`() async throws {
        let room = try await Room()
        let sender = try TestSocket()
        let inlet = try await room.inlet(on: room.home)
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000, channels: nil, parameters: [:],
            rtcpFeedback: [RTCPFeedback("nack", "pli")])
        let producer = try await room.core.produce(
            on: inlet.id,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 2222)])))
        let outlet = try await room.outlet(to: TestSocket(), on: room.other)
        let consumer = try await room.stage.consume(producer.id, on: outlet)
        let events = room.watch()
        // A key frame: nobody has to ask for one.
        sender.send(
            rtpPacket(ssrc: 2222, sequence: 0, payloadType: 101, payload: [0x10, 0x10, 0, 0x9D, 1, 0x2A, 0, 0, 0, 0]),
            to: inlet.tuple.localPort)
        #expect(
            await events.has(
                .consumerScore(consumer.id, ConsumerScore(score: 10, producerScore: 10, producerScores: [10]))))
        try await room.core.requestKeyFrame(consumer.id)
        // Reports come besides, one a second.
        let isAsked = (0..<30).contains { _ in
            sender.receive().map { $0.bytes.count > 1 && $0.bytes[1] == 206 } ?? false
        }
        #expect(isAsked)
        await room.core.shutDown()
    }

    @Test func `one way to the other worker serves all who come at once, and is gone with the last`() async throws {
        let room = try await Room()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await room.inlet(on: room.home)
        let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await room.outlet(to: sink, on: room.other)
        for round in 0..<3 as Range<UInt16> {
            let consumers = try await withThrowingTaskGroup(of: ConsumerID.self) { group in
                for _ in 0..<20 { group.addTask { try await room.stage.consume(producer.id, on: outlet).id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(consumers.count == 20)
            #expect(await room.pipedProducers() == 1)
            for consumer in consumers.dropFirst() { await room.core.close(consumer) }
            #expect(await room.pipedProducers() == 1)
            expectPackets(round * 10..<round * 10 + 10, from: sender, to: inlet, at: [sink])
            for consumer in consumers.prefix(1) { await room.core.close(consumer) }
            #expect(await room.pipedProducers() == 0)
        }
        await room.core.close(room.id)
        #expect(room.core.objectCount == 0 && room.core.portFigures.used == 0)
        await room.core.shutDown()
    }

    @Test func `who can't be served leaves no way behind`() async throws {
        let room = try await Room()
        let inlet = try await room.inlet(on: room.home)
        let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await room.outlet(to: TestSocket(), on: room.other)
        await #expect {
            _ = try await room.core.consume(
                on: outlet, ConsumeOptions(producer: producer.id, rtpCapabilities: RTPCapabilities(codecs: [])))
        } throws: {
            ($0 as? MediaCoreError)?.code == .unsupported
        }
        #expect(await room.pipedProducers() == 0)
        await #expect {
            _ = try await room.stage.consume(ProducerID(rawValue: "nobody"), on: outlet)
        } throws: {
            ($0 as? MediaCoreError)?.code == .notFound
        }
        await room.core.shutDown()
    }

    @Test func `closing a room closes it on all workers, and each consumer hears of its transport`() async throws {
        let room = try await Room()
        let events = room.watch()
        var expected: Set<MediaCoreEvent> = []
        for worker in [room.home, room.other] {
            let inlet = try await room.inlet(on: worker)
            let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111)
            expected.formUnion([.transportClosed(inlet.id), .producerClosed(producer.id)])
            for worker in [room.home, room.other] {
                let outlet = try await room.outlet(to: TestSocket(), on: worker)
                let consumer = try await room.stage.consume(producer.id, on: outlet)
                expected.formUnion([.transportClosed(outlet), .consumerClosed(consumer.id, .transportClosed)])
            }
        }
        #expect(await room.pipedProducers() == 2)
        await room.core.close(room.id)
        #expect(await room.pipedProducers() == 0)
        #expect(room.core.objectCount == 0 && room.core.portFigures.used == 0)
        #expect(room.core.workers(of: room.id).isEmpty)
        await room.core.shutDown()
        let told = await events.all()
        #expect(Set(told) == expected && told.count == expected.count)
    }

    @Test func `a room's dump shows one room`() async throws {
        let room = try await Room()
        let inlet = try await room.inlet(on: room.home)
        let producer = try await room.stage.produceAudio(on: inlet.id, ssrc: 1111).id.rawValue
        var (transports, consumers) = ([inlet.id.rawValue], [String]())
        for worker in [room.home, room.other, room.other] {
            let outlet = try await room.outlet(to: TestSocket(), on: worker)
            transports.append(outlet.rawValue)
            let id = ProducerID(rawValue: producer)
            consumers.append(try await room.stage.consume(id, on: outlet).id.rawValue)
        }
        func strings(_ names: [String]) -> JSONValue { .array(names.map { JSONValue($0) }) }
        let dump = try await room.core.dump(room.id)
        #expect(dump["id"] == JSONValue(room.id.rawValue))
        #expect(dump["transportIds"] == strings(transports))
        #expect(dump["mapProducerIdConsumerIds"] == [["key": JSONValue(producer), "values": strings(consumers)]])
        #expect(
            dump["mapConsumerIdProducerId"]
                == .array(consumers.map { ["key": JSONValue($0), "value": JSONValue(producer)] }))
        #expect(dump["mapProducerIdObserverIds"] == [["key": JSONValue(producer), "values": []]])
        await room.core.shutDown()
    }

    @Test func `a room stays at home until a crowd is there, and then uses the other worker, too`() async throws {
        let room = try await Room()
        var placed: [Int?] = []
        for _ in 0..<100 {
            let transport = try await room.core.createPlainTransport(on: room.id, PlainTransportOptions())
            placed.append(room.core.worker(of: transport.id))
        }
        #expect(placed.prefix(32).allSatisfy { $0 == room.home })
        let away = placed.count { $0 == room.other }
        #expect(away > 20 && away < 50, "\(away)")
        // Tracks of one sender stay in step.
        let inlet = try await room.core.createPlainTransport(
            on: room.id, PlainTransportOptions(comedia: true, cname: "sender"))
        #expect(room.core.worker(of: inlet.id) == room.home)
        await room.core.shutDown()
    }

    @Test func `where a room can't be is said in words`() async throws {
        let room = try await Room()
        let plain = try await room.core.createRouter(mediaCodecs: nil, spans: false)
        let elsewhere = 1 - (room.core.worker(of: plain.id) ?? 0)
        for (router, worker, message) in [
            (room.id, 7, "TypeError: there is no worker 7; the last one is 1"),
            (plain.id, elsewhere, "create it with spans: true"),
        ] {
            await #expect {
                _ = try await room.core.createPlainTransport(on: router, PlainTransportOptions(), worker: worker)
            } throws: {
                "\($0)".contains(message)
            }
        }
        await room.core.shutDown()
        // By the configuration all rooms span the workers.
        var configuration = MediaPlaneConfiguration(workers: 2)
        configuration.routersSpan = true
        let core = try EmbeddedCore(configuration)
        let router = try await core.createRouter(mediaCodecs: nil)
        for worker in 0..<2 {
            let transport = try await core.createPlainTransport(
                on: router.id, PlainTransportOptions(), worker: worker)
            #expect(core.worker(of: transport.id) == worker)
        }
        await core.shutDown()
    }
}
