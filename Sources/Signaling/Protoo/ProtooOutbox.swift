import Base
import NIOCore

/// What is on its way to one client, in order and bounded: who doesn't read is cut off instead of being kept in memory.
final class ProtooOutbox: Sendable {
    enum Item: Sendable {
        case text(String)
        case ping
        case pong(ByteBuffer)
        /// The last one.
        case close(code: UInt16, reason: String)

        var size: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .ping: 2
            case .pong(let data): data.readableBytes + 2
            case .close: 0
            }
        }
    }

    private struct State {
        var waiting = 0
        var isClosed = false
    }

    /// One reader.
    let items: AsyncStream<Item>
    private let continuation: AsyncStream<Item>.Continuation
    private let state = Locked(State())
    private let limit: Int
    private let cutOff: @Sendable () -> Void

    /// - Parameters:
    ///   - limit: In bytes.
    ///   - cutOff: Ends the connection without a word: the client would not read it.
    init(limit: Int, cutOff: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.cutOff = cutOff
        (items, continuation) = AsyncStream.makeStream()
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Nothing happens when it is closed.
    func send(_ item: Item) {
        let isTooMuch = state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting += item.size
            guard state.waiting <= limit else {
                state.isClosed = true
                return true
            }
            continuation.yield(item)
            return false
        }
        guard isTooMuch else { return }
        continuation.finish()
        cutOff()
    }

    func written(_ item: Item) { state.withLock { $0.waiting -= item.size } }

    /// Says goodbye behind what waits; nothing more is taken. Idempotent.
    func close(code: UInt16, reason: String) {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        continuation.yield(.close(code: code, reason: reason))
        continuation.finish()
    }
}
