import Base
import MediaCore
import MediaPlane
import ORTC
import TestSupport
import Testing

/// Data channels through the surface of the core, over real SCTP between sockets.
@Suite(.timeLimit(.minutes(10))) struct DataChannelTests {
    private func text(_ messages: [DataMessage]) -> [String] {
        messages.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    @Test(arguments: [false, true])
    func `messages go both ways between two transports, in order, on one worker or on two`(isSplit: Bool) async throws {
        try await DataStage.run(isSplit: isSplit) { stage in
            #expect(stage.core.worker(of: stage.right.id) == (isSplit ? stage.room.other : stage.room.home))
            #expect(stage.left.sctpParameters?.streams == SCTPStreamCounts())
            #expect(stage.left.sctpParameters?.isDataChannel == false)
            try await stage.connect()
            let there = try await stage.line(from: stage.left.id, to: stage.right.id, label: "there")
            let back = try await stage.line(from: stage.right.id, to: stage.left.id, label: "back")
            for number in 0..<100 {
                try await stage.core.send(DataMessage("there \(number)"), on: there.mouth)
                try await stage.core.send(DataMessage("back \(number)"), on: back.mouth)
            }
            #expect(text(await there.ear.take(100)) == (0..<100).map { "there \($0)" })
            #expect(text(await back.ear.take(100)) == (0..<100).map { "back \($0)" })
            let stats = try await stage.core.stats(there.consumer.id).arrayValue?.first
            #expect(stats?["messagesSent"] == 100 && stats?["label"] == "there")
            #expect(try await stage.core.stats(stage.left.id).arrayValue?.first?["sctpState"] == "connected")
        }
    }

    @Test(arguments: [false, true])
    func `texts, bytes, empty ones and one of 200 kB arrive as what they are`(isSplit: Bool) async throws {
        try await DataStage.run(isSplit: isSplit) { stage in
            try await stage.connect()
            let line = try await stage.line(from: stage.left.id, to: stage.right.id, label: "x")
            let sent = [
                DataMessage("grüße"), DataMessage([UInt8]([0, 255])), DataMessage(""), DataMessage([UInt8]()),
                DataMessage((0..<200_000).map { UInt8($0 % 251) }),
            ]
            for message in sent { try await stage.core.send(message, on: line.mouth) }
            #expect(await line.ear.take(5) == sent)
        }
    }

    @Test(arguments: [false, true])
    func `a data producer that closes takes its data consumers along, wherever they are`(isSplit: Bool) async throws {
        try await DataStage.run(isSplit: isSplit) { stage in
            let mouth = try await stage.core.produceData(on: stage.direct, ProduceDataOptions()).id
            let far = try await stage.core.consumeData(on: stage.right.id, ConsumeDataOptions(producer: mouth)).id
            let near = try await stage.core.consumeData(on: stage.direct, ConsumeDataOptions(producer: mouth)).id
            let ear = try await stage.core.messages(of: near)
            let before = stage.core.objectCount
            await stage.core.close(mouth)
            for consumer in [far, near] {
                #expect(await stage.events.has(.dataConsumerClosed(consumer, .dataProducerClosed)))
            }
            #expect(await ear.take(1).isEmpty)
            #expect(stage.core.objectCount == before - 3)
            await #expect(throws: MediaCoreError.self) { try await stage.core.stats(far) }
        }
    }

    @Test(arguments: [false, true])
    func `a transport that closes says so of what it carried, and elsewhere the data producer has closed`(isSplit: Bool)
        async throws
    {
        try await DataStage.run(isSplit: isSplit) { stage in
            let producer = try await stage.core.produceData(
                on: stage.left.id, ProduceDataOptions(stream: SCTPStreamParameters(streamID: 3))
            ).id
            let own = try await stage.core.consumeData(on: stage.left.id, ConsumeDataOptions(producer: producer)).id
            let far = try await stage.core.consumeData(on: stage.right.id, ConsumeDataOptions(producer: producer)).id
            await stage.core.close(stage.left.id)
            #expect(await stage.events.has(.dataConsumerClosed(far, .dataProducerClosed)))
            #expect(await stage.events.has(.dataProducerClosed(producer)))
            #expect(await stage.events.has(.dataConsumerClosed(own, .transportClosed)))
            await stage.core.close(stage.room.id)
            #expect(await stage.events.has(.transportClosed(stage.right.id)))
            #expect(stage.core.objectCount == 0)
        }
    }

    @Test(arguments: [false, true])
    func `pause and resume of a data producer reach its data consumers, and nothing passes meanwhile`(isSplit: Bool)
        async throws
    {
        try await DataStage.run(isSplit: isSplit) { stage in
            try await stage.connect()
            let line = try await stage.line(from: stage.right.id, to: stage.left.id, label: "x")
            try await stage.core.pause(line.mouth)
            #expect(await stage.events.has(.dataConsumerProducerPaused(line.consumer.id, true)))
            try await stage.core.send(DataMessage("lost"), on: line.mouth)
            try await stage.core.resume(line.mouth)
            #expect(await stage.events.has(.dataConsumerProducerPaused(line.consumer.id, false)))
            let witness = try await stage.core.consumeData(
                on: stage.right.id, ConsumeDataOptions(producer: line.mouth))
            try await stage.core.pause(line.consumer.id)
            try await stage.core.send(DataMessage("lost, too"), on: line.mouth)
            // Behind that message, on whatever worker it is dealt with.
            let isDealtWith = await eventually {
                let stats = try? await stage.core.stats(witness.id).arrayValue?.first
                return stats?["messagesSent"] == 1
            }
            #expect(isDealtWith)
            try await stage.core.resume(line.consumer.id)
            try await stage.core.send(DataMessage("heard"), on: line.mouth)
            #expect(text(await line.ear.take(1)) == ["heard"])
            let late = try await stage.core.consumeData(
                on: stage.right.id, ConsumeDataOptions(producer: line.mouth, paused: true))
            #expect(late.paused && !late.producerPaused)
        }
    }

    @Test(arguments: [false, true])
    func `a data consumer inherits how hard is tried, and may choose otherwise`(isSplit: Bool) async throws {
        try await DataStage.run(isSplit: isSplit) { stage in
            let limited = try await stage.core.produceData(
                on: stage.left.id,
                ProduceDataOptions(
                    stream: SCTPStreamParameters(streamID: 0, maxRetransmits: 1), label: "chat", subprotocol: "p"))
            let heir = try await stage.core.consumeData(
                on: stage.right.id, ConsumeDataOptions(producer: limited.id))
            #expect(heir.stream?.ordered == false && heir.stream?.maxRetransmits == 1)
            #expect(heir.label == "chat" && heir.subprotocol == "p" && heir.type == .sctp)
            let free = try await stage.core.consumeData(
                on: stage.right.id, ConsumeDataOptions(producer: limited.id, maxRetransmits: 0))
            #expect(free.stream?.maxRetransmits == nil && free.stream?.streamID == 1)
            await #expect {
                _ = try await stage.core.consumeData(
                    on: stage.right.id, ConsumeDataOptions(producer: limited.id, maxPacketLifeTime: 5))
            } throws: {
                "\($0)" == "TypeError: cannot provide both maxPacketLifeTime and maxRetransmits"
            }
        }
    }

    @Test func `messages for subchannels go to those who listen there, on both workers`() async throws {
        try await DataStage.run(isSplit: true) { stage in
            let mouth = try await stage.core.produceData(on: stage.direct, ProduceDataOptions()).id
            let elsewhere = try await stage.core.createDirectTransport(on: stage.room.id, worker: stage.room.other)
            var ears: [AsyncStream<DataMessage>] = []
            for (transport, channels) in [(stage.direct, [1, 2]), (elsewhere, [2, 3]), (elsewhere, [])] {
                let consumer = try await stage.core.consumeData(
                    on: transport, ConsumeDataOptions(producer: mouth, subchannels: Set(channels.map { UInt16($0) })))
                ears.append(try await stage.core.messages(of: consumer.id))
            }
            for (word, channels, required) in [
                ("one", [1], nil), ("three", [3], nil), ("both", [2], nil), ("required", [], UInt16(3)),
                ("all", [], nil),
            ] as [(String, [UInt16], UInt16?)] {
                try await stage.core.send(DataMessage(word), on: mouth, subchannels: channels, required: required)
            }
            #expect(text(await ears[0].take(3)) == ["one", "both", "all"])
            #expect(text(await ears[1].take(4)) == ["three", "both", "required", "all"])
            #expect(text(await ears[2].take(1)) == ["all"])
        }
    }

    @Test func `a reader that is slow loses what has no room, is told how many, and goes on with what comes later`()
        async throws
    {
        try await DataStage.run { stage in
            let mouth = try await stage.core.produceData(on: stage.direct, ProduceDataOptions()).id
            let consumer = try await stage.core.consumeData(on: stage.direct, ConsumeDataOptions(producer: mouth))
            let ear = try await stage.core.messages(of: consumer.id)
            func dropped() async throws -> JSONValue? {
                try await stage.core.stats(consumer.id).arrayValue?.first?["messagesDropped"]
            }
            // Never empty, and read of all the while: what was read takes no room.
            try await stage.core.send(DataMessage("first"), on: mouth)
            for round in 0..<50 {
                for number in 0..<100 { try await stage.core.send(DataMessage("\(round).\(number)"), on: mouth) }
                #expect(await ear.take(100).count == 100)
            }
            #expect(try await dropped() == nil)
            #expect(text(await ear.take(1)) == ["49.99"])
            // 4,096 wait at most.
            for number in 0..<4100 { try await stage.core.send(DataMessage("\(number)"), on: mouth) }
            #expect(try await dropped() == 4)
            #expect(text(await ear.take(4096)).last == "4095")
            try await stage.core.send(DataMessage("later"), on: mouth)
            #expect(text(await ear.take(1)) == ["later"])
        }
    }

    @Test func `what can't be is refused in mediasoup's words`() async throws {
        try await DataStage.run { stage in
            let bare = try await stage.core.createPlainTransport(on: stage.room.id, PlainTransportOptions())
            #expect(bare.sctpParameters == nil)
            func refusal(_ body: () async throws -> Void) async -> String {
                do { try await body() } catch { return "\(error)" }
                return ""
            }
            let stream = try SCTPStreamParameters(streamID: 0)
            #expect(
                await refusal {
                    _ = try await stage.core.produceData(on: bare.id, ProduceDataOptions(stream: stream))
                } == "Error: SCTP not enabled and not a direct Transport [method:transport.produceData]")
            let mouth = try await stage.core.produceData(on: stage.direct, ProduceDataOptions()).id
            #expect(
                await refusal { _ = try await stage.core.consumeData(on: bare.id, ConsumeDataOptions(producer: mouth)) }
                    == "TypeError: missing sctpParameters.MIS")
            #expect(
                await refusal {
                    _ = try await stage.core.consumeData(
                        on: stage.left.id, ConsumeDataOptions(producer: DataProducerID(rawValue: "x")))
                } == "Error: DataProducer with id \"x\" not found")
            let taken = DataProducerID(rawValue: "mine")
            for transport in [stage.left.id, stage.right.id] {
                let reason = await refusal {
                    _ = try await stage.core.produceData(on: transport, ProduceDataOptions(stream: stream, id: taken))
                }
                #expect(
                    reason
                        == (transport == stage.left.id
                            ? "" : "TypeError: a DataProducer with same id \"mine\" already exists"))
            }
        }
    }

    @Test func `a WebRTC transport tells its SCTP when it has one`() async throws {
        try await DataStage.run { stage in
            let options = WebRTCTransportOptions(
                sctp: SCTPOptions(streams: SCTPStreamCounts(outgoing: 16, incoming: 32)))
            let made = try await stage.core.createWebRTCTransport(on: stage.room.id, options)
            #expect(
                made.sctpParameters?.json == [
                    "port": 5000, "OS": 16, "MIS": 32, "maxMessageSize": 262_144, "sendBufferSize": 262_144,
                    "sctpBufferedAmount": 0, "isDataChannel": true,
                ])
            #expect(try await stage.core.dump(made.id)["sctpParameters"] == made.sctpParameters?.json)
            let without = try await stage.core.createWebRTCTransport(on: stage.room.id, WebRTCTransportOptions())
            #expect(without.sctpParameters == nil)
        }
    }
}
