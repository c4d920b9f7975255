import Base

/// What one received stream's report block says: losses and jitter (RFC 3550 §6.4.1, appendices A.1, A.3, A.8).
public struct ReceptionStatistics: Sendable {
    /// Units of the RTP timestamp per second.
    public let clockRate: Int
    private var validator = SequenceValidator()
    private var firstIndex: Int64 = 0
    /// Packets, duplicates included.
    public private(set) var packetsReceived: Int64 = 0
    /// Expected and received at the last report.
    private var expectedBefore: Int64 = 0
    private var receivedBefore: Int64 = 0
    /// In 1/16 timestamp units, as appendix A.8 keeps it.
    private var scaledJitter: UInt32 = 0
    /// Of the packet before, in timestamp units modulo 2³².
    private var transit: UInt32?
    private var lastReport: (ntp: NTPTime, at: Instant)?

    public init(clockRate: Int) {
        precondition(clockRate > 0, "a clock rate of \(clockRate)")
        self.clockRate = clockRate
    }

    /// Takes in a packet; the verdict tells its extended index, or that it does not belong to the stream.
    @discardableResult
    public mutating func receive(
        sequenceNumber: UInt16, timestamp: UInt32, at now: Instant
    ) -> SequenceValidator.Verdict {
        let wasEmpty = validator.highest == nil
        let verdict = validator.receive(sequenceNumber)
        switch verdict {
        case .refused: return verdict
        case .newest(let index, _):
            if wasEmpty { firstIndex = index }
        case .older: break
        case .restarted(let index):
            // A new count begins: the numbers in between were never sent.
            firstIndex = index
            (packetsReceived, expectedBefore, receivedBefore) = (0, 0, 0)
            transit = nil
        }
        packetsReceived += 1
        updateJitter(timestamp: timestamp, at: now)
        return verdict
    }

    /// J += (|D| − J) / 16, in the integers of appendix A.8.
    private mutating func updateJitter(timestamp: UInt32, at now: Instant) {
        let arrival = UInt32(truncatingIfNeeded: Self.ticks(now, clockRate: clockRate))
        let transit = arrival &- timestamp
        if let before = self.transit {
            let distance = Int32(bitPattern: transit &- before).magnitude
            scaledJitter = scaledJitter &+ distance &- ((scaledJitter &+ 8) >> 4)
        }
        self.transit = transit
    }

    /// `now` in timestamp units, without overflow for any instant.
    private static func ticks(_ now: Instant, clockRate: Int) -> Int64 {
        let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return seconds &* Int64(clockRate) &+ rest &* Int64(clockRate) / 1_000_000_000
    }

    /// A sender report of this stream came in.
    public mutating func senderReport(_ ntp: NTPTime, at now: Instant) { lastReport = (ntp, now) }

    /// The extended index that a number would have, for packets that don't count as arrivals of this stream
    /// (retransmissions under an SSRC of their own).
    public func index(of sequenceNumber: UInt16) -> Int64 { validator.peek(sequenceNumber) }

    public var hasReceived: Bool { validator.highest != nil }

    /// Cycles in the high half, the highest sequence number in the low half; 0 before the first packet.
    public var extendedHighestSequence: UInt32 { UInt32(truncatingIfNeeded: validator.highest ?? 0) }

    /// Packets that should have come since the first one.
    public var packetsExpected: Int64 { validator.highest.map { $0 - firstIndex + 1 } ?? 0 }

    /// Negative when duplicates, or packets from before the first, outnumber losses.
    public var packetsLost: Int64 { packetsExpected - packetsReceived }

    /// In timestamp units.
    public var jitter: UInt32 { scaledJitter >> 4 }

    /// A report of the time since the report before; begins the next interval.
    public mutating func makeReport(ssrc: UInt32, now: Instant) -> ReportBlock {
        let expected = packetsExpected - expectedBefore
        let lost = expected - (packetsReceived - receivedBefore)
        expectedBefore = packetsExpected
        receivedBefore = packetsReceived
        // RFC 3550 A.3; all lost would be 256, which 8 bits do not hold.
        let fraction = expected <= 0 || lost <= 0 ? 0 : min(255, lost * 256 / expected)
        return ReportBlock(
            ssrc: ssrc, fractionLost: UInt8(fraction),
            packetsLost: Int32(min(max(packetsLost, -0x80_0000), 0x7F_FFFF)),
            extendedHighestSequence: extendedHighestSequence, jitter: jitter,
            lastSenderReport: lastReport?.ntp.compact ?? 0,
            delaySinceLastSenderReport: lastReport.map { CompactNTP.delay(now - $0.at) } ?? 0)
    }
}
