import STUN

/// What changed, for whoever signals it and for the tables of a shared socket.
public enum ICEEvent: Sendable, Hashable {
    /// Packets from there are ours from now on.
    case tupleAdded(ICETuple)
    case tupleRemoved(ICETuple)
    /// Media leave through it now: mediasoup's `iceselectedtuplechange`.
    case tupleSelected(ICETuple)
    /// mediasoup's `icestatechange`; the selection that goes with it comes first.
    case stateChanged(ICEState)
    /// The client uses the new credentials: these, from before the restart, are over.
    case fragmentRetired(ICEUsernameFragment)
}

/// Events in order, in place: at most one for each tuple and the state. Without any, which is the rule, it costs a counter.
public struct ICEEvents: Sendable {
    static let capacity = ICELiteAgent.maximumTuples + 1
    private var events = InlineArray<9, ICEEvent?>(repeating: nil)
    public private(set) var count = 0

    init() {}

    mutating func append(_ event: ICEEvent) {
        precondition(count < Self.capacity, "more ICE events at once than there can be")
        events[count] = event
        count += 1
    }

    public var isEmpty: Bool { count == 0 }
}

extension ICEEvents: Sequence {
    public struct Iterator: IteratorProtocol {
        var events: ICEEvents
        var place = 0

        public mutating func next() -> ICEEvent? {
            guard place < events.count else { return nil }
            defer { place += 1 }
            return events.events[place]
        }
    }

    public func makeIterator() -> Iterator { Iterator(events: self) }
}

/// What became of one message.
public struct ICEAnswer: Sendable {
    public enum Verdict: Sendable, Hashable {
        /// The check is good.
        case accepted
        /// Answered with an error, unless that would be too many or too large.
        case refused(STUNErrorCode)
        case ignored(Reason)
    }

    public enum Reason: Sendable, Hashable {
        /// No STUN message, or one whose fingerprint is wrong.
        case malformed
        /// An indication or a response: we never ask.
        case noRequest
        /// One of too many from there.
        case limited
    }

    public var verdict: Verdict
    /// Bytes of the reply buffer that are to be sent back where the message came from; 0: none.
    public var replyLength = 0
    public var events = ICEEvents()

    init(_ verdict: Verdict) { self.verdict = verdict }
}

/// Whether a packet that is no STUN may come from there.
public enum ICEMediaVerdict: Sendable, Hashable {
    /// No client proved to be there: drop it.
    case unknownTuple
    case selected
    /// From another tuple of the client, which is the selected one from now on: tell whoever wants to know.
    case switched
}

/// Counts since the agent began.
public struct ICECounters: Sendable, Hashable {
    public var accepted: UInt64 = 0
    public var refused: UInt64 = 0
    public var ignored: UInt64 = 0
    /// Of these ignored for being too many.
    public var limited: UInt64 = 0
}
