import Base
import MediaCore
import ORTC

/// The demo's bot: repeats to everybody what it is told. Clients of the demo expect its data producer when they join.
struct RoomBot: Sendable {
    let transport: TransportID
    let producer: RoomDataProducer

    /// Of what it hears and says, in bytes; the demo's.
    static let maximumMessageSize = 512
}

extension Room {
    /// Makes the bot when there is none: with the first client that has data channels. Nil: the core has none.
    func wakeBot() async {
        guard bot == nil, isOpen else { return }
        let making = botMaking ?? Task { await makeBot() }
        botMaking = making
        let made = await making.value
        if bot == nil { bot = made }
        botMaking = nil
    }

    private func makeBot() async -> RoomBot? {
        guard
            let transport = try? await core.createDirectTransport(
                on: router, maximumMessageSize: RoomBot.maximumMessageSize)
        else { return nil }
        do {
            let made = try await core.produceData(on: transport, ProduceDataOptions(label: DataChannelUse.bot))
            return RoomBot(
                transport: transport,
                producer: RoomDataProducer(
                    id: made.id, transport: transport, broadcaster: nil, type: made.type, stream: nil,
                    label: made.label, subprotocol: made.subprotocol, paused: false, channel: DataChannelUse.bot,
                    appData: [:]))
        } catch {
            await core.close(transport)
            return nil
        }
    }

    /// Ends with the data producer.
    func listenAsBot(to producer: DataProducerID) async {
        await wakeBot()
        guard let bot, dataProducers[producer] != nil,
            let ear = try? await core.consumeData(on: bot.transport, ConsumeDataOptions(producer: producer)),
            let messages = try? await core.messages(of: ear.id)
        else { return }
        for await message in messages { await answer(message, from: producer) }
    }

    /// Texts only; the empty one is none.
    private func answer(_ message: DataMessage, from producer: DataProducerID) async {
        guard message.ppid == DataMessage.text, let bot, let owner = dataProducers[producer]?.value.broadcaster else {
            return
        }
        let name = broadcasters[owner]?.value.card?.name(else: owner) ?? owner
        let text = String(decoding: message.payload, as: UTF8.self)
        // What becomes too long by that is not repeated.
        try? await core.send(DataMessage("\(name) said me: \"\(text)\""), on: bot.producer.id)
    }
}
