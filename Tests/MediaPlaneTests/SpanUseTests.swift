import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// What else uses producers of a room on two workers: observers, pipes to other rooms, many who come and go.
@Suite struct SpanUseTests {
    /// Packets of one producer until somebody has seen enough.
    private func playing(
        _ packets: [UInt8], to port: UInt16, while body: () async throws -> Void
    ) async throws {
        let (sender, isOver) = (try TestSocket(), Locked(false))
        let playing = Task {
            var sequence: UInt16 = 0
            while !isOver.value {
                var packet = packets
                (packet[2], packet[3]) = (UInt8(sequence >> 8), UInt8(sequence & 255))
                sender.send(packet, to: port)
                sequence &+= 1
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        defer { isOver.value = true }
        try await body()
        isOver.value = true
        try await playing.value
    }

    @Test func `an observer hears producers of the other worker`() async throws {
        let room = try await Room()
        let inlet = try await room.inlet(on: room.other)
        let opus = RTPCodecParameters(
            mimeType: "audio/opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: [:],
            rtcpFeedback: [])
        let level = RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 1)
        let producer = try await room.core.produce(
            on: inlet.id,
            ProduceOptions(
                kind: .audio,
                rtpParameters: RTPParameters(
                    codecs: [opus], headerExtensions: [level], encodings: [RTPEncodingParameters(ssrc: 1)]))
        ).id
        // The observer is at home.
        let observer = try await room.core.createAudioLevelObserver(
            on: room.id, AudioLevelObserverOptions(maximumEntries: 1, interval: .milliseconds(250)))
        try await room.core.addProducer(producer, to: observer)
        #expect(await room.pipedProducers() == 1)
        var packet =
            rtpPacket(ssrc: 1, sequence: 0, payload: []) + [0xBE, 0xDE, 0, 1, 1 << 4, 0x80 | 20, 0, 0, 0x78, 1]
        packet[0] |= 0x10
        let events = room.watch()
        try await playing(packet, to: inlet.tuple.localPort) {
            #expect(await events.has(.observerVolumes(observer, [AudioVolume(producer: producer, volume: -20)])))
        }
        let dump = try await room.core.dump(room.id)
        #expect(
            dump["mapProducerIdObserverIds"] == [
                ["key": JSONValue(producer.rawValue), "values": [JSONValue(observer.rawValue)]]
            ])
        try await room.core.removeProducer(producer, from: observer)
        #expect(await room.pipedProducers() == 0)
        await room.core.shutDown()
    }

    @Test func `rooms on two workers are piped into each other, from and to either part`() async throws {
        let first = try await Room()
        let core = first.core
        let router = try await core.createRouter(mediaCodecs: nil, spans: true)
        let (sender, sink) = (try TestSocket(), try TestSocket())
        for worker in [first.home, first.other] {
            let inlet = try await first.inlet(on: worker)
            let producer = try await first.stage.produceAudio(on: inlet.id, ssrc: 1111)
            _ = try await core.pipe(producer.id, to: router.id)
            // On the worker that is not the second room's home: a pipe behind a pipe.
            let away = 1 - (core.worker(of: router.id) ?? 0)
            let outlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions(), worker: away)
            _ = try await core.connect(
                outlet.id, PlainTransportRemote(ip: core.configuration.listenIP, port: sink.address.port))
            let consumer = try await core.consume(
                on: outlet.id, ConsumeOptions(producer: producer.id, rtpCapabilities: router.rtpCapabilities))
            for sequence in 0..<20 as Range<UInt16> {
                sender.send(
                    rtpPacket(ssrc: 1111, sequence: sequence, payload: [UInt8(sequence)]), to: inlet.tuple.localPort)
                #expect(sink.receiveRTP()?.payload.first == UInt8(sequence))
            }
            await core.close(producer.id)
            #expect(await eventually { (try? await core.stats(consumer.id)) == nil })
            #expect(await eventually { await first.pipedProducers() == 0 })
        }
        await core.shutDown()
    }

    @Test func `many who come and go on both workers leave nothing behind`() async throws {
        let room = try await Room()
        let inlets = [try await room.inlet(on: room.home), try await room.inlet(on: room.other)]
        var producers: [ProducerID] = []
        for inlet in inlets { producers.append(try await room.stage.produceAudio(on: inlet.id, ssrc: 1111).id) }
        let ids = producers
        try await playing(rtpPacket(ssrc: 1111, sequence: 0, payload: [1]), to: inlets[0].tuple.localPort) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        var random = SeededRandom(seed: UInt64(task))
                        let outlet = try await room.outlet(
                            to: TestSocket(), on: task % 2 == 0 ? room.home : room.other)
                        for _ in 0..<40 {
                            do {
                                let consumer = try await room.stage.consume(ids[random.below(2)], on: outlet)
                                if random.below(4) > 0 { await room.core.close(consumer.id) }
                            } catch let error as MediaCoreError {
                                // The last one left, three times over, between our two steps.
                                #expect(error.code == .notFound, "seed \(task): \(error)")
                            }
                        }
                        await room.core.close(outlet)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(await room.pipedProducers() == 0)
        #expect(room.core.objectCount == 5)
        await room.core.close(room.id)
        #expect(room.core.objectCount == 0 && room.core.portFigures.used == 0)
        await room.core.shutDown()
    }
}

/// A linear congruential generator: the seed says it all.
private struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 2_654_435_761 &+ 1 }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
