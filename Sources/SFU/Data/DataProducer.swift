import Base
import ORTC

/// Messages that come in on one stream of a transport, or from code of this process.
struct DataProducer: Sendable {
    let id: DataProducerID
    let transport: SlabIndex
    let type: DataType
    let stream: SCTPStreamParameters?
    let label: String
    let subprotocol: String
    var paused: Bool
    /// It comes from another router of this process.
    var link: DataLink?
    /// It was brought here for those who want it, and goes with the last of them.
    var closesWhenUnused = false
    /// In order of creation.
    var consumers: [SlabIndex] = []
    var messagesReceived: UInt64 = 0
    var bytesReceived: UInt64 = 0

    init(_ setup: DataProducerSetup, on transport: SlabIndex, _ type: DataType) {
        id = setup.id
        self.transport = transport
        self.type = type
        stream = type == .sctp ? setup.stream : nil
        (label, subprotocol, paused) = (setup.label, setup.subprotocol, setup.paused)
    }

    /// What its data consumers inherit: the original's.
    var inheritedStream: SCTPStreamParameters? { stream ?? link?.stream }

    var state: DataProducerState {
        DataProducerState(
            id: id, type: type, stream: stream, label: label, subprotocol: subprotocol, paused: paused)
    }
}

/// Messages of a data producer that go out on one stream of a transport, or to code of this process.
struct DataConsumer: Sendable {
    let id: DataConsumerID
    let producerID: DataProducerID
    let producer: SlabIndex
    let transport: SlabIndex
    let type: DataType
    let stream: SCTPStreamParameters?
    let label: String
    let subprotocol: String
    var paused: Bool
    var producerPaused: Bool
    var subchannels: Set<UInt16>
    /// It takes everything to another router of this process, for whom it is.
    var link: DataLink?
    var messagesSent: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Of the whole association, as mediasoup has it.
    var bufferedAmount = 0
    var lowThreshold = 0

    /// Messages go through.
    var isActive: Bool { !paused && !producerPaused }

    /// Whether a message for some of the subchannels is for this one.
    func listens(to subchannels: [UInt16], required: UInt16?) -> Bool {
        if link != nil { return true }
        if let required, !self.subchannels.contains(required) { return false }
        return subchannels.isEmpty || subchannels.contains { self.subchannels.contains($0) }
    }

    var state: DataConsumerState {
        DataConsumerState(
            id: id, producer: producerID, type: type, stream: stream, label: label, subprotocol: subprotocol,
            paused: paused, producerPaused: producerPaused, subchannels: subchannels)
    }
}
