import Base

/// Whether `body` comes to its end within a time; afterwards it is left to itself, for work that can't be cancelled.
///
/// A caller that was cancelled waits all the same: a gateway whose port is taken is cancelled, and ends in order too.
func finishes(
    within limit: Duration, on clock: any Clock<Duration> = ContinuousClock(),
    _ body: @escaping @Sendable () async -> Void
) async -> Bool {
    await Task { await outcome(of: body, within: limit, on: clock) }.value
}

private func outcome(
    of body: @escaping @Sendable () async -> Void, within limit: Duration, on clock: any Clock<Duration>
) async -> Bool {
    let (outcome, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingOldest(1))
    let work = Task {
        await body()
        continuation.yield(true)
    }
    let alarm = Task {
        try? await clock.sleep(for: limit)
        continuation.yield(false)
    }
    defer {
        alarm.cancel()
        work.cancel()
    }
    for await isFinished in outcome { return isFinished }
    // The stream has no end of its own.
    return false
}
