import Base

/// Bytes of the last second in 20 steps; without allocation.
struct ByteWindow: Sendable {
    static let step: Int64 = 50_000_000
    private static let count: Int64 = 20

    private var steps = InlineArray<20, Int64>(repeating: 0)
    private var current: Int64?
    private var first: Int64 = 0
    private var sum: Int64 = 0

    init() {}

    mutating func add(_ bytes: Int, now: Int64) {
        move(to: now / Self.step)
        steps[Int((now / Self.step) % Self.count)] += Int64(bytes)
        sum += Int64(bytes)
    }

    /// Over the time that was watched so far, at least half a second, else nil.
    mutating func bitsPerSecond(now: Int64) -> Double? {
        guard current != nil else { return nil }
        move(to: now / Self.step)
        let watched = now - max(first, now / Self.step - Self.count + 1) * Self.step
        guard watched >= Self.step * Self.count / 2 else { return nil }
        return Double(sum) * 8e9 / Double(watched)
    }

    private mutating func move(to step: Int64) {
        guard let last = current else {
            (current, first) = (step, step)
            return
        }
        guard step > last else { return }
        if step - last >= Self.count {
            steps = InlineArray(repeating: 0)
            sum = 0
            // Silence is forgotten: what comes now is watched from now.
            first = step
        } else {
            for passed in last + 1...step {
                sum -= steps[Int(passed % Self.count)]
                steps[Int(passed % Self.count)] = 0
            }
        }
        current = step
    }
}
