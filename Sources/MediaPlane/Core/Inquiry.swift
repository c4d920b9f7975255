import Base

/// A question to something that may be stuck, asked for many who each wait only so long.
///
/// Never more than one is under way: who asks meanwhile waits for the same answer, so that asking again and again fills
/// no queue. An answer that nobody waits for any more is thrown away.
public final class Inquiry<Answer: Sendable>: Sendable {
    private struct Waiter {
        let continuation: CheckedContinuation<Answer?, Never>
        var timer: Task<Void, Never>?
    }

    private struct State {
        var isUnderWay = false
        var lastKey = 0
        var waiting: [Int: Waiter] = [:]
    }

    private let state = Locked(State())
    private let ask: @Sendable () async -> Answer

    public init(_ ask: @escaping @Sendable () async -> Answer) { self.ask = ask }

    /// The answer; nil when it did not come within the limit. Returns by then, whatever the answer waits for.
    public func answer(within limit: Duration) async -> Answer? {
        await withCheckedContinuation { continuation in
            let (key, mustAsk) = state.withLock { state in
                state.lastKey += 1
                state.waiting[state.lastKey] = Waiter(continuation: continuation)
                defer { state.isUnderWay = true }
                return (state.lastKey, !state.isUnderWay)
            }
            let timer = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                self.giveUp(key)
            }
            // The limit may be over already.
            let isKept = state.withLock { state in
                state.waiting[key]?.timer = timer
                return state.waiting[key] != nil
            }
            if !isKept { timer.cancel() }
            if mustAsk { Task { self.settle(await self.ask()) } }
        }
    }

    private func giveUp(_ key: Int) {
        state.withLock { $0.waiting.removeValue(forKey: key) }?.continuation.resume(returning: nil)
    }

    private func settle(_ answer: Answer) {
        let waiting = state.withLock { state in
            state.isUnderWay = false
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for waiter in waiting {
            waiter.timer?.cancel()
            waiter.continuation.resume(returning: answer)
        }
    }
}
