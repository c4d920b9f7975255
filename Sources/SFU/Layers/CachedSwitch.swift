import Base

/// Whether a change to another layer is made with the group of pictures that is cached, or with a key frame that the
/// source is asked for.
///
/// The group costs bandwidth (it is sent once more, in a burst) and the receiver time to decode it; asking costs a round
/// trip, and all other consumers of the stream a large picture more.
public struct CachedSwitch: Sendable, Hashable {
    /// A group older than this is as many pictures to decode before the newest is seen: 4 s at 30 pictures are 120,
    /// which a receiver that decodes at four times real time has done after a second.
    public var longest = Duration.seconds(4)
    /// How long a group may take on a path whose bandwidth is known: about what asking would take.
    public var slowest = Duration.milliseconds(500)

    public init() {}

    /// - Parameters:
    ///   - age: Of its key frame.
    ///   - bytes: Of all its packets up to now.
    ///   - bitsPerSecond: What the path has room for; nil: nobody knows.
    public func isWorthwhile(age: Duration, bytes: UInt64, bitsPerSecond: Int64?) -> Bool {
        guard age <= longest else { return false }
        guard let bitsPerSecond else { return true }
        guard bitsPerSecond > 0 else { return false }
        // In milliseconds: 8 × 1000 × 2⁴⁰ bytes still fit.
        return UInt64(clamping: slowest.nanoseconds / 1_000_000) * UInt64(bitsPerSecond) >= bytes &* 8000
    }
}
