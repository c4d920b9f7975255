/// What a receiver of a simple stream was not given since its start, so that a repaired packet from before finds its
/// number. Streams without skipped packets have none of this.
struct SkippedPackets: Sendable {
    /// Of the start: packets with lower indexes were never this receiver's.
    let first: UInt64
    var removed: RemovedIndexes

    init(first: UInt64, newest: UInt64) {
        self.first = first
        removed = RemovedIndexes(newest: newest)
    }
}
