import Base
import ORTC

/// The messages of a data consumer on a direct transport, as code of this process reads them.
///
/// Bounded: a reader that is too slow loses the messages that have no room, and they are counted. One reader.
final class DirectMessages: Sendable {
    private struct State {
        var messages: [DataMessage] = []
        /// The first that was not read yet.
        var next = 0
        var byteCount = 0
        var dropped: UInt64 = 0
        var hasFinished = false
        var waiting: CheckedContinuation<DataMessage?, Never>?

        var count: Int { messages.count - next }

        mutating func take() -> DataMessage? {
            guard next < messages.count else { return nil }
            let message = messages[next]
            next += 1
            byteCount -= message.payload.count
            // Half of it at once: messages move once on average, also for a reader that never has them all.
            if next * 2 >= messages.count {
                messages.removeFirst(next)
                next = 0
            }
            return message
        }
    }

    private let state = Locked(State())
    private let capacity: Int
    private let limit: Int

    /// - Parameters:
    ///   - capacity: Bytes that wait at most.
    ///   - limit: Messages that wait at most: each costs more than its bytes.
    init(capacity: Int = 1 << 20, limit: Int = 4096) {
        self.capacity = capacity
        self.limit = limit
    }

    /// Messages that had no room.
    var dropped: UInt64 { state.withLock { $0.dropped } }

    func add(_ message: DataMessage) {
        let waiting = state.withLock { state -> CheckedContinuation<DataMessage?, Never>? in
            guard !state.hasFinished else { return nil }
            if let waiting = state.waiting {
                state.waiting = nil
                return waiting
            }
            // One fits in any case, however long.
            if state.count > 0, state.byteCount + message.payload.count > capacity || state.count >= limit {
                state.dropped += 1
            } else {
                state.messages.append(message)
                state.byteCount += message.payload.count
            }
            return nil
        }
        waiting?.resume(returning: message)
    }

    /// The next one, at once or when it comes; nil: the data consumer has closed.
    func next() async -> DataMessage? {
        await withCheckedContinuation { continuation in
            let answer: DataMessage?? = state.withLock { state in
                if let message = state.take() { return message }
                if state.hasFinished || state.waiting != nil { return .some(nil) }
                state.waiting = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// What waits is still read.
    func finish() {
        let waiting = state.withLock { state in
            state.hasFinished = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: nil)
    }

    /// For its reader; it may stop reading at any time.
    var stream: AsyncStream<DataMessage> {
        AsyncStream(unfolding: { await self.next() }, onCancel: { self.finish() })
    }
}
