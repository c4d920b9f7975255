/// What objects are made of beside themselves, and the tables that lead to them: all of it has to go with them.
public struct EngineParts: Sendable, Hashable {
    public var streams = 0
    public var senders = 0
    public var observers = 0
    /// Ends of links within this process, of both kinds, and the names that they are found by.
    public var linkEnds = 0
    public var sockets = 0
    /// Streams that a flush would look at.
    public var listed = 0
    public var gopBytes = 0
    /// Outgoing streams that SRTP keeps something for.
    public var protectedStreams = 0

    public init(
        streams: Int = 0, senders: Int = 0, observers: Int = 0, linkEnds: Int = 0, sockets: Int = 0, listed: Int = 0,
        gopBytes: Int = 0, protectedStreams: Int = 0
    ) {
        (self.streams, self.senders, self.observers) = (streams, senders, observers)
        (self.linkEnds, self.sockets) = (linkEnds, sockets)
        (self.listed, self.gopBytes, self.protectedStreams) = (listed, gopBytes, protectedStreams)
    }
}

extension MediaEngine {
    public var parts: EngineParts {
        EngineParts(
            streams: streams.count, senders: senders.count, observers: observers.count,
            linkEnds: consumerByLink.count + producerByLink.count + linkedProducers.count
                + dataConsumerByLink.count + dataProducerByLink.count + linkedDataProducers.count,
            sockets: transportBySocket.count, listed: listed.count, gopBytes: gopBytes,
            protectedStreams: protectedStreams)
    }

    private var protectedStreams: Int {
        (0..<transports.slotCount).reduce(0) { sum, slot in
            guard let index = transports.index(ofSlot: slot) else { return sum }
            return sum + transports[index].outgoingProtectedStreams
        }
    }
}

extension Transport {
    fileprivate var outgoingProtectedStreams: Int {
        switch security {
        case .none: 0
        case .some(let security): security.outgoingStreams
        }
    }
}
