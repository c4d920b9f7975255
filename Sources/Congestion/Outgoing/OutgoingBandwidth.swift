import Base
import RTCP

/// The bitrates that a change of the available one comes with: mediasoup's `bwe` trace. Bits per second.
public struct OutgoingBitrates: Sendable, Hashable {
    public var mechanism: BandwidthMechanism
    public var desired: Int64
    public var effectiveDesired: Int64
    public var min: Int64
    public var max: Int64
    public var start: Int64
    /// What padding may fill.
    public var maxPadding: Int64
    public var available: Int64
}

/// The sending side of a transport's bandwidth: estimates or is told it, keeps it within limits, and says when a change is
/// worth acting on. The numbers and rules are those of mediasoup's TransportCongestionControlClient.
public struct OutgoingBandwidth: Sendable {
    /// The lowest limit that can be set, and the lowest estimate.
    public static let minBitrate: Int64 = 30_000
    public static let defaultInitialBitrate: Int64 = 600_000
    /// 1 Tbit/s: larger wishes and limits mean this, and no sum of them overflows.
    public static let highestBitrate: Int64 = 1_000_000_000_000
    /// The ceiling falls only by more than this share.
    static let maxBitrateMargin = 0.1
    /// The ceiling above what is desired.
    static let maxBitrateIncrement = 1.35
    static let maxPaddingShare = 0.85
    /// Between two events, unless the change is a large one.
    static let eventInterval: Int64 = 1_000_000_000
    static let largeDecrease = 0.75
    static let largeIncrease = 1.5

    public let mechanism: BandwidthMechanism
    public let initialBitrate: Int64
    /// 0: none. Set by `setMaxBitrate` and `setMinBitrate`.
    public private(set) var maxBitrateLimit: Int64 = 0
    public private(set) var minBitrateLimit: Int64 = 0
    public private(set) var availableBitrate: Int64
    /// One of both is there, and changed in place: an enum would have it copied out for each packet.
    var estimator: SendSideEstimator?
    private var told: ToldBandwidth?
    private var desired = DesiredBitrate()
    /// Nil: it never probes.
    var prober: Prober?
    /// Feedback has come, so the available bitrate is more than a first guess.
    public private(set) var wasHeard = false
    /// Padding is being sent: the prober counts what leaves beside it.
    var isProbing = false
    private var ceiling: Int64
    private var lossReports = PacketLoss()
    private var lastEvent: Int64?

    /// - Parameters:
    ///   - initialBitrate: initialAvailableOutgoingBitrate.
    ///   - maxBitrate, minBitrate: limits that were set before; 0: none.
    ///   - probes: the caller sends padding when it is asked to (`advanceProbe`).
    public init(
        mechanism: BandwidthMechanism, initialBitrate: Int64 = OutgoingBandwidth.defaultInitialBitrate,
        maxBitrate: Int64 = 0, minBitrate: Int64 = 0, probes: Bool = false
    ) {
        self.mechanism = mechanism
        if probes { prober = Prober(mechanism == .remb ? .fill : .cluster) }
        self.initialBitrate = min(initialBitrate, Self.highestBitrate)
        maxBitrateLimit = min(maxBitrate, Self.highestBitrate)
        minBitrateLimit = min(minBitrate, Self.highestBitrate)
        let floor = max(minBitrateLimit, Self.minBitrate)
        ceiling = max(floor, maxBitrate > 0 ? min(self.initialBitrate, maxBitrateLimit) : self.initialBitrate)
        availableBitrate = max(floor, min(self.initialBitrate, ceiling))
        switch mechanism {
        case .transportWide: estimator = SendSideEstimator(start: availableBitrate, limits: floor...ceiling)
        case .remb: told = ToldBandwidth(start: availableBitrate, limits: floor...ceiling)
        }
    }

    private var floor: Int64 { max(minBitrateLimit, Self.minBitrate) }

    public var bitrates: OutgoingBitrates {
        OutgoingBitrates(
            mechanism: mechanism, desired: desired.latest, effectiveDesired: desired.effective, min: floor,
            max: ceiling, start: min(ceiling, max(availableBitrate, Self.minBitrate)),
            maxPadding: desired.effective > 0 ? Int64(Double(ceiling) * Self.maxPaddingShare) : 0,
            available: availableBitrate)
    }

    /// Of packets sent, 0…1: rtpPacketLossSent.
    public var packetLoss: Double { lossReports.share }

    // MARK: - Packets and what is heard of them

    /// What the next `send` will return: a packet has its number before it is known whether it can leave.
    @inline(__always)
    public mutating func upcomingNumber() -> UInt16? { estimator?.upcomingNumber() }

    /// A packet of `size` bytes leaves now.
    /// - Returns: its transport-wide number; nil when the mechanism has none.
    @inline(__always)
    public mutating func send(_ size: Int, now: Instant) -> UInt16? {
        if isProbing { prober?.count(size) }
        return estimator?.send(size, now: now)
    }

    /// A transport-wide feedback came.
    /// - Returns: the bitrates, when the available one has changed so that consumers' layers should be looked at.
    public mutating func receive(
        _ feedback: TransportWideFeedback, in datagram: RawSpan, now: Instant
    ) -> OutgoingBitrates? {
        guard estimator != nil else { return nil }
        wasHeard = true
        estimator?.receive(feedback, in: datagram, now: now)
        if let measured = estimator?.takeMeasurement() {
            prober?.measured(measured.bitrate, wasAnswered: measured.wasAnswered, now: now.nanoseconds)
        }
        lossReports.add(estimator?.packetLoss ?? 0)
        return update(now: now)
    }

    /// A REMB came: it counts only where that is the mechanism.
    public mutating func receive(remb bitrate: Int64, now: Instant) -> OutgoingBitrates? {
        guard told != nil else { return nil }
        wasHeard = true
        told?.receive(bitrate: bitrate, now: now)
        return update(now: now)
    }

    /// A report block came: the share of lost packets (0…1), and the round trip if it is known.
    public mutating func receive(loss: Double, roundTrip: Duration?, now: Instant) -> OutgoingBitrates? {
        guard told != nil else { return nil }
        told?.receive(loss: loss, roundTrip: roundTrip, now: now)
        lossReports.add(loss)
        return update(now: now)
    }

    // MARK: - What is wanted, and limits

    /// What all consumers would take. It bounds the estimate to 1.35 times of it, so that a sender of little does not
    /// believe in a lot; it falls by 5 % a second.
    /// - Parameter isForced: the reason has gone (a consumer was closed or paused): it falls at once.
    public mutating func setDesiredBitrate(
        _ bitrate: Int64, isForced: Bool = false, now: Instant
    ) -> OutgoingBitrates? {
        desired.set(min(max(bitrate, 0), Self.highestBitrate), isForced: isForced, now: now.nanoseconds)
        applyLimits(now: now)
        return update(now: now)
    }

    /// 0: none. The caller has checked that it is at least `minBitrate` and not below the lower limit.
    public mutating func setMaxBitrate(_ bitrate: Int64, now: Instant) -> OutgoingBitrates? {
        maxBitrateLimit = min(bitrate, Self.highestBitrate)
        applyLimits(isForced: true, now: now)
        return update(now: now)
    }

    /// 0: none. The caller has checked that it is at least `minBitrate` and not above the upper limit.
    public mutating func setMinBitrate(_ bitrate: Int64, now: Instant) -> OutgoingBitrates? {
        minBitrateLimit = min(bitrate, Self.highestBitrate)
        applyLimits(isForced: true, now: now)
        return update(now: now)
    }

    private mutating func applyLimits(isForced: Bool = false, now: Instant) {
        var wanted = max(initialBitrate, Int64(Double(desired.effective) * Self.maxBitrateIncrement))
        if maxBitrateLimit > 0 { wanted = min(wanted, maxBitrateLimit) }
        wanted = max(wanted, floor)
        // Small falls are left out: the estimator would follow each of them.
        let margin = Int64(Double(wanted) * Self.maxBitrateMargin)
        if isForced || wanted > ceiling || ceiling - wanted > margin { ceiling = wanted }
        let limits = floor...ceiling
        estimator?.setLimits(limits, now: now)
        told?.setLimits(limits, now: now)
    }

    // MARK: - Changes

    /// Layers have just been distributed: the next small change waits its interval from here.
    public mutating func rescheduleEvent(now: Instant) { lastEvent = now.nanoseconds }

    /// Of `advance`; a probe has one of its own.
    @inline(__always)
    public var nextDeadline: Instant? { estimator?.nextDeadline }
    /// The same in place: asking for that copies the estimator, and this is asked with each packet.
    @inline(__always)
    public mutating func deadlineInPlace() -> Instant? { estimator?.deadlineInPlace() }

    public mutating func advance(to now: Instant) -> OutgoingBitrates? {
        guard let due = estimator?.nextDeadline, due <= now else { return nil }
        estimator?.advance(to: now)
        return update(now: now)
    }

    private mutating func update(now: Instant) -> OutgoingBitrates? {
        let previous = availableBitrate
        availableBitrate = estimator?.targetBitrate ?? told?.bitrate ?? previous
        reviewProbes(previous: previous, now: now)
        guard let last = lastEvent else {
            // The first is the initial one, which is acted on already.
            lastEvent = now.nanoseconds
            return nil
        }
        let isLarge =
            Double(availableBitrate) < Double(previous) * Self.largeDecrease
            || Double(availableBitrate) > Double(previous) * Self.largeIncrease
        guard isLarge || now.nanoseconds - last >= Self.eventInterval else { return nil }
        lastEvent = now.nanoseconds
        return bitrates
    }
}
