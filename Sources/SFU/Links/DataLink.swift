import Base
import ORTC

/// A data producer's way from one router to another within this process: what both engines know of it.
///
/// Messages and what happens to the data producer stand in it in their order, until the receiving end takes them.
public final class DataLink: Sendable {
    /// What the producer's end says.
    enum Item: Sendable {
        case message(DataMessage, subchannels: [UInt16], required: UInt16?)
        case paused(Bool)
        /// Nothing comes any more.
        case ended

        /// In bytes, roughly.
        fileprivate var size: Int {
            switch self {
            case .message(let message, let subchannels, _): message.payload.count + 2 * subchannels.count + 128
            case .paused, .ended: 0
            }
        }
    }

    enum Receipt {
        /// The other end has to be told.
        case isFirst
        /// It was told, and has not looked yet; or nobody listens any more.
        case isKept
        /// A message that had no room.
        case isLost
    }

    public let id: LinkID
    /// How hard was tried for the original's messages; nil: it is code of this process.
    let stream: SCTPStreamParameters?

    private struct State {
        var items: [Item] = []
        var size = 0
        var hasEnded = false
        var isClosed = false
    }

    /// What may wait for an end that does not look, in bytes.
    static let capacity = 64 << 20

    private let state = Locked(State())

    init(id: LinkID, stream: SCTPStreamParameters?) { (self.id, self.stream) = (id, stream) }

    // MARK: - The producer's end

    func add(_ item: Item) -> Receipt {
        state.withLock { state in
            if case .ended = item { state.hasEnded = true }
            if state.isClosed { return .isKept }
            let size = item.size
            // One fits in any case, however long.
            if size > 0, state.size > 0, state.size + size > Self.capacity { return .isLost }
            state.items.append(item)
            state.size += size
            return state.items.count == 1 ? .isFirst : .isKept
        }
    }

    /// Nobody listens any more.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    // MARK: - The receiving end

    func take() -> [Item] {
        state.withLock { state in
            defer { (state.items, state.size) = ([], 0) }
            return state.items
        }
    }

    /// True: the other end has to be told.
    func close() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            (state.items, state.size) = ([], 0)
            return !state.isClosed
        }
    }

    /// The original is gone, or its end of the pipe.
    public var hasEnded: Bool { state.withLock { $0.hasEnded } }
}

/// There is something to look at at the other end of a link.
public struct DataLinkNote: Sendable {
    public let link: DataLink
    public let way: LinkNote.Way
}

/// A data producer that another router sees under the same id.
struct LinkedDataProducer: Hashable, Sendable {
    var id: DataProducerID
    var router: SlabIndex
}
