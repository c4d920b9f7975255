extension RTPParameters {
    /// The codec that an encoding carries: the one it names, else the first media codec.
    public func codec(for encoding: RTPEncodingParameters) -> RTPCodecParameters? {
        guard let named = encoding.codecPayloadType else { return codecs.first { $0.isMedia } }
        return codecs.first { $0.payloadType == named }
    }

    /// The codec of an encoding's retransmissions.
    public func rtxCodec(for encoding: RTPEncodingParameters) -> RTPCodecParameters? {
        guard let repeated = codec(for: encoding)?.payloadType else { return nil }
        return codecs.first { $0.isRTX && $0.associatedPayloadType == repeated }
    }

    /// The id under which an extension travels; nil when it wasn't negotiated.
    public func id(of uri: RTPHeaderExtensionURI) -> UInt8? {
        headerExtensions.first { $0.uri == uri.rawValue }.flatMap { UInt8(exactly: $0.id) }
    }
}

extension RTPCodecParameters {
    /// Whether a parameter is 1, as a number or as text.
    public func isOn(_ parameter: String) -> Bool { parameters[parameter] == 1 || parameters[parameter] == "1" }
}

/// The CNAME that belongs to producers with one clock, so that receivers can play them in time with each other.
///
/// The first producer that names one decides; without one, a random text does. All producers then get it, whatever
/// they named. mediasoup does so for each transport; we keep one for all transports of a broadcaster, or receivers
/// couldn't synchronise its audio and video.
public struct SharedCNAME: Sendable, Hashable {
    public private(set) var value: String?

    public init(_ value: String? = nil) { self.value = value }

    /// - Parameter random: used when nobody named one; mediasoup takes the first eight characters of a UUID.
    public mutating func apply(to parameters: inout RTPParameters, orUse random: @autoclosure () -> String) {
        let named = parameters.rtcp.cname.flatMap { $0.isEmpty ? nil : $0 }
        let cname = value ?? named ?? random()
        value = cname
        parameters.rtcp.cname = cname
    }
}
