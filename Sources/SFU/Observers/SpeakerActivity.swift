import Base
import Glibc

/// How active one speaker is: levels of the last second, and what they say on three scales of time.
///
///     samples (20 ms)   50 levels       → immediate: the newest one, in 13 steps
///     medium (100 ms)   10 of 5 samples → how many of the 5 are loud (more than 7 steps)
///     long (1 s)        1 of 10 mediums → how many of the 10 are speech (more than 4 of their 5)
struct SpeakerActivity: Sendable {
    private static let steps = 13
    private static let samplesPerMedium = 5
    private static let mediumsPerLong = 10
    private static let loudStep = 7
    private static let speechSamples = 4

    /// Of a step, so that 127 makes 12 of them.
    private static let stepHeight = 10
    private static let leastScore = 1e-10
    private static let sample = Duration.milliseconds(20)
    /// Without packets for longer, silence is taken for granted.
    private static let idle = Duration.milliseconds(40)
    private static let gone = Duration.seconds(3600)
    /// Samples after which the floor of noise may rise: 15 s.
    private static let floorWindow = 750

    var isPaused: Bool
    private(set) var immediate = leastScore
    private(set) var medium = leastScore
    private(set) var long = leastScore

    /// The newest first; 0 is silence.
    private var levels = InlineArray<50, UInt8>(repeating: 0)
    /// The quietest level that is no silence: what is not clearly above it is noise.
    private var floor = 0
    private var nextFloor = 0
    private var nextFloorSamples = 0
    private var newest: Instant

    init(isPaused: Bool, now: Instant) {
        self.isPaused = isPaused
        newest = now
    }

    /// - Parameter loudness: 0 (silence) … 127.
    mutating func receive(loudness: UInt8, now: Instant) {
        guard now >= newest else { return }
        newest = now
        append(loudness)
        // Who is heard is there.
        isPaused = false
    }

    /// Where packets fail to come (discontinuous transmission) there was silence.
    mutating func passTime(until now: Instant, isDominant: Bool) {
        guard now - newest > Self.idle else { return }
        if now - newest > Self.gone, !isDominant {
            isPaused = true
            return
        }
        var left = 50
        while now - newest > Self.idle, left > 0 {
            newest = newest + Self.sample
            append(0)
            left -= 1
        }
        if left == 0 { newest = now - Self.idle }
    }

    private mutating func append(_ level: UInt8) {
        for place in stride(from: 49, to: 0, by: -1) { levels[place] = levels[place - 1] }
        levels[0] = level
        learnFloor(Int(level))
    }

    /// The floor falls at once, and rises to the geometric mean of itself and the least level of 15 s.
    private mutating func learnFloor(_ level: Int) {
        guard level > 0 else { return }
        if floor == 0 || level < floor {
            (floor, nextFloor, nextFloorSamples) = (level, 0, 0)
            return
        }
        nextFloor = nextFloor == 0 ? level : min(nextFloor, level)
        nextFloorSamples += 1
        guard nextFloorSamples >= Self.floorWindow else { return }
        floor = Int(Double(floor * nextFloor).squareRoot())
        (nextFloor, nextFloorSamples) = (0, 0)
    }

    /// Evaluates the three scales.
    mutating func judge() {
        var newestMedium = 0
        var speech = 0
        for place in 0..<Self.mediumsPerLong {
            var loud = 0
            for sample in 0..<Self.samplesPerMedium
            where step(place * Self.samplesPerMedium + sample) > Self.loudStep {
                loud += 1
            }
            if place == 0 { newestMedium = loud }
            if loud > Self.speechSamples { speech += 1 }
        }
        immediate = Self.score(step(0), of: Self.steps, likelihood: 0.78)
        medium = Self.score(newestMedium, of: Self.samplesPerMedium, likelihood: 24)
        long = Self.score(speech, of: Self.mediumsPerLong, likelihood: 47)
    }

    private func step(_ place: Int) -> Int {
        let level = Int(levels[place])
        return level < floor + Self.stepHeight ? 0 : level / Self.stepHeight
    }

    /// The log-likelihood ratio of speech and noise when `active` of `count` parts are: a binomial distribution of
    /// p = 0.5 against an exponential one of the given rate (Volfin and Cohen, equation 6).
    private static func score(_ active: Int, of count: Int, likelihood rate: Double) -> Double {
        var combinations = 1.0
        for part in 0..<min(active, count) { combinations *= Double(count - part) / Double(part + 1) }
        let score = log(combinations) + Double(count) * log(0.5) - log(rate) + rate * Double(active)
        return max(score, leastScore)
    }
}
