import Base

/// What one producer sends, or one consumer gets. Field names are mediasoup's, to the letter.
public struct RTPParameters: Sendable, Hashable {
    public var mid: String?
    public var codecs: [RTPCodecParameters]
    public var headerExtensions: [RTPHeaderExtensionParameters]
    public var encodings: [RTPEncodingParameters]
    public var rtcp: RTCPParameters

    public init(
        mid: String? = nil, codecs: [RTPCodecParameters], headerExtensions: [RTPHeaderExtensionParameters] = [],
        encodings: [RTPEncodingParameters] = [], rtcp: RTCPParameters = RTCPParameters()
    ) {
        self.mid = mid
        self.codecs = codecs
        self.headerExtensions = headerExtensions
        self.encodings = encodings
        self.rtcp = rtcp
    }
}

public struct RTPCodecParameters: Sendable, Hashable {
    public var mimeType: String
    public var payloadType: UInt8
    /// In Hz.
    public var clockRate: Int
    public var channels: Int?
    /// Values are strings or numbers only.
    public var parameters: [String: JSONValue]
    public var rtcpFeedback: [RTCPFeedback]

    public init(
        mimeType: String, payloadType: UInt8, clockRate: Int, channels: Int? = nil,
        parameters: [String: JSONValue] = [:], rtcpFeedback: [RTCPFeedback] = []
    ) {
        self.mimeType = mimeType
        self.payloadType = payloadType
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.rtcpFeedback = rtcpFeedback
    }
}

public struct RTPHeaderExtensionParameters: Sendable, Hashable {
    public var uri: String
    public var id: Int
    public var encrypt: Bool
    public var parameters: [String: JSONValue]

    public init(uri: String, id: Int, encrypt: Bool = false, parameters: [String: JSONValue] = [:]) {
        self.uri = uri
        self.id = id
        self.encrypt = encrypt
        self.parameters = parameters
    }
}

public struct RTPEncodingParameters: Sendable, Hashable {
    public var ssrc: UInt32?
    public var rid: String?
    public var codecPayloadType: UInt8?
    public var rtxSSRC: UInt32?
    public var dtx: Bool?
    public var scalabilityMode: String?
    public var maxBitrate: Int?
    /// Members that negotiation only passes through (`active`, `scaleResolutionDownBy`, …).
    public var others: [String: JSONValue]

    public init(
        ssrc: UInt32? = nil, rid: String? = nil, codecPayloadType: UInt8? = nil, rtxSSRC: UInt32? = nil,
        dtx: Bool? = nil, scalabilityMode: String? = nil, maxBitrate: Int? = nil, others: [String: JSONValue] = [:]
    ) {
        self.ssrc = ssrc
        self.rid = rid
        self.codecPayloadType = codecPayloadType
        self.rtxSSRC = rtxSSRC
        self.dtx = dtx
        self.scalabilityMode = scalabilityMode
        self.maxBitrate = maxBitrate
        self.others = others
    }
}

public struct RTCPParameters: Sendable, Hashable {
    public var cname: String?
    public var reducedSize: Bool

    public init(cname: String? = nil, reducedSize: Bool = true) {
        self.cname = cname
        self.reducedSize = reducedSize
    }
}
