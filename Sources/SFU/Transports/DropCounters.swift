/// What a transport threw away, by reason. Not in mediasoup's statistics, hence apart from them.
public struct DropCounters: Sendable, Hashable {
    /// Neither RTP nor RTCP by its first bytes.
    public var unknownKind: UInt64 = 0
    /// RTP or RTCP that ends before what it announces, or has a length or padding that can't be.
    public var malformed: UInt64 = 0
    /// Larger than 1,500 bytes.
    public var oversized: UInt64 = 0
    /// Before the remote side was known, on a transport that waits for `connect`.
    public var notConnected: UInt64 = 0
    /// From another address than the remote side's.
    public var foreignSource: UInt64 = 0
    /// Beyond what the transport may send (`SFUConfiguration.ingress`).
    public var ceiling: UInt64 = 0
    /// Not packets, but parts of RTCP that speak of an SSRC that the transport does not have.
    public var unknownSSRC: UInt64 = 0
    /// No producer for its SSRC or MID.
    public var noProducer: UInt64 = 0
    /// Another SSRC than that of the producer's stream, the announced one or the first that came.
    public var otherStream: UInt64 = 0
    /// A payload type that the producer did not announce.
    public var payloadType: UInt64 = 0
    /// Retransmissions: nothing was asked for.
    public var retransmission: UInt64 = 0
    /// Without payload (probes, keep-alives): taken out without a gap.
    public var empty: UInt64 = 0
    /// Arrived before.
    public var duplicate: UInt64 = 0
    /// A sequence number far away from the stream's.
    public var sequence: UInt64 = 0
    /// While the producer was paused.
    public var paused: UInt64 = 0
    /// SRTP before `connect` told the remote side's key.
    public var noKey: UInt64 = 0
    /// SRTP whose tag is wrong: another key, damaged, or not from the remote side.
    public var authentication: UInt64 = 0
    /// SRTP that was there before, or too long ago to tell.
    public var replayed: UInt64 = 0
    /// Messages on a stream that no data producer has, or of DCEP.
    public var noDataProducer: UInt64 = 0
    /// Outgoing: it could not be protected.
    public var unprotected: UInt64 = 0

    public init() {}

    public var total: UInt64 {
        unknownKind + malformed + oversized + notConnected + foreignSource + noProducer + otherStream + payloadType
            + retransmission + empty + duplicate + sequence + paused + ceiling + unknownSSRC + noKey + authentication
            + replayed + unprotected + noDataProducer
    }

    /// Every counter by its name in figures.
    public static let reasons: [(name: String, path: WritableKeyPath<DropCounters, UInt64> & Sendable)] = [
        ("unknown_kind", \.unknownKind), ("malformed", \.malformed), ("oversized", \.oversized),
        ("not_connected", \.notConnected), ("foreign_source", \.foreignSource), ("no_producer", \.noProducer),
        ("other_stream", \.otherStream), ("payload_type", \.payloadType), ("retransmission", \.retransmission),
        ("empty", \.empty), ("duplicate", \.duplicate), ("sequence", \.sequence), ("paused", \.paused),
        ("ceiling", \.ceiling), ("unknown_ssrc", \.unknownSSRC), ("no_key", \.noKey),
        ("authentication", \.authentication), ("replayed", \.replayed), ("unprotected", \.unprotected),
        ("no_data_producer", \.noDataProducer),
    ]

    public static func += (sum: inout DropCounters, other: DropCounters) {
        for (_, path) in reasons { sum[keyPath: path] += other[keyPath: path] }
    }
}
