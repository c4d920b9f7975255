/// Which packets of one sender were received, by index: the last 1,024 (mediasoup's size), and nothing older passes.
///
/// RFC 3711 §3.3.2. Nothing is marked before a packet is authenticated.
struct ReplayWindow: Sendable {
    static let size: UInt64 = 1024

    /// The highest authenticated index.
    private(set) var highest: UInt64
    /// One bit for each index from `highest` back; place: index modulo the size.
    private var seen = InlineArray<16, UInt64>(repeating: 0)

    init(first: UInt64) {
        highest = first
        set(first)
    }

    func check(_ index: UInt64) throws(SRTPError) {
        if index > highest { return }
        guard highest - index < Self.size else { throw .tooOld }
        let place = Int(index % Self.size)
        guard seen[place >> 6] & (1 << UInt64(place & 63)) == 0 else { throw .replayed }
    }

    mutating func mark(_ index: UInt64) {
        if index > highest {
            if index - highest >= Self.size {
                seen = InlineArray(repeating: 0)
            } else {
                for skipped in highest + 1...index { clear(skipped) }
            }
            highest = index
        }
        set(index)
    }

    /// The index of a sequence number, as the one nearest to the highest (RFC 3711 §3.3.1 and appendix A). Below the
    /// first wrap there is nothing to go back to.
    func estimate(_ sequenceNumber: UInt16) -> UInt64 {
        let last = UInt16(truncatingIfNeeded: highest)
        var rollover = highest >> 16
        if last < 32_768 {
            if sequenceNumber > last, sequenceNumber - last > 32_768, rollover > 0 { rollover -= 1 }
        } else if sequenceNumber < last - 32_768 {
            rollover += 1
        }
        return rollover << 16 | UInt64(sequenceNumber)
    }

    private mutating func set(_ index: UInt64) {
        let place = Int(index % Self.size)
        seen[place >> 6] |= 1 << UInt64(place & 63)
    }

    private mutating func clear(_ index: UInt64) {
        let place = Int(index % Self.size)
        seen[place >> 6] &= ~(1 << UInt64(place & 63))
    }
}

/// The windows of all senders under one key.
///
/// A sender is remembered after its first authenticated packet, so nobody without the key can fill the table. When it is
/// full, the one that was silent for longest is forgotten.
struct ReplayTable: Sendable {
    private struct Source: Sendable {
        var ssrc: UInt32
        var window: ReplayWindow
        /// When it was heard last, counted in packets.
        var heard: UInt64
    }

    private let capacity: Int
    private var places: [UInt32: Int] = [:]
    private var sources: [Source] = []
    private var packets: UInt64 = 0
    /// The last one that was looked up: mostly the next one, too.
    private var lastPlace = 0

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    var count: Int { sources.count }

    /// Nil: not heard of yet.
    mutating func place(of ssrc: UInt32) -> Int? {
        if lastPlace < sources.count, sources[lastPlace].ssrc == ssrc { return lastPlace }
        guard let place = places[ssrc] else { return nil }
        lastPlace = place
        return place
    }

    func estimate(_ sequenceNumber: UInt16, at place: Int?) -> UInt64 {
        guard let place else { return UInt64(sequenceNumber) }
        return sources[place].window.estimate(sequenceNumber)
    }

    func check(_ index: UInt64, at place: Int?) throws(SRTPError) {
        guard let place else { return }
        try sources[place].window.check(index)
    }

    /// Only for a packet that was authenticated.
    mutating func mark(_ index: UInt64, of ssrc: UInt32, at place: Int?) {
        packets += 1
        if let place {
            sources[place].window.mark(index)
            sources[place].heard = packets
        } else {
            insert(Source(ssrc: ssrc, window: ReplayWindow(first: index), heard: packets))
        }
    }

    mutating func forget(_ ssrc: UInt32) {
        guard let place = places.removeValue(forKey: ssrc) else { return }
        // The last one moves into the gap.
        sources.swapAt(place, sources.count - 1)
        sources.removeLast()
        if place < sources.count { places[sources[place].ssrc] = place }
    }

    private mutating func insert(_ source: Source) {
        guard sources.count == capacity else {
            places[source.ssrc] = sources.count
            sources.append(source)
            return
        }
        var silent = 0
        for place in sources.indices where sources[place].heard < sources[silent].heard { silent = place }
        places[sources[silent].ssrc] = nil
        places[source.ssrc] = silent
        sources[silent] = source
    }
}
