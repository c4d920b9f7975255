import Base
import PipelineWorker
import TestSupport
import Testing

/// A live source of a picture every 40 ms and sound every 20 ms, paced for a while on a virtual clock.
private struct LiveSource {
    /// Of the source's clock against ours.
    var drift = 0.0
    /// The path's delay at a time of the source, without jitter.
    var delay: (Duration) -> Duration = { _ in .milliseconds(20) }
    var jitter = Duration.milliseconds(15)
    var length = Duration.seconds(60)
    /// How much media is there at once at the start.
    var burst = Duration.zero

    struct Outcome {
        /// How long frames waited, by second of the run: the most.
        var waits: [Duration] = []
        /// Distances between sent pictures, after the first second.
        var steps: [Duration] = []
        /// How often a frame was more than 100 ms late, after the first second.
        var late = 0
        var lag = Duration.zero
    }

    func run(seed: UInt64) -> Outcome {
        var random = SeededGenerator(seed: seed)
        var outcome = Outcome()
        var pace = LivePace()
        // (media time, track) in order; arrival by the source's clock and the path.
        var lag = Duration.zero
        var lastSent: Instant?
        var lastArrival = Instant(nanoseconds: 0)
        let start = Instant(nanoseconds: 1_000_000_000)
        for tick in 0..<Int(length / .milliseconds(20)) {
            let time = Duration.milliseconds(20) * tick
            let made = max(.zero, time - burst) * (1 - drift)
            let noise = jitter * Double.random(in: 0..<1, using: &random)
            let arrival = max(lastArrival, start + made + delay(time) + noise)
            lastArrival = arrival
            lag += pace.advance(to: arrival)
            for track in tick % 2 == 0 ? [0, 1] : [1] {
                // Due as the ingest begins: the first frame at once.
                let due = start + delay(.zero) + lag + time
                pace.note(slack: due - arrival, track: track, at: arrival)
                let second = Int((arrival - start).seconds)
                while outcome.waits.count <= second { outcome.waits.append(.zero) }
                outcome.waits[second] = max(outcome.waits[second], due - arrival)
                guard time > .seconds(1) + burst else { continue }
                if arrival - due > .milliseconds(100) { outcome.late += 1 }
                guard track == 0 else { continue }
                let sent = max(due, arrival)
                if let lastSent { outcome.steps.append(sent - lastSent) }
                lastSent = sent
            }
        }
        outcome.lag = lag
        return outcome
    }
}

@Test(arguments: [200e-6, -200e-6, 0])
func `an hour of clock drift neither grows the queue nor bursts`(drift: Double) {
    let outcome = LiveSource(drift: drift, length: .seconds(3600)).run(seed: 1)
    #expect(outcome.waits.allSatisfy { $0 <= .milliseconds(100) }, "\(outcome.waits.max() ?? .zero)")
    #expect(outcome.late == 0)
    // 40 ms by the source's clock, give or take jitter and the gentle moves.
    #expect(outcome.steps.allSatisfy { $0 > .milliseconds(15) && $0 < .milliseconds(65) })
    // Due times followed the source: by 720 ms in the hour.
    #expect(abs(outcome.lag.seconds + drift * 3600) < 0.1, "\(outcome.lag)")
}

@Test func `a burst at the start does not delay for ever`() {
    let outcome = LiveSource(burst: .seconds(2)).run(seed: 2)
    #expect(outcome.waits.first.map { $0 > .seconds(1) } == true)
    #expect(outcome.waits.suffix(20).allSatisfy { $0 <= .milliseconds(100) }, "\(outcome.waits)")
    #expect(outcome.late == 0)
    // 10 % faster for a while: never a burst.
    #expect(outcome.steps.allSatisfy { $0 > .milliseconds(15) })
}

@Test func `a path that becomes longer for good moves due times once`() {
    let outcome = LiveSource(delay: { $0 > .seconds(20) ? .milliseconds(820) : .milliseconds(20) }).run(seed: 3)
    #expect(outcome.lag > .milliseconds(700) && outcome.lag < .milliseconds(1000), "\(outcome.lag)")
    // The second in which it was noticed: 75 frames of both tracks.
    #expect(outcome.late <= 120, "\(outcome.late)")
    #expect(outcome.waits.suffix(20).allSatisfy { $0 <= .milliseconds(150) })
}

@Test func `a path that becomes shorter is followed gently`() {
    let outcome = LiveSource(delay: { $0 > .seconds(10) ? .milliseconds(20) : .milliseconds(500) }).run(seed: 4)
    #expect(outcome.waits.suffix(10).allSatisfy { $0 <= .milliseconds(100) }, "\(outcome.waits)")
    #expect(outcome.late == 0)
}

@Test func `a backlog after a pause moves nothing`() {
    // Two seconds of silence, then everything at once.
    let outcome = LiveSource(delay: { time in
        let pause = Duration.seconds(20)...Duration.seconds(22)
        return pause.contains(time) ? .milliseconds(20) + (pause.upperBound - time) : .milliseconds(20)
    }).run(seed: 5)
    #expect(outcome.lag < .milliseconds(100), "\(outcome.lag)")
    #expect(outcome.waits.suffix(10).allSatisfy { $0 <= .milliseconds(100) })
}

@Test(arguments: [
    (0.0, 0.1), (1, 0.1), (2, 0.1), (10, 0.5), (60, 3), (600, 30), (86_400, 30),
])
func `the longer a source is away, the more rarely it is tried`(away: Double, exact: Double) {
    var random = SeededGenerator(seed: 11)
    let delays = (0..<1000).map { _ in RetrySchedule().delay(away: .seconds(away), using: &random).seconds }
    #expect(delays.allSatisfy { $0 >= exact * 0.8 - 1e-9 && $0 <= exact * 1.2 + 1e-9 })
    // Spread over the whole range: sources that failed together don't come back as one.
    #expect((delays.max() ?? 0) > exact * 1.15)
    #expect((delays.min() ?? 0) < exact * 0.85)
}

@Test func `a source that was away for ten seconds is tried again within 600 ms`() {
    var random = SeededGenerator(seed: 12)
    #expect(
        (0..<1000).allSatisfy { _ in RetrySchedule().delay(away: .seconds(10), using: &random) <= .milliseconds(600) })
}
