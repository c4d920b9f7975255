import Base
import RTCP

/// The receiving side of a transport's bandwidth: reports arrivals, or estimates and tells the result, and asks the sender
/// to stay below a limit. Times and rules are those of mediasoup's TransportCongestionControlServer.
public struct IncomingBandwidth: Sendable {
    /// A limit is repeated in REMBs at most this often.
    static let limitInterval: Int64 = 1_500_000_000
    /// When the limit goes, so many REMBs of 0 say so.
    static let limitResets = 4
    /// A REMB without news.
    static let rembInterval: Int64 = 1_000_000_000
    static let estimateInterval: Int64 = 200_000_000

    public let mechanism: BandwidthMechanism
    /// 0: none.
    public private(set) var maxBitrate: Int64
    private var generator: TransportWideFeedbackGenerator?
    private var estimator: ReceiveSideEstimator?
    private var lastLimit: Int64?
    private var resetsLeft = 0
    private var isLimitDue = false
    private var nextEstimate: Int64?
    private var lastREMB: Int64?
    private var isREMBDue = false

    /// - Parameter maxBitrate: a limit that was set before; 0: none.
    public init(mechanism: BandwidthMechanism, maxBitrate: Int64 = 0) {
        self.mechanism = mechanism
        self.maxBitrate = maxBitrate
        switch mechanism {
        case .transportWide: generator = TransportWideFeedbackGenerator()
        case .remb: estimator = ReceiveSideEstimator(minBitrate: OutgoingBandwidth.minBitrate)
        }
    }

    /// What is estimated, within the limit; nil for transport-wide feedback, where the sender knows, and before an estimate.
    public var availableBitrate: Int64? {
        estimator?.bitrate.map { maxBitrate > 0 ? min($0, maxBitrate) : $0 }
    }

    /// 0…1: rtpPacketLossReceived; nil where losses are not counted here.
    public var packetLoss: Double? { generator?.packetLoss }

    // MARK: - Packets

    /// A packet with a transport-wide number came, of whatever stream.
    public mutating func receive(transportWide number: UInt16, now: Instant) {
        guard generator != nil else { return }
        generator?.receive(number, now: now)
        guard !isLimitDue, maxBitrate > 0 || resetsLeft > 0 else { return }
        isLimitDue = lastLimit.map { now.nanoseconds - $0 > Self.limitInterval } ?? true
    }

    /// A packet of `size` bytes with an abs-send-time came.
    public mutating func receive(absoluteSendTime: UInt32, size: Int, ssrc: UInt32, now: Instant) {
        guard estimator != nil else { return }
        if estimator?.receive(absoluteSendTime, size: size, ssrc: ssrc, now: now.nanoseconds) == true {
            isREMBDue = true
        }
        if nextEstimate == nil { nextEstimate = now.nanoseconds + Self.estimateInterval }
    }

    /// 0: none. Without packets nothing is told, as there is nothing to limit.
    public mutating func setMaxBitrate(_ bitrate: Int64) {
        if maxBitrate > 0, bitrate == 0 {
            resetsLeft = Self.limitResets
            isLimitDue = generator != nil
        } else if bitrate > 0 {
            resetsLeft = 0
        }
        maxBitrate = bitrate
    }

    // MARK: - RTCP

    @inline(__always)
    public var nextDeadline: Instant? {
        if isLimitDue || isREMBDue { return Instant(nanoseconds: 0) }
        return generator?.nextDeadline ?? nextEstimate.map { Instant(nanoseconds: $0) }
    }

    /// Writes what is due; call it until it returns false, each time with a fresh builder and buffer.
    ///
    /// - Parameters:
    ///   - senderSSRC: 0 as in mediasoup, or one of ours.
    ///   - mediaSSRC: of the packet that came last.
    public mutating func write(
        senderSSRC: UInt32, mediaSSRC: UInt32, now: Instant, into rtcp: inout RTCPBuilder,
        _ buffer: inout MutableRawSpan
    ) -> Bool {
        if isLimitDue { return writeLimit(senderSSRC: senderSSRC, now: now, into: &rtcp, &buffer) }
        if let due = generator?.nextDeadline, due <= now {
            if generator?.write(senderSSRC: senderSSRC, mediaSSRC: mediaSSRC, into: &rtcp, &buffer) == true {
                return true
            }
            generator?.sent(now: now)
            return false
        }
        return writeEstimate(senderSSRC: senderSSRC, now: now.nanoseconds, into: &rtcp, &buffer)
    }

    private mutating func writeLimit(
        senderSSRC: UInt32, now: Instant, into rtcp: inout RTCPBuilder, _ buffer: inout MutableRawSpan
    ) -> Bool {
        isLimitDue = false
        lastLimit = now.nanoseconds
        resetsLeft = max(0, resetsLeft - 1)
        let none: [UInt32] = []
        return rtcp.receiverEstimatedMaximumBitrate(
            senderSSRC: senderSSRC, bitrateBitsPerSecond: maxBitrate, ssrcs: none.span, into: &buffer)
    }

    private mutating func writeEstimate(
        senderSSRC: UInt32, now: Int64, into rtcp: inout RTCPBuilder, _ buffer: inout MutableRawSpan
    ) -> Bool {
        guard estimator != nil else { return false }
        if let due = nextEstimate, due <= now {
            estimator?.update(now: now)
            nextEstimate = estimator?.ssrcs.isEmpty == true ? nil : now + Self.estimateInterval
        }
        let isTime = lastREMB.map { now - $0 >= Self.rembInterval } ?? true
        let isDue = isREMBDue || isTime
        isREMBDue = false
        guard isDue, let ssrcs = estimator?.ssrcs, !ssrcs.isEmpty else { return false }
        guard let bitrate = availableBitrate ?? (maxBitrate > 0 ? maxBitrate : nil) else { return false }
        lastREMB = now
        return rtcp.receiverEstimatedMaximumBitrate(
            senderSSRC: senderSSRC, bitrateBitsPerSecond: bitrate, ssrcs: ssrcs.span, into: &buffer)
    }
}
