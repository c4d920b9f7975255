import Base

/// What can be watched on a transport, producer or consumer. Raw values are mediasoup's.
public enum TraceType: String, Sendable, Hashable, CaseIterable {
    // Producers and consumers.
    case rtp
    case keyFrame = "keyframe"
    case nack
    case pli
    case fir
    /// Producers only.
    case senderReport = "sr"
    // Transports.
    /// The estimated bandwidth of what goes out.
    case bandwidth = "bwe"
    /// Padding that probes for bandwidth.
    case probation
}

/// One thing that was watched.
public struct Trace: Sendable, Hashable {
    public var type: TraceType
    /// Milliseconds of the core's monotonic clock.
    public var timestamp: Int64
    /// Received by the core, as opposed to sent.
    public var isIncoming: Bool
    /// Members are mediasoup's.
    public var info: JSONValue

    public init(type: TraceType, timestamp: Int64, isIncoming: Bool, info: JSONValue) {
        self.type = type
        self.timestamp = timestamp
        self.isIncoming = isIncoming
        self.info = info
    }

    /// As mediasoup's `trace` event has it.
    public var json: JSONValue {
        [
            "type": JSONValue(type.rawValue), "timestamp": JSONValue(timestamp),
            "direction": isIncoming ? "in" : "out", "info": info,
        ]
    }
}
