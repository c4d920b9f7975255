import Base

/// Names a link between two engines of this process, and says on which of the driver's workers its ends are.
public struct LinkID: Sendable, Hashable {
    public var serial: UInt32
    public var source: UInt16
    public var sink: UInt16

    public init(serial: UInt32, source: UInt16, sink: UInt16) {
        (self.serial, self.source, self.sink) = (serial, source, sink)
    }
}

/// Something about a link has changed, and its other end is to look at it. Says nothing itself: what holds now stands in the
/// link, so that a note that comes late or twice does no harm.
public struct LinkNote: Sendable {
    public let link: MediaLink
    public let way: Way

    public enum Way: Sendable {
        /// From the producer to its receivers.
        case down
        case up
    }
}

/// A producer's way from one router to another within this process: what both engines know of it.
///
/// Packets don't go through it: the receiving engine reads them from the sender's logs (`LinkedLog`). Here stand the small
/// facts: which way is paused or over, which time timestamps mean, who wants a key frame.
public final class MediaLink: Sendable {
    public let id: LinkID
    /// One for each encoding.
    let logs: [LinkedLog]
    private let state: Locked<State>

    private struct State {
        /// The other end has been told to look, and has not looked yet.
        var isNotedDown = false
        var isNotedUp = false
        var down: Down
        var wantsKeyFrame: [Bool]
        var isClosed = false
    }

    /// What the producer's end says.
    struct Down: Sendable {
        var isPaused = false
        /// No packets come any more; those that were shown are still there.
        var hasEnded = false
        /// Of each encoding; nil: not known.
        var lines: [TimestampLine?]
        /// Of each encoding; nil: not seen yet.
        var scores: [UInt8?]
    }

    /// What the receiving end says.
    struct Up: Sendable {
        /// Of each encoding; since it was asked last.
        var wantsKeyFrame: [Bool]
        /// Nobody reads any more.
        var isClosed: Bool
    }

    init(id: LinkID, encodings: Int, isPaused: Bool) {
        self.id = id
        logs = (0..<encodings).map { _ in LinkedLog() }
        state = Locked(
            State(
                down: Down(
                    isPaused: isPaused, lines: Array(repeating: nil, count: encodings),
                    scores: Array(repeating: nil, count: encodings)),
                wantsKeyFrame: Array(repeating: false, count: encodings)))
    }

    // MARK: - The producer's end

    /// There is something to look at. True: the other end has to be told.
    func noteDown(_ change: (inout Down) -> Void = { _ in }) -> Bool {
        state.withLock { state in
            change(&state.down)
            defer { state.isNotedDown = true }
            return !state.isNotedDown
        }
    }

    func lookUp() -> Up {
        state.withLock { state in
            let up = Up(wantsKeyFrame: state.wantsKeyFrame, isClosed: state.isClosed)
            state.isNotedUp = false
            for encoding in state.wantsKeyFrame.indices { state.wantsKeyFrame[encoding] = false }
            return up
        }
    }

    // MARK: - The receiving end

    /// Before the packets are read, so that those that come meanwhile are noted again.
    func lookDown() -> Down {
        state.withLock { state in
            state.isNotedDown = false
            return state.down
        }
    }

    /// True: the other end has to be told.
    func wantKeyFrame(_ encoding: Int) -> Bool {
        state.withLock { state in
            guard state.wantsKeyFrame.indices.contains(encoding) else { return false }
            state.wantsKeyFrame[encoding] = true
            defer { state.isNotedUp = true }
            return !state.isNotedUp
        }
    }

    /// True: the other end has to be told.
    func close() -> Bool {
        for log in logs { log.finish() }
        return state.withLock { state in
            state.isClosed = true
            defer { state.isNotedUp = true }
            return !state.isNotedUp
        }
    }

    /// The original is gone.
    public var hasEnded: Bool { state.withLock { $0.down.hasEnded } }

    /// How often packets were lost, because the receiving end was a whole log behind.
    public var losses: UInt64 { logs.reduce(0) { $0 + $1.losses } }
}

/// An outgoing stream whose packets another engine of this process reads itself.
struct LinkOutlet {
    let link: MediaLink
    let encoding: Int
    var flow = PacketForwarder.Flow.stopped
}

/// A producer that another router sees under the same id.
struct LinkedProducer: Hashable, Sendable {
    var id: ProducerID
    var router: SlabIndex
}
