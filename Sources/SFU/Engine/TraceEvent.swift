import Base

/// What can be watched on a transport, producer or consumer: mediasoup's trace event types.
public struct TraceEventTypes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let rtp = TraceEventTypes(rawValue: 1 << 0)
    public static let keyFrame = TraceEventTypes(rawValue: 1 << 1)
    public static let nack = TraceEventTypes(rawValue: 1 << 2)
    public static let pli = TraceEventTypes(rawValue: 1 << 3)
    public static let fir = TraceEventTypes(rawValue: 1 << 4)
    public static let senderReport = TraceEventTypes(rawValue: 1 << 5)
    /// The estimated bandwidth of what goes out.
    public static let bandwidth = TraceEventTypes(rawValue: 1 << 6)
    /// A packet of padding that probes for bandwidth.
    public static let probation = TraceEventTypes(rawValue: 1 << 7)

    static let ofTransports: TraceEventTypes = [.bandwidth, .probation]
    static let ofProducers: TraceEventTypes = [.rtp, .keyFrame, .nack, .pli, .fir, .senderReport]
    /// Sender reports are what only a producer gets.
    static let ofConsumers: TraceEventTypes = [.rtp, .keyFrame, .nack, .pli, .fir]
    static let ofPackets: TraceEventTypes = [.rtp, .keyFrame]

    private static let all: [(TraceEventTypes, String)] = [
        (.rtp, "rtp"), (.keyFrame, "keyframe"), (.nack, "nack"), (.pli, "pli"), (.fir, "fir"), (.senderReport, "sr"),
        (.probation, "probation"), (.bandwidth, "bwe"),
    ]

    /// Names that mean nothing are ignored, as in mediasoup.
    public init(_ names: [String]) {
        self = []
        for (type, name) in Self.all where names.contains(name) { insert(type) }
    }

    /// In mediasoup's order.
    public var names: [String] { Self.all.filter { contains($0.0) }.map(\.1) }
}

/// One thing that was watched.
public struct TraceEvent: Sendable, Hashable {
    /// Of one type.
    public var type: TraceEventTypes
    public var timestamp: Instant
    /// Received by us, as opposed to sent.
    public var isIncoming: Bool
    /// Members are mediasoup's.
    public var info: JSONValue

    public init(type: TraceEventTypes, timestamp: Instant, isIncoming: Bool, info: JSONValue = [:]) {
        self.type = type
        self.timestamp = timestamp
        self.isIncoming = isIncoming
        self.info = info
    }

    /// As mediasoup's `trace` event has it.
    public var json: JSONValue {
        [
            "type": JSONValue(type.names.first), "timestamp": JSONValue(timestamp.nanoseconds / 1_000_000),
            "direction": isIncoming ? "in" : "out", "info": info,
        ]
    }
}

/// A packet as traces show it.
struct TracedPacket {
    var payloadType: UInt8
    var sequenceNumber: UInt16
    var timestamp: UInt32
    var marker: Bool
    var ssrc: UInt32
    var size: Int
    var payloadSize: Int
    var layers: PacketLayers
    var isRTX = false
    /// Of a packet that came in: the RID that it repaired.
    var repairedRID: String?
    /// The transport-wide number that it came with.
    var wideSequenceNumber: UInt16?

    func info(mid: String?, rid: String? = nil) -> JSONValue {
        [
            "rtpPacket": [
                "payloadType": JSONValue(payloadType), "sequenceNumber": JSONValue(sequenceNumber),
                "timestamp": JSONValue(timestamp), "marker": JSONValue(marker), "ssrc": JSONValue(ssrc),
                "isKeyFrame": JSONValue(layers.startsKeyFrame), "size": JSONValue(size),
                "payloadSize": JSONValue(payloadSize), "spatialLayer": JSONValue(layers.spatial),
                "temporalLayer": JSONValue(layers.temporal), "mid": JSONValue(mid), "rid": JSONValue(rid),
                "rrid": JSONValue(repairedRID), "wideSequenceNumber": wideSequenceNumber.map { JSONValue($0) } ?? .null,
            ],
            "isRtx": JSONValue(isRTX),
        ]
    }
}
