import Base
import RTCP

/// What the path to a receiver carries, from its transport-wide feedback: Google congestion control
/// (draft-ietf-rmcat-gcc-02) with the constants of libwebrtc's public defaults.
///
/// Two controllers look at the same packets: the delay's trend and the losses; the lower of both is the target. Packets
/// that leave in a known burst (a `Cluster`) are no part of the trend; what they measure raises the target at once. Where
/// no probe was ever answered, throughput does not bound the estimate while the sender fills less than `filledShare` of
/// it: it then rises by 8 % a second (near the last known capacity slower), up to the upper limit, and comes down at the
/// first over-use.
public struct SendSideEstimator: Sendable {
    /// Sending less than this share of the estimate says nothing of its limit (libwebrtc's ALR: 65 %).
    public static let filledShare = 0.65
    /// Packets out and not a word for 3 s: a fifth is taken off each second (libwebrtc's RttBasedBackoff).
    static let silence: Int64 = 3_000_000_000
    static let silenceStep: Int64 = 1_000_000_000
    static let silenceFactor = 0.8

    private struct Result {
        var sent: Int64
        var arrived: Int64
        var size: Int
        var cluster: UInt16
    }

    private(set) var packets = SentPackets()
    private var delay = DelayEstimator()
    private var rate: RateControl
    private var losses: LossControl
    private var throughput = Throughput()
    private var sending = ByteWindow()
    private var limits: ClosedRange<Double>
    /// Of the receiver's clock: its 24 bits of 64 ms unwrapped.
    private var reference: (raw: Int32, unwrapped: Int64)?
    private var highestTold: Int64 = -1
    private var results: [Result] = []
    private var followsCluster = false
    private var roundTripNanoseconds: Int64 = 200_000_000
    private var nextSilenceStep: Int64?
    /// The last burst that is known, until it is measured.
    var cluster: Cluster?
    /// 0: none is open.
    var openCluster: UInt16 = 0
    var lastCluster: UInt16 = 0
    /// Until when a start counts as one.
    var startEnds: Int64 = 0
    var lastStart: Int64 = .min / 2
    /// What was measured, for who began it: nothing if nothing counts.
    var measurement: (isProbe: Bool, bitrate: Double?, wasAnswered: Bool)?
    /// Probes are answered: what is above the throughput is found by them.
    var isProbed = false

    /// Bits per second.
    public init(start: Int64, limits: ClosedRange<Int64>) {
        let range = Double(limits.lowerBound)...Double(limits.upperBound)
        let start = min(max(Double(start), range.lowerBound), range.upperBound)
        rate = RateControl(start: start, limits: range)
        losses = LossControl(start: start)
        self.limits = range
    }

    /// Bits per second, UDP payload of all packets with a number.
    public var targetBitrate: Int64 { Int64(losses.bitrate) }
    public var usage: BandwidthUsage { delay.usage }
    /// Of the packets told of last, 0…1.
    public var packetLoss: Double { losses.loss }
    /// Of packet and feedback; up to 100 ms of the receiver's waiting are in it.
    public var roundTrip: Duration { .nanoseconds(roundTripNanoseconds) }
    public var throughputBitsPerSecond: Int64? { throughput.bitsPerSecond.map { Int64($0) } }

    /// The number of the packet that leaves next.
    @inline(__always)
    public mutating func upcomingNumber() -> UInt16 { UInt16(truncatingIfNeeded: packets.next) }

    /// A packet of `size` bytes leaves now. No allocation in the steady state.
    /// - Returns: its transport-wide number.
    public mutating func send(_ size: Int, now: Instant) -> UInt16 {
        sending.add(size, now: now.nanoseconds)
        // Silence is counted from when there is something to hear of.
        if nextSilenceStep == nil { nextSilenceStep = now.nanoseconds + Self.silence }
        if openCluster != 0 { return sendInCluster(size, isPadding: false, now: now.nanoseconds) }
        return packets.add(size: size, now: now.nanoseconds)
    }

    mutating func sendInCluster(_ size: Int, isPadding: Bool, now: Int64) -> UInt16 {
        endStart(now: now)
        cluster?.send(size, index: packets.next, isPadding: isPadding, now: now)
        return packets.add(size: size, cluster: openCluster, isPadding: isPadding, now: now)
    }

    /// Bits per second.
    public mutating func setLimits(_ new: ClosedRange<Int64>, now: Instant) {
        limits = Double(new.lowerBound)...Double(new.upperBound)
        rate.limits = limits
        losses.update(limits: limits.lowerBound...upperLimit, roundTrip: roundTripNanoseconds, now: now.nanoseconds)
    }

    // MARK: - Feedback

    /// Takes a feedback in: afterwards `targetBitrate` may be another.
    public mutating func receive(_ feedback: TransportWideFeedback, in datagram: RawSpan, now: Instant) {
        let time = now.nanoseconds
        let base = unwrapped(feedback.baseSequenceNumber)
        let clock = unwrapReference(feedback.referenceTime)
        let offset = (clock - Int64(feedback.referenceTime)) * TransportWideFeedback.ticksPerReference
        results.removeAll(keepingCapacity: true)
        var statuses = feedback.statuses
        var (index, expected, lost) = (base, 0, 0)
        // Beyond what was sent nothing can be told: a bad feedback names up to 65,535 packets.
        while index < packets.next, let status = statuses.next(in: datagram) {
            defer { index += 1 }
            if let ticks = status.arrivalTicks {
                guard let packet = packets.take(index) else { continue }
                let arrived = (ticks + offset) * 250_000
                results.append(
                    Result(sent: packet.sent, arrived: arrived, size: Int(packet.size), cluster: packet.cluster))
                if packet.cluster != 0 { arrivedInCluster(packet, arrived: arrived) }
                // A receiver may know no padding.
                guard !packet.isPadding else { continue }
                // Told as lost before: it was only late.
                if index <= highestTold { lost -= 1 } else { expected += 1 }
            } else if index > highestTold, let packet = packets.peek(index), !packet.isPadding {
                expected += 1
                lost += 1
            }
        }
        highestTold = max(highestTold, min(index, packets.next) - 1)
        packets.drop(sentBefore: time - SentPackets.worthKeeping)
        nextSilenceStep = packets.oldestSent == nil ? nil : time + Self.silence
        losses.add(expected: expected, lost: lost, now: time)
        if !results.isEmpty { estimate(now: time) }
        if let measured = measureCluster(told: highestTold, now: time) { rise(to: measured, now: time) }
        losses.update(limits: limits.lowerBound...upperLimit, roundTrip: roundTripNanoseconds, now: time)
    }

    private mutating func estimate(now: Int64) {
        if !isSorted { results.sort { $0.arrived < $1.arrived } }
        var wasOverusing = false
        for result in results {
            throughput.add(result.size, arrival: result.arrived)
            if result.cluster != 0 || followsCluster { delay.restart() }
            followsCluster = result.cluster != 0
            if followsCluster { continue }
            delay.add(sent: result.sent, arrived: result.arrived, now: now)
            if delay.usage == .overusing { wasOverusing = true }
        }
        if let last = results.last {
            roundTripNanoseconds = max(0, now - last.sent)
            rate.roundTrip = roundTripNanoseconds
        }
        let known = throughput.bitsPerSecond
        if wasOverusing {
            if let known {
                if rate.mayDecrease(throughput: known, now: now) {
                    rate.update(.overusing, throughput: known, now: now)
                }
            } else if rate.mayDecrease(throughput: .infinity, now: now) {
                rate.halve(now: now)
            }
        } else {
            rate.update(delay.usage, throughput: known, isUnfilled: isUnfilled(now: now), now: now)
        }
    }

    private var isSorted: Bool {
        for position in results.indices.dropFirst() where results[position].arrived < results[position - 1].arrived {
            return false
        }
        return true
    }

    /// A known burst showed what the path carries.
    private mutating func rise(to measured: Double, now: Int64) {
        guard delay.usage != .overusing, measured > rate.bitrate else { return }
        rate.set(measured, now: now)
        losses.raise(to: rate.bitrate)
    }

    private mutating func isUnfilled(now: Int64) -> Bool {
        if isProbed { return false }
        guard let sent = sending.bitsPerSecond(now: now) else { return true }
        return sent < Self.filledShare * min(rate.bitrate, losses.bitrate)
    }

    private var upperLimit: Double { max(limits.lowerBound, min(rate.bitrate, limits.upperBound)) }

    private func unwrapped(_ number: UInt16) -> Int64 {
        packets.next + Int64(Int16(bitPattern: number &- UInt16(truncatingIfNeeded: packets.next)))
    }

    private mutating func unwrapReference(_ raw: Int32) -> Int64 {
        // 34 years: a receiver whose clock jumps its way there begins anew, before a product overflows.
        guard let last = reference, last.unwrapped < 1 << 34 else {
            reference = (raw, Int64(raw))
            return Int64(raw)
        }
        // 24 bits, signed: the nearest of the values it may mean.
        let distance = Int64(((raw &- last.raw) << 8) >> 8)
        let unwrapped = last.unwrapped + distance
        if distance > 0 { reference = (raw, unwrapped) }
        return unwrapped
    }

    // MARK: - Silence

    /// `nextDeadline`, in place: asking for that copies the estimator, and this is asked with each packet.
    @inline(__always)
    public mutating func deadlineInPlace() -> Instant? { nextSilenceStep.map { Instant(nanoseconds: $0) } }

    @inline(__always)
    public var nextDeadline: Instant? { nextSilenceStep.map { Instant(nanoseconds: $0) } }

    public mutating func advance(to now: Instant) {
        guard let due = nextSilenceStep, due <= now.nanoseconds else { return }
        packets.drop(sentBefore: now.nanoseconds - SentPackets.worthKeeping)
        guard packets.oldestSent != nil else { return nextSilenceStep = nil }
        nextSilenceStep = now.nanoseconds + Self.silenceStep
        rate.set(rate.bitrate * Self.silenceFactor, now: now.nanoseconds)
        losses.scale(by: Self.silenceFactor, limits: limits.lowerBound...upperLimit)
    }
}
