import Base

// Capabilities as JSON: mediasoup's validation of them, which also fills in what is absent.

extension RTPCapabilities {
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("caps is not an object") }
        self.init()
        for codec in try members.list("codecs", orThrow: "caps.codecs is not an array") {
            codecs.append(try RTPCodecCapability(json: codec))
        }
        for ext in try members.list("headerExtensions", orThrow: "caps.headerExtensions is not an array") {
            headerExtensions.append(try RTPHeaderExtension(json: ext))
        }
    }

    public var json: JSONValue {
        ["codecs": .array(codecs.map(\.json)), "headerExtensions": .array(headerExtensions.map(\.json))]
    }

    /// The same after validation: values made in code may lack what JSON would have been given.
    func normalised() throws(ORTCError) -> RTPCapabilities { try RTPCapabilities(json: json) }
}

extension RTPCodecCapability {
    /// The kind is always that of the mime type, whatever `kind` says.
    public init(json: JSONValue) throws(ORTCError) {
        let codec = try CodecReader(json)
        var payloadType: UInt8?
        if let value = codec.members["preferredPayloadType"], value.isTruthy || value.isNumber {
            guard value.isNumber else { throw .type("invalid codec.preferredPayloadType") }
            payloadType = try value.wholeNumber(
                named: "codec.preferredPayloadType", in: RTPCodecParameters.payloadTypes)
        }
        self.init(
            kind: codec.kind, mimeType: codec.mimeType, preferredPayloadType: payloadType,
            clockRate: try codec.clockRate(), channels: try codec.channels(), parameters: try codec.parameters(),
            rtcpFeedback: try codec.rtcpFeedback())
    }

    public var json: JSONValue {
        .object(omittingAbsent: [
            "kind": .string(kind.rawValue),
            "mimeType": .string(mimeType),
            "preferredPayloadType": preferredPayloadType.map { JSONValue($0) },
            "clockRate": JSONValue(clockRate),
            "channels": channels.map { JSONValue($0) },
            "parameters": .object(parameters),
            "rtcpFeedback": .array(rtcpFeedback.map(\.json)),
        ])
    }
}

extension RTPHeaderExtension {
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("ext is not an object") }
        guard let kind = members["kind"]?.stringValue.flatMap(MediaKind.init(rawValue:)) else {
            throw .type("invalid ext.kind")
        }
        guard let uri = members.truthy("uri")?.stringValue else { throw .type("missing ext.uri") }
        let id = try members.number("preferredId", of: "ext", in: UInt8.min...UInt8.max)
        let encrypt = try members.flag("preferredEncrypt", orThrow: "invalid ext.preferredEncrypt")
        let direction = try members.text("direction", orThrow: "invalid ext.direction") ?? ""
        self.init(
            kind: kind, uri: uri, preferredID: Int(id), preferredEncrypt: encrypt,
            direction: direction.isEmpty ? .sendrecv : Direction(rawValue: direction))
    }

    public var json: JSONValue {
        [
            "kind": .string(kind.rawValue),
            "uri": .string(uri),
            "preferredId": JSONValue(preferredID),
            "preferredEncrypt": .bool(preferredEncrypt),
            "direction": .string(direction.rawValue),
        ]
    }
}
