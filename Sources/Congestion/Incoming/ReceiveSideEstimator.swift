import Base

/// What the path from a sender carries, from abs-send-time: the same trend, detector and rate control as on the sending
/// side, held against what comes in (draft-ietf-rmcat-gcc-02 §3; libwebrtc's RemoteBitrateEstimatorAbsSendTime).
struct ReceiveSideEstimator: Sendable {
    /// Streams that were silent so long are no longer named.
    static let streamTimeout: Int64 = 2_000_000_000

    private var clock = AbsoluteSendTimeUnwrapper()
    private var delay = DelayEstimator()
    private var incoming = ByteWindow()
    private var rate: RateControl
    private var streams: [(ssrc: UInt32, last: Int64)] = []

    init(minBitrate: Int64) {
        rate = RateControl(start: nil, limits: Double(minBitrate)...1e12)
    }

    /// nil until an over-use or 5 s of packets.
    var bitrate: Int64? { rate.isInitialized ? Int64(rate.bitrate) : nil }
    var ssrcs: [UInt32] { streams.map(\.ssrc) }

    /// - Parameter size: of the packet, in bytes.
    /// - Returns: true when the sender should be told at once: the path is over-used.
    mutating func receive(_ absoluteSendTime: UInt32, size: Int, ssrc: UInt32, now: Int64) -> Bool {
        remember(ssrc, now: now)
        incoming.add(size, now: now)
        let sent = clock.nanoseconds(absoluteSendTime)
        delay.add(sent: sent, arrived: now, now: now)
        guard delay.usage == .overusing else { return false }
        guard let throughput = incoming.bitsPerSecond(now: now) else { return false }
        guard rate.mayDecrease(throughput: throughput, now: now) else { return false }
        rate.update(.overusing, throughput: throughput, now: now)
        return true
    }

    /// Raises the rate when the path takes it; asked a few times a second.
    mutating func update(now: Int64) {
        streams.removeAll { now - $0.last > Self.streamTimeout }
        guard delay.usage != .overusing, !streams.isEmpty else { return }
        rate.update(delay.usage, throughput: incoming.bitsPerSecond(now: now), now: now)
    }

    private mutating func remember(_ ssrc: UInt32, now: Int64) {
        for position in streams.indices where streams[position].ssrc == ssrc {
            streams[position].last = now
            return
        }
        // A transport of hundreds of streams names some of them: REMB is for the whole anyhow.
        if streams.count < 64 { streams.append((ssrc, now)) }
    }
}
