import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// Data producers of routers that span workers, and pipes to such routers.
@Suite(.timeLimit(.minutes(5))) struct SpanDataTests {
    @Test func `one way to the other worker serves all who listen there, is told to nobody, and is gone with the last`()
        async throws
    {
        let room = try await Room()
        let (core, events) = (room.core, room.watch())
        let here = try await core.createDirectTransport(on: room.id, worker: room.home)
        let there = try await core.createDirectTransport(on: room.id, worker: room.other)
        let mouth = try await core.produceData(on: here, ProduceDataOptions()).id
        let before = core.objectCount
        for round in 0..<3 {
            let consumers = try await withThrowingTaskGroup(of: DataConsumerID.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await core.consumeData(on: there, ConsumeDataOptions(producer: mouth)).id }
                }
                return try await group.reduce(into: [DataConsumerID]()) { $0.append($1) }
            }
            #expect(await room.pipedProducers() == 1 && core.objectCount == before + 20)
            let map = try await core.dump(room.id)["mapDataProducerIdDataConsumerIds"]?.arrayValue
            #expect(map?.count == 1)
            let names = map?.first?["values"]?.arrayValue?.compactMap(\.stringValue) ?? []
            #expect(Set(names) == Set(consumers.map(\.rawValue)) && names.count == 20)
            let ear = try await core.messages(of: try #require(consumers.last))
            try await core.send(DataMessage("\(round)"), on: mouth, subchannels: [], required: nil)
            #expect(texts(await ear.take(1)) == ["\(round)"])
            for consumer in consumers.dropLast() { await core.close(consumer) }
            #expect(await room.pipedProducers() == 1)
            for consumer in consumers.suffix(1) { await core.close(consumer) }
            #expect(await room.pipedProducers() == 0)
        }
        try await core.pause(mouth)
        try await core.resume(mouth)
        #expect(core.objectCount == before)
        await core.shutDown()
        let told = await events.all()
        #expect(told.first == .dataProducerClosed(mouth))
        #expect(Set(told.dropFirst()) == [.transportClosed(here), .transportClosed(there)])
        #expect(told.count == 3)
    }

    @Test func `who can't consume leaves nothing of what was brought for him`() async throws {
        let room = try await Room()
        let here = try await room.core.createDirectTransport(on: room.id, worker: room.home)
        let mouth = try await room.core.produceData(on: here, ProduceDataOptions()).id
        let bare = try await room.inlet(on: room.other)
        await #expect {
            _ = try await room.core.consumeData(on: bare.id, ConsumeDataOptions(producer: mouth))
        } throws: {
            "\($0)" == "TypeError: missing sctpParameters.MIS"
        }
        #expect(await room.pipedProducers() == 0)
        await room.core.shutDown()
    }

    @Test func `a data producer that is piped to a router on several workers is heard on all of them`() async throws {
        let room = try await Room()
        let core = room.core
        let outside = try await core.createRouter(mediaCodecs: nil, spans: false)
        let direct = try await core.createDirectTransport(on: outside.id)
        let mouth = try await core.produceData(on: direct, ProduceDataOptions(label: "news"))
        let piped = try await core.pipe(mouth.id, to: room.id)
        var ears: [AsyncStream<DataMessage>] = []
        for worker in [room.home, room.other] {
            let transport = try await core.createDirectTransport(on: room.id, worker: worker)
            let consumer = try await core.consumeData(
                on: transport, ConsumeDataOptions(producer: mouth.id, subchannels: [7]))
            #expect(consumer.label == "news")
            ears.append(try await core.messages(of: consumer.id))
        }
        #expect(await room.pipedProducers() == 2)
        try await core.send(DataMessage("eight"), on: mouth.id, subchannels: [8], required: nil)
        try await core.send(DataMessage("seven"), on: mouth.id, subchannels: [7], required: 7)
        for ear in ears { #expect(texts(await ear.take(1)) == ["seven"]) }
        // What is behind the pipe goes with it.
        await core.close(piped.consumer.id)
        for ear in ears { #expect(await ear.take(1).isEmpty) }
        #expect(await eventually { await room.pipedProducers() == 0 })
        await core.shutDown()
    }
}
