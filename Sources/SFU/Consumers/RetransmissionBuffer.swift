import Base
import CLinux

/// One packet as it went out: all that is needed to write the very same bytes once more.
///
/// Same bytes, not just the same media: under an AEAD suite other bytes with the same SSRC and index would use a
/// nonce twice and give the authentication key away (RFC 7714 §4), so nothing may be made afresh.
public struct SentPacket: Sendable, Hashable {
    /// Outgoing extended index: the low 16 bits are the sequence number, SRTP's rollover counter above.
    public var index: UInt64
    /// Where it lies in the log of its stream, in units of 8 bytes and modulo 2³².
    public var place: UInt32
    /// Which of its producer's streams that is.
    public var encoding: UInt8
    /// As sent.
    public var timestamp: UInt32
    /// As sent; the log's may have been rewritten for SVC receivers.
    public var marker: Bool
    /// What was added to VP8's picture id and TL0PICIDX.
    public var pictureIDOffset: UInt16 = 0
    public var temporalLayerZeroOffset: UInt8 = 0
    /// abs-send-time as sent, 24 bits.
    public var sendTime: UInt32 = 0
    /// Of transport-wide congestion control, as sent.
    public var transportNumber: UInt16 = 0

    /// - Parameter position: In its log: a multiple of 8.
    public init(index: UInt64, position: UInt64, encoding: UInt8, timestamp: UInt32, marker: Bool) {
        self.init(
            index: index, place: UInt32(truncatingIfNeeded: position >> 3), encoding: encoding, timestamp: timestamp,
            marker: marker)
    }

    init(index: UInt64, place: UInt32, encoding: UInt8, timestamp: UInt32, marker: Bool) {
        self.index = index
        self.place = place
        self.encoding = encoding
        self.timestamp = timestamp
        self.marker = marker
    }

    init(_ rewrite: PacketRewrite, position: UInt64, encoding: Int, timestamp: UInt32) {
        self.init(
            index: rewrite.index, position: position, encoding: UInt8(truncatingIfNeeded: encoding),
            timestamp: timestamp, marker: rewrite.marker)
        pictureIDOffset = rewrite.pictureIDOffset
        temporalLayerZeroOffset = rewrite.temporalLayerZeroOffset
        sendTime = rewrite.sendTime
        transportNumber = rewrite.transportNumber
    }

    /// How it was written.
    /// - Parameter loggedTimestamp: As it stands in the log.
    func rewrite(loggedTimestamp: UInt32) -> PacketRewrite {
        var rewrite = PacketRewrite(index: index, marker: marker)
        rewrite.timestampOffset = timestamp &- loggedTimestamp
        rewrite.pictureIDOffset = pictureIDOffset
        rewrite.temporalLayerZeroOffset = temporalLayerZeroOffset
        rewrite.sendTime = sendTime
        rewrite.transportNumber = transportNumber
        return rewrite
    }

    /// Its position in a log that has come to `head`: the last one that it can mean. The log may have overwritten
    /// it: ask `PacketLog.contains`.
    public func position(below head: UInt64) -> UInt64 {
        let depth = UInt64(UInt32(truncatingIfNeeded: head >> 3) &- place)
        return ((head >> 3) &- depth) << 3
    }
}

/// The packets that a send stream may have to send again: about two seconds, 24 bytes each. The packets themselves
/// lie in their streams' logs; a position that its log has overwritten is for the caller to refuse
/// (`PacketLog.contains`).
///
///     slots     … 41 42 43 ┃ 20 21 · 23 …      a ring by outgoing index; · was never sent
///                        ↑ newest
///
/// It begins small and grows when a packet would be overwritten that may still be asked for, so a stream of audio
/// needs 3 KB. A slot is found by counting back from the newest; what it really holds is told by its index.
///
/// Not copyable, with memory of its own: an array would ask with each packet whether it is shared, and read its count.
public struct RetransmissionBuffer: ~Copyable {
    /// mediasoup's RetransmissionBufferMaxItems.
    public static let maximumCount = 2500
    private static let firstCount = 128
    /// Older video is of no use to anybody who plays it; mediasoup's MaxRetransmissionDelayForVideoMs.
    public static let maximumVideoAge = Duration.seconds(2)
    public static let maximumAudioAge = Duration.seconds(1)
    /// As long as no report has told the round trip.
    public static let defaultRoundTrip = Duration.milliseconds(100)

    public enum Finding: Sendable, Hashable {
        case packet(SentPacket)
        /// Never sent, or so long ago that it has been forgotten.
        case unknown
        /// Sent again less than a round trip ago: that one may still arrive.
        case underWay
        /// Too old by its RTP timestamp.
        case tooOld
    }

    /// 24 bytes: what can be told from the newest, or from the log, is cut to its low bits.
    private struct Entry: BitwiseCopyable, Sendable {
        var index: UInt32
        var place: UInt32
        var timestamp: UInt32
        /// 24 bits of abs-send-time, then `Flag`s.
        var timeAndFlags: UInt32
        var transportNumber: UInt16
        var pictureIDOffset: UInt16
        /// In milliseconds, modulo 2¹⁶; means something with `Flag.resent`.
        var resentAt: UInt16
        var temporalLayerZeroOffset: UInt8
        var encoding: UInt8
    }

    private enum Flag {
        static let taken: UInt32 = 1 << 24
        static let marker: UInt32 = 1 << 25
        static let resent: UInt32 = 1 << 26
    }

    private var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
    private var newestSlot = 0
    private var newestIndex: UInt64 = 0
    private var newestTimestamp: UInt32 = 0
    /// In units of the timestamps.
    private let maximumAge: Int32

    /// - Parameters:
    ///   - maximumAge: By RTP timestamps, from the newest packet.
    ///   - clockRate: Of the timestamps, per second.
    public init(maximumAge: Duration, clockRate: Int) {
        let ticks = maximumAge.nanoseconds / 1_000_000 * Int64(clamping: max(1, clockRate)) / 1000
        self.maximumAge = Int32(clamping: ticks)
    }

    deinit { entries.deallocate() }

    /// Slots that memory is held for.
    public var capacity: Int { entries.count }
    /// Of one slot, in bytes.
    public static var entrySize: Int { MemoryLayout<Entry>.stride }

    /// What went out before is never sent again: the consumer was paused. Gives the memory back.
    public mutating func clear() { replace(by: UnsafeMutableBufferPointer(start: nil, count: 0)) }

    private mutating func replace(by larger: UnsafeMutableBufferPointer<Entry>) {
        // Entries are trivial: nothing to take down.
        entries.deallocate()
        entries = larger
    }

    // MARK: - Keeping

    /// Asks for the slot of the next packet.
    @inline(__always)
    mutating func prefetch() {
        // Nothing is read, so it may lie one behind the last.
        if let first = entries.baseAddress { ladle_prefetch(first + newestSlot + 1) }
    }

    /// Remembers a packet that goes out.
    @inline(__always)
    public mutating func store(_ packet: SentPacket) {
        if entries.isEmpty { begin(at: packet) }
        if packet.index > newestIndex {
            advance(to: packet)
        } else if newestIndex - packet.index >= UInt64(capacity) {
            // So late that its slot belongs to a newer one.
            return
        }
        self[slot(of: packet.index)] = Entry(
            index: UInt32(truncatingIfNeeded: packet.index), place: packet.place, timestamp: packet.timestamp,
            timeAndFlags: packet.sendTime & 0xFF_FFFF | Flag.taken | (packet.marker ? Flag.marker : 0),
            transportNumber: packet.transportNumber, pictureIDOffset: packet.pictureIDOffset, resentAt: 0,
            temporalLayerZeroOffset: packet.temporalLayerZeroOffset, encoding: packet.encoding)
    }

    private mutating func begin(at packet: SentPacket) {
        replace(by: Self.slots(Self.firstCount))
        (newestSlot, newestIndex, newestTimestamp) = (0, packet.index, packet.timestamp)
    }

    @inline(__always)
    private mutating func advance(to packet: SentPacket) {
        // Further than a lap is as good as a lap: nothing older will be found.
        let step = Int(min(packet.index - newestIndex, UInt64(capacity)))
        newestTimestamp = packet.timestamp
        var next = newestSlot + step
        if next >= capacity { next -= capacity }
        // Only then is the old entry asked: it was written two seconds ago, and has left the cache since.
        if capacity < Self.maximumCount, self[next].timeAndFlags & Flag.taken != 0, !isTooOld(self[next].timestamp) {
            grow()
            next = newestSlot + step
            if next >= capacity { next -= capacity }
        }
        // Skipped slots keep what they hold: their indexes tell that it is not what one looks for.
        newestSlot = next
        newestIndex = packet.index
    }

    /// Twice as many slots; the newest is the last one of the old ones then, and there is room behind it.
    private mutating func grow() {
        let larger = Self.slots(min(capacity * 2, Self.maximumCount))
        for age in 0..<capacity {
            let old = newestSlot >= age ? newestSlot - age : newestSlot - age + capacity
            larger[capacity - 1 - age] = self[old]
        }
        newestSlot = capacity - 1
        replace(by: larger)
    }

    private static func slots(_ count: Int) -> UnsafeMutableBufferPointer<Entry> {
        let slots = UnsafeMutableBufferPointer<Entry>.allocate(capacity: count)
        slots.initialize(
            repeating: Entry(
                index: 0, place: 0, timestamp: 0, timeAndFlags: 0, transportNumber: 0, pictureIDOffset: 0, resentAt: 0,
                temporalLayerZeroOffset: 0, encoding: 0))
        return slots
    }

    /// Checked in release too, as an array's element is.
    private subscript(slot: Int) -> Entry {
        get {
            precondition(entries.indices.contains(slot), "a slot that is not there")
            return entries[slot]
        }
        nonmutating set {
            precondition(entries.indices.contains(slot), "a slot that is not there")
            entries[slot] = newValue
        }
    }

    /// The slot of an index no higher than the newest, and at most a lap behind it.
    private func slot(of index: UInt64) -> Int {
        let back = Int(newestIndex - index)
        return newestSlot >= back ? newestSlot - back : newestSlot - back + capacity
    }

    // MARK: - Finding

    /// The packet that went out last under this sequence number, if it may be sent again now.
    /// - Parameter roundTrip: Nil: not known yet.
    public func find(_ sequenceNumber: UInt16, roundTrip: Duration?, now: Instant) -> Finding {
        guard let slot = slot(of: sequenceNumber) else { return .unknown }
        let entry = self[slot]
        guard !isTooOld(entry.timestamp) else { return .tooOld }
        if entry.timeAndFlags & Flag.resent != 0 {
            let since = Self.milliseconds(now) &- entry.resentAt
            let wait = (roundTrip ?? Self.defaultRoundTrip).nanoseconds / 1_000_000
            if Int64(since) <= wait { return .underWay }
        }
        return .packet(packet(entry))
    }

    /// Notes that the packet with this sequence number has been sent again.
    /// - Returns: Whether that was the first time.
    @discardableResult
    public mutating func markResent(_ sequenceNumber: UInt16, now: Instant) -> Bool {
        guard let slot = slot(of: sequenceNumber) else { return false }
        // Read, changed and written back: changing fields in place breaks Swift 6.3's compiler under ThreadSanitizer.
        var entry = self[slot]
        let isFirst = entry.timeAndFlags & Flag.resent == 0
        entry.timeAndFlags |= Flag.resent
        entry.resentAt = Self.milliseconds(now)
        self[slot] = entry
        return isFirst
    }

    /// The slot that holds this sequence number; nil: none does.
    private func slot(of sequenceNumber: UInt16) -> Int? {
        guard !entries.isEmpty else { return nil }
        let back = UInt64(UInt16(truncatingIfNeeded: newestIndex) &- sequenceNumber)
        guard back < UInt64(capacity), back <= newestIndex else { return nil }
        let slot = slot(of: newestIndex - back)
        guard self[slot].timeAndFlags & Flag.taken != 0,
            self[slot].index == UInt32(truncatingIfNeeded: newestIndex - back)
        else { return nil }
        return slot
    }

    private func isTooOld(_ timestamp: UInt32) -> Bool {
        Int32(bitPattern: newestTimestamp &- timestamp) > maximumAge
    }

    /// What was cut off the index is that of the newest, or one less.
    private func packet(_ entry: Entry) -> SentPacket {
        let back = UInt64(UInt32(truncatingIfNeeded: newestIndex) &- entry.index)
        var packet = SentPacket(
            index: newestIndex &- back, place: entry.place, encoding: entry.encoding, timestamp: entry.timestamp,
            marker: entry.timeAndFlags & Flag.marker != 0)
        packet.pictureIDOffset = entry.pictureIDOffset
        packet.temporalLayerZeroOffset = entry.temporalLayerZeroOffset
        packet.sendTime = entry.timeAndFlags & 0xFF_FFFF
        packet.transportNumber = entry.transportNumber
        return packet
    }

    private static func milliseconds(_ now: Instant) -> UInt16 {
        UInt16(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    }
}
