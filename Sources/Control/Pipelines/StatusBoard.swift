import Base

/// The present status of one thing, and everybody who wants to hear of each change.
///
/// A reader that is slow gets the newest: statuses are whole, not steps.
final class StatusBoard<Status: Sendable>: Sendable {
    private struct State {
        var status: Status
        var isFinal = false
        var readers: [Int: AsyncStream<Status>.Continuation] = [:]
        var lastReader = 0
    }

    private let state: Locked<State>

    init(_ status: Status) { state = Locked(State(status: status)) }

    var status: Status { state.withLock { $0.status } }
    var isFinal: Bool { state.withLock { $0.isFinal } }

    /// Changes the status and tells the readers; nothing changes after the final one.
    func update(final: Bool = false, _ change: (inout Status) -> Void) {
        let readers = state.withLock { state in
            guard !state.isFinal else { return [AsyncStream<Status>.Continuation]() }
            change(&state.status)
            state.isFinal = final
            // Under the lock, so that readers get statuses in their order.
            for reader in state.readers.values { reader.yield(state.status) }
            guard final else { return [] }
            defer { state.readers = [:] }
            return Array(state.readers.values)
        }
        // Not under the lock: `finish` calls `onTermination`, and that takes it.
        for reader in readers { reader.finish() }
    }

    /// The present status at once, then each change; ends after the final one.
    func changes() -> AsyncStream<Status> {
        // 16: all states, were nobody to read at all, and some progress between them.
        let (stream, continuation) = AsyncStream.makeStream(of: Status.self, bufferingPolicy: .bufferingNewest(16))
        state.withLock { state in
            continuation.yield(state.status)
            guard !state.isFinal else {
                continuation.finish()
                return
            }
            state.lastReader += 1
            let key = state.lastReader
            state.readers[key] = continuation
            continuation.onTermination = { [weak self] _ in self?.forget(key) }
        }
        return stream
    }

    /// Returns when the final status is there.
    func ended() async -> Status {
        for await _ in changes() {}
        return status
    }

    private func forget(_ key: Int) {
        // Taken out under the lock and let go outside of it.
        let reader = state.withLock { $0.readers.removeValue(forKey: key) }
        _ = reader
    }
}
