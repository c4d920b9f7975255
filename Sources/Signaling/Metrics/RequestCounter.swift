import Base

/// How many requests were answered, by the first digit of their status. A stream counts when it begins.
public final class RequestCounter: Sendable {
    /// 1…5; the other places stay empty.
    private let counts = Locked([UInt64](repeating: 0, count: 6))

    public init() {}

    func count(status: Int) {
        counts.withLock { $0[min(max(status / 100, 1), 5)] += 1 }
    }

    /// "2xx" with its number, and so on. Successes and errors are always there; what never happened otherwise is not.
    public var byClass: [(name: String, count: UInt64)] {
        let counts = counts.withLock { $0 }
        return counts.indices.dropFirst().compactMap { digit in
            counts[digit] > 0 || [2, 4, 5].contains(digit) ? ("\(digit)xx", counts[digit]) : nil
        }
    }
}
