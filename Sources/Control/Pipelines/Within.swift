import Base
import PipelineControl

/// Waits for `operation`, but no longer than `limit`: what comes later is thrown away.
///
/// Not a task group: that would wait for an operation that ignores its cancellation, and be the hang it is to prevent.
/// - Parameter what: Completes "… did not … within 5 s": "the room made no transport".
func within<Value: Sendable>(
    _ limit: Duration, on clock: any Clock<Duration>, _ what: String,
    _ operation: @escaping @Sendable () async throws -> Value
) async throws(PipelineFailure) -> Value {
    let result: Result<Value, PipelineFailure> = await withCheckedContinuation { continuation in
        let waiting = Locked<CheckedContinuation<Result<Value, PipelineFailure>, Never>?>(continuation)
        @Sendable func settle(_ result: Result<Value, PipelineFailure>) {
            let first = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            first?.resume(returning: result)
        }
        let timer = Task {
            guard (try? await clock.sleep(for: limit)) != nil else { return }
            settle(.failure(PipelineFailure(code: .refused, message: "\(what) within \(limit.seconds) s")))
        }
        Task {
            do {
                settle(.success(try await operation()))
            } catch {
                settle(.failure(PipelineFailure(refusal: error)))
            }
            timer.cancel()
        }
    }
    return try result.get()
}

extension PipelineFailure {
    /// What a room or the core said.
    init(refusal error: any Error) {
        switch error {
        case let failure as PipelineFailure: self = failure
        case let error as ControlError: self.init(code: .refused, message: error.message)
        default: self.init(code: .refused, message: "\(error)")
        }
    }
}
