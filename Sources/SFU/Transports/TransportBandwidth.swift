import Base
import Congestion
import ORTC
import RTP

/// Both directions of a transport's bandwidth, each there once something needs it; and the limits that were set before.
struct TransportBandwidth: Sendable {
    /// What the remote side sends: made with the first producer that can do either mechanism, which is then kept.
    var incoming: IncomingBandwidth?
    /// What we send: made with the first video consumer whose receiver can do either, which is then kept.
    var outgoing: OutgoingBandwidth?

    /// Padding that probes what we may send; there once that is estimated, where it is wanted.
    var probation: Probation?

    /// initialAvailableOutgoingBitrate, bits per second.
    let initialOutgoingBitrate: Int64
    /// Bits per second; 0: none.
    private(set) var maxIncomingBitrate: Int64 = 0
    private(set) var maxOutgoingBitrate: Int64 = 0
    private(set) var minOutgoingBitrate: Int64 = 0

    /// Ids of the remote side's extensions; 0: it has none. A later producer's win, as mediasoup's.
    private var absSendTimeID: UInt8 = 0
    private var transportWideID: UInt8 = 0
    /// Of the packet that came last: feedback is about a medium, formally.
    private(set) var lastSSRC: UInt32 = 0
    /// When desired bitrate and layers are looked at again.
    var nextDistribution: Instant?
    /// Of consumers that start behind.
    var starts = StartBudget()
    /// A consumer has left or was paused: what is desired falls at once, not by 5 % a second.
    private(set) var hasWishGone = false

    init(initialOutgoingBitrate: Int64 = OutgoingBandwidth.defaultInitialBitrate) {
        self.initialOutgoingBitrate = initialOutgoingBitrate
    }

    /// When the engine has something to do for it.
    var nextDeadline: Instant? {
        var soonest = nextDistribution
        if let deadline = incoming?.nextDeadline { soonest = min(soonest ?? deadline, deadline) }
        if let deadline = outgoing?.nextDeadline { soonest = min(soonest ?? deadline, deadline) }
        if let probe = outgoing?.nextProbe { soonest = min(soonest ?? probe, probe) }
        return soonest
    }

    // MARK: - Who needs it

    mutating func produced(_ parameters: RTPParameters) {
        if let id = parameters.id(of: .absSendTime) { absSendTimeID = id }
        if let id = parameters.id(of: .transportWideCC) { transportWideID = id }
        guard incoming == nil, let mechanism = Self.mechanism(of: parameters) else { return }
        incoming = IncomingBandwidth(mechanism: mechanism, maxBitrate: maxIncomingBitrate)
    }

    /// - Parameter probes: padding is sent where more is wanted than there is.
    mutating func consumed(
        _ parameters: RTPParameters, _ kind: MediaKind, probes: Bool, random: inout RandomSource
    ) {
        guard outgoing == nil, kind == .video, let mechanism = Self.mechanism(of: parameters) else { return }
        outgoing = OutgoingBandwidth(
            mechanism: mechanism, initialBitrate: initialOutgoingBitrate, maxBitrate: maxOutgoingBitrate,
            minBitrate: minOutgoingBitrate, probes: probes)
        guard probes else { return }
        probation = Probation(like: parameters, firstSequence: .random(in: 1000...32_767, using: &random))
    }

    /// A consumer wants nothing more. The engine looks at it in its next step.
    mutating func wishGone() {
        guard outgoing != nil else { return }
        hasWishGone = true
        nextDistribution = Instant(nanoseconds: 0)
    }

    mutating func desired(_ bitrate: Int64, now: Instant) {
        _ = outgoing?.setDesiredBitrate(bitrate, isForced: hasWishGone, now: now)
        hasWishGone = false
    }

    private static func mechanism(of parameters: RTPParameters) -> BandwidthMechanism? {
        if parameters.id(of: .transportWideCC) != nil, parameters.hasFeedback("transport-cc") { return .transportWide }
        if parameters.id(of: .absSendTime) != nil, parameters.hasFeedback("goog-remb") { return .remb }
        return nil
    }

    // MARK: - Limits

    mutating func setMaxIncoming(_ bitrate: Int64) {
        maxIncomingBitrate = bitrate
        incoming?.setMaxBitrate(bitrate)
    }

    mutating func setMaxOutgoing(_ bitrate: Int64, now: Instant) -> OutgoingBitrates? {
        maxOutgoingBitrate = bitrate
        return outgoing?.setMaxBitrate(bitrate, now: now)
    }

    mutating func setMinOutgoing(_ bitrate: Int64, now: Instant) -> OutgoingBitrates? {
        minOutgoingBitrate = bitrate
        return outgoing?.setMinBitrate(bitrate, now: now)
    }

    // MARK: - Packets

    /// An RTP packet came, of whatever stream.
    mutating func received(_ header: RTPHeader, _ packet: RawSpan, now: Instant) {
        guard let mechanism = incoming?.mechanism, header.hasExtension else { return }
        switch mechanism {
        case .transportWide:
            guard transportWideID != 0, let element = header.headerExtension(id: transportWideID, in: packet),
                element.length == 2
            else { return }
            lastSSRC = header.ssrc
            incoming?.receive(transportWide: packet.uint16(at: element.offset), now: now)
        case .remb:
            guard absSendTimeID != 0, let element = header.headerExtension(id: absSendTimeID, in: packet),
                element.length == 3
            else { return }
            lastSSRC = header.ssrc
            incoming?.receive(
                absoluteSendTime: packet.uint24(at: element.offset), size: packet.byteCount, ssrc: header.ssrc, now: now
            )
        }
    }

    /// The number of the next packet that leaves with a place for one. 0 where nobody counts.
    /// Mutating, so that it is asked in place: else the estimator is copied for it.
    @inline(__always)
    mutating func upcomingNumber() -> UInt16 { outgoing?.upcomingNumber() ?? 0 }

    /// It left, with `size` bytes: the number is used up. What can't be protected uses up none.
    @inline(__always)
    mutating func left(size: Int, now: Instant) { _ = outgoing?.send(size, now: now) }
}

extension RTPParameters {
    fileprivate func hasFeedback(_ type: String) -> Bool {
        codecs.contains { $0.rtcpFeedback.contains { $0.type == type } }
    }
}
