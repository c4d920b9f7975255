/// Packets that left as one burst, and how far apart two such groups left and came.
///
/// A path's queue shows in whole bursts, not in single packets: a frame's packets leave together and come one after
/// another at the bottleneck's rate (draft-ietf-rmcat-gcc-02 §5.2, §5.3). Times are nanoseconds of two clocks that need not
/// agree: the sender's and the receiver's.
struct PacketGroups: Sendable {
    /// Between the last two complete groups.
    struct Deltas: Sendable {
        var sent: Int64
        var arrived: Int64
    }

    /// 5 ms: packets that left within it are one group (GCC §5.2: burst_time).
    static let burst: Int64 = 5_000_000
    /// Packets queued behind each other are one group for at most 100 ms (libwebrtc: kMaxBurstDuration).
    static let maxBurst: Int64 = 100_000_000
    /// Groups that seem to come before the ones sent earlier: after three the clocks have jumped (libwebrtc).
    static let maxReordered = 3
    /// A group that takes 3 s longer than the receiver's own clock says: its time stamps have jumped.
    static let maxJump: Int64 = 3_000_000_000

    private struct Group {
        var firstSent: Int64
        var lastSent: Int64
        var firstArrived: Int64
        var lastArrived: Int64
        /// When the last of it was taken in, on our clock.
        var taken: Int64
    }

    private var current: Group?
    private var previous: Group?
    private var reordered = 0

    init() {}

    /// Adds a packet; when it begins a new group, tells how the group before it compares with the one before that.
    ///
    /// - Parameter now: our clock, which shows whether the two others have jumped.
    mutating func add(sent: Int64, arrived: Int64, now: Int64) -> Deltas? {
        guard var group = current else {
            begin(sent: sent, arrived: arrived, now: now)
            return nil
        }
        // Sent before this group began: its group is complete already.
        guard sent >= group.firstSent else { return nil }
        if isPart(of: group, sent: sent, arrived: arrived) {
            group.lastSent = max(group.lastSent, sent)
            group.lastArrived = arrived
            group.taken = now
            current = group
            return nil
        }
        let deltas = previous.flatMap { compare(group, with: $0) }
        // A jump of the clocks has forgotten everything.
        if current != nil { previous = current }
        begin(sent: sent, arrived: arrived, now: now)
        return deltas
    }

    private mutating func begin(sent: Int64, arrived: Int64, now: Int64) {
        current = Group(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived, taken: now)
    }

    private func isPart(of group: Group, sent: Int64, arrived: Int64) -> Bool {
        let sentLater = sent - group.lastSent
        if sentLater == 0 { return true }
        let arrivedLater = arrived - group.lastArrived
        // It came sooner behind the last than it was sent: both stood in a queue (GCC §5.2).
        if arrivedLater < sentLater, arrivedLater <= Self.burst, arrived - group.firstArrived < Self.maxBurst {
            return true
        }
        return sent - group.firstSent <= Self.burst
    }

    private mutating func compare(_ group: Group, with before: Group) -> Deltas? {
        let arrived = group.lastArrived - before.lastArrived
        if arrived - (group.taken - before.taken) >= Self.maxJump {
            (current, previous, reordered) = (nil, nil, 0)
            return nil
        }
        if arrived < 0 {
            reordered += 1
            if reordered >= Self.maxReordered { (current, previous, reordered) = (nil, nil, 0) }
            return nil
        }
        reordered = 0
        return Deltas(sent: group.lastSent - before.lastSent, arrived: arrived)
    }
}
