import Base

// The memory that cached groups of pictures take: each producer's is bounded by itself, and here all together.
extension MediaEngine {
    /// Without a group the history is cut when so much has come since the last time.
    private static var trimStep: UInt64 { 1 << 20 }

    /// A packet was kept, or the group forgotten: what the group takes now. Beyond the budget some are given up.
    mutating func countGroup(of stream: SlabIndex, now: Instant) {
        let bytes = streams[stream].gop.length(upTo: streams[stream].log.head)
        gopBytes += bytes - streams[stream].groupBytes
        streams[stream].groupBytes = bytes
        if gopBytes > configuration.gopBudget.totalBytes { giveUpGroups(now: now) }
        let isBare = streams[stream].groupBytes == 0
        if isBare, streams[stream].log.head - streams[stream].trimmed > Self.trimStep { trim(stream, now: now) }
    }

    /// Frees a quarter of the budget, so that not every packet leads here.
    private mutating func giveUpGroups(now: Instant) {
        let aim = configuration.gopBudget.totalBytes / 4 * 3
        for slot in 0..<streams.slotCount {
            guard let index = streams.index(ofSlot: slot), streams[index].gop.isTooOld(at: now) else { continue }
            giveUpGroup(of: index, now: now)
        }
        while gopBytes > aim, let largest = largestGroup { giveUpGroup(of: largest, now: now) }
    }

    private var largestGroup: SlabIndex? {
        var largest: SlabIndex?
        for slot in 0..<streams.slotCount {
            guard let index = streams.index(ofSlot: slot), streams[index].groupBytes > 0 else { continue }
            if streams[index].groupBytes > largest.map({ streams[$0].groupBytes }) ?? 0 { largest = index }
        }
        return largest
    }

    private mutating func giveUpGroup(of stream: SlabIndex, now: Instant) {
        streams[stream].gop.giveUp()
        gopBytes -= streams[stream].groupBytes
        streams[stream].groupBytes = 0
        trim(stream, now: now)
    }

    /// Keeps what may be asked for again, and what senders still have to read; the memory of the rest goes back.
    private mutating func trim(_ stream: SlabIndex, now: Instant) {
        let history = configuration.gopBudget.history
        var position = streams[stream].firstPosition(
            since: Instant(nanoseconds: now.nanoseconds - history.nanoseconds))
        for sender in streams[stream].senders where senders[sender].forwarder.flow == .running {
            position = min(position, senders[sender].forwarder.cursor)
        }
        streams[stream].log.forget(before: position)
        streams[stream].trimmed = streams[stream].log.head
    }
}
