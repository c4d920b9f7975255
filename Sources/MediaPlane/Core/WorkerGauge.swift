import Base
import Synchronization

/// What one worker tells the others of its load: it writes, anybody reads, and nobody waits for a loop that is stuck.
final class WorkerGauge: Sendable {
    /// A share of a core that is older is none: a loop without packets and timers sleeps, and says nothing.
    private static let lifetime = Duration.seconds(3)

    private let shareBits = Atomic<UInt64>(0)
    private let told = Atomic<Int64>(.min / 2)
    private let consumerCount = Atomic<Int>(0)

    /// - Parameter share: Of a core.
    func tell(share: Double, now: Instant) {
        shareBits.store(share.bitPattern, ordering: .relaxed)
        told.store(now.nanoseconds, ordering: .relaxed)
    }

    func tell(consumers: Int) { consumerCount.store(consumers, ordering: .relaxed) }

    /// The share of a core that the traffic takes.
    func share(now: Instant) -> Double {
        let age = now.nanoseconds - told.load(ordering: .relaxed)
        return age > Self.lifetime.nanoseconds ? 0 : Double(bitPattern: shareBits.load(ordering: .relaxed))
    }

    var consumers: Int { consumerCount.load(ordering: .relaxed) }
}
