import Base
import Control
import Logging

/// The recording of a standing source's room, kept going for one life of that source.
///
/// One that ends while the source goes on (the disk was full, somebody finished it) is followed by another file.
struct StandingRecording: Sendable {
    /// A recording that was started.
    struct Life: Sendable {
        /// Ends after the final one.
        let statuses: AsyncStream<RecordingStatus>
        /// Returns when the file is complete.
        let finish: @Sendable () async -> Void
    }

    let request: RecordingRequest
    let start: @Sendable (RecordingRequest) async throws(ControlError) -> Life
    let clock: any Clock<Duration>
    let jitter: @Sendable () -> Double
    let logger: Logger
    /// The one that goes on; there may be none.
    private let current = Locked<Life?>(nil)

    init(
        _ request: RecordingRequest, start: @escaping @Sendable (RecordingRequest) async throws(ControlError) -> Life,
        clock: any Clock<Duration>, jitter: @escaping @Sendable () -> Double, logger: Logger
    ) {
        self.request = request
        self.start = start
        self.clock = clock
        self.jitter = jitter
        self.logger = logger
    }

    /// Until cancelled; then the recording that goes on is left as it is.
    /// - Parameter tried: Called when the first one stands, or could not be started: a full disk must not keep a source
    ///   out of its room.
    func keep(tried: @Sendable () -> Void) async {
        let ids: Logger.Metadata = ["room": "\(request.room)"]
        var delay = GrowingDelay()
        while !Task.isCancelled {
            var failure: String?
            let lasted = await clock.measure { failure = await record(tried) }
            guard !Task.isCancelled else { return }
            let pause: Duration
            if let failure {
                pause = delay.pause(after: lasted, jitter: jitter())
                logger.warning(
                    "a recording failed and is started again in \(pause.roundedSeconds) s: \(failure)", metadata: ids)
            } else {
                // Its tracks may have ended because the source did, which is known in a moment.
                pause = GrowingDelay.first
                logger.debug("a recording has ended, and its source may go on", metadata: ids)
            }
            guard (try? await clock.sleep(for: pause)) != nil else { return }
        }
    }

    /// Ends the recording that goes on, in order. Called when `keep` has returned.
    func finish() async { await current.withLock { $0 }?.finish() }

    /// One recording; why it failed, nil: it did not.
    private func record(_ tried: @Sendable () -> Void) async -> String? {
        // Not cancelled in its midst: what was started must be known, to be ended.
        let begun = await Task { [start, request] () -> Result<Life, ControlError> in
            do throws(ControlError) { return .success(try await start(request)) } catch { return .failure(error) }
        }.value
        tried()
        switch begun {
        case .failure(let error): return error.message
        case .success(let life):
            current.withLock { $0 = life }
            var last: RecordingStatus?
            for await status in life.statuses { last = status }
            switch last?.state {
            case .finished: current.withLock { $0 = nil }
            case .failed:
                current.withLock { $0 = nil }
                return last?.failure?.message ?? "no reason is known"
            // Cancelled while it goes on.
            case .armed, .starting, .running, .draining, nil: break
            }
            return nil
        }
    }
}
