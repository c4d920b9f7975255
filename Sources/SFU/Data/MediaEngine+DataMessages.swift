import Base
import ORTC
import SCTP

// Messages on their way from data producers to data consumers.
extension MediaEngine {
    /// A message into a data producer on a direct transport.
    /// - Parameters:
    ///   - subchannels: Not empty: only consumers that have one of them get it.
    ///   - required: Only consumers that have it get it.
    public mutating func send(
        _ message: DataMessage, on id: DataProducerID, subchannels: [UInt16] = [], required: UInt16? = nil,
        now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "dataProducer.send")
        guard dataProducers[index].type == .direct else {
            throw SFUError(.failed, "not allowed for a DataProducer on SCTP [method:dataProducer.send]")
        }
        let limit = transports[dataProducers[index].transport].maximumMessage
        guard message.payload.count <= limit else {
            throw .invalid(
                "a message of \(message.payload.count) bytes; \(limit) are allowed [method:dataProducer.send]")
        }
        take(message, of: index, subchannels: subchannels, required: required, now: now, into: &out)
    }

    /// A message of our own to the remote side of one data consumer.
    public mutating func send(
        _ message: DataMessage, to id: DataConsumerID, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "dataConsumer.send")
        guard dataConsumers[index].type == .sctp else {
            throw SFUError(.failed, "not allowed for a direct DataConsumer [method:dataConsumer.send]")
        }
        let limit = transports[dataConsumers[index].transport].maximumMessage
        guard message.payload.count <= limit else {
            throw .invalid(
                "a message of \(message.payload.count) bytes; \(limit) are allowed [method:dataConsumer.send]")
        }
        deliver(message, to: index, now: now, into: &out)
    }

    /// A message has come in.
    mutating func take(
        _ message: DataMessage, of producer: SlabIndex, subchannels: [UInt16] = [], required: UInt16? = nil,
        now: Instant, into out: inout Outbox
    ) {
        dataProducers[producer].messagesReceived += 1
        dataProducers[producer].bytesReceived += UInt64(message.payload.count)
        // Counted, as mediasoup does, and thrown away.
        guard !dataProducers[producer].paused else { return }
        for place in dataProducers[producer].consumers.indices {
            let consumer = dataProducers[producer].consumers[place]
            guard dataConsumers[consumer].isActive,
                dataConsumers[consumer].listens(to: subchannels, required: required)
            else { continue }
            if let link = dataConsumers[consumer].link {
                pass(message, subchannels: subchannels, required: required, over: link, consumer, into: &out)
            } else {
                deliver(message, to: consumer, now: now, into: &out)
            }
        }
    }

    private mutating func deliver(
        _ message: DataMessage, to consumer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let transport = dataConsumers[consumer].transport
        guard message.payload.count <= transports[transport].maximumMessage else { return }
        if let link = transports[transport].sctp {
            send(message, on: link, for: consumer, now: now, into: &out)
            return
        }
        count(message, consumer)
        out.report(.dataConsumerMessage(dataConsumers[consumer].id, message))
    }

    func reliability(of stream: SCTPStreamParameters) -> SCTPReliability {
        if let milliseconds = stream.maxPacketLifeTime {
            return .lifetime(milliseconds: UInt32(clamping: milliseconds))
        }
        if let count = stream.maxRetransmits { return .retransmissions(UInt32(clamping: count)) }
        return .reliable
    }

    mutating func count(_ message: DataMessage, _ consumer: SlabIndex) {
        dataConsumers[consumer].messagesSent += 1
        dataConsumers[consumer].bytesSent += UInt64(message.payload.count)
    }
}
