import Base

// Parameters as JSON: mediasoup's validation of them, which also fills in what is absent.

extension RTPParameters {
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("params is not an object") }
        self.init(mid: try members.text("mid", orThrow: "params.mid is not a string"), codecs: [])
        guard let codecs = members["codecs"]?.arrayValue else { throw .type("missing params.codecs") }
        for codec in codecs { self.codecs.append(try RTPCodecParameters(json: codec)) }
        for ext in try members.list("headerExtensions", orThrow: "params.headerExtensions is not an array") {
            headerExtensions.append(try RTPHeaderExtensionParameters(json: ext))
        }
        for encoding in try members.list("encodings", orThrow: "params.encodings is not an array") {
            encodings.append(try RTPEncodingParameters(json: encoding))
        }
        if let given = members.truthy("rtcp") { rtcp = try RTCPParameters(json: given) }
    }

    public var json: JSONValue {
        .object(omittingAbsent: [
            "mid": mid.map { .string($0) },
            "codecs": .array(codecs.map(\.json)),
            "headerExtensions": .array(headerExtensions.map(\.json)),
            "encodings": .array(encodings.map(\.json)),
            "rtcp": rtcp.json,
        ])
    }

    /// The same after validation: values made in code may lack what JSON would have been given.
    func normalised() throws(ORTCError) -> RTPParameters { try RTPParameters(json: json) }
}

extension RTPCodecParameters {
    /// Seven bits: RFC 3550 §5.1.
    static let payloadTypes: ClosedRange<UInt8> = 0...127

    public init(json: JSONValue) throws(ORTCError) {
        let codec = try CodecReader(json)
        self.init(
            mimeType: codec.mimeType,
            payloadType: try codec.members.number("payloadType", of: "codec", in: Self.payloadTypes),
            clockRate: try codec.clockRate(), channels: try codec.channels(), parameters: try codec.parameters(),
            rtcpFeedback: try codec.rtcpFeedback())
    }

    public var json: JSONValue {
        .object(omittingAbsent: [
            "mimeType": .string(mimeType),
            "payloadType": JSONValue(payloadType),
            "clockRate": JSONValue(clockRate),
            "channels": channels.map { JSONValue($0) },
            "parameters": .object(parameters),
            "rtcpFeedback": .array(rtcpFeedback.map(\.json)),
        ])
    }
}

extension RTPHeaderExtensionParameters {
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("ext is not an object") }
        guard let uri = members.truthy("uri")?.stringValue else { throw .type("missing ext.uri") }
        let id = try members.number("id", of: "ext", in: UInt8.min...UInt8.max)
        let encrypt = try members.flag("encrypt", orThrow: "invalid ext.encrypt")
        let parameters = JSONMembers(members["parameters"])?.values ?? [:]
        guard parameters.values.allSatisfy({ $0.isNumber || $0.stringValue != nil }) else {
            throw .type("invalid header extension parameter")
        }
        self.init(uri: uri, id: Int(id), encrypt: encrypt, parameters: parameters)
    }

    public var json: JSONValue {
        [
            "uri": .string(uri), "id": JSONValue(id), "encrypt": .bool(encrypt), "parameters": .object(parameters),
        ]
    }
}

extension RTPEncodingParameters {
    private static let ownMembers: Set<String> = [
        "ssrc", "rid", "codecPayloadType", "rtx", "dtx", "scalabilityMode", "maxBitrate",
    ]

    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("encoding is not an object") }
        self.init()
        if let value = members["ssrc"], value.isTruthy || value.isNumber {
            guard value.isNumber else { throw .type("invalid encoding.ssrc") }
            ssrc = try value.wholeNumber(named: "encoding.ssrc", in: UInt32.min...UInt32.max)
        }
        rid = try members.text("rid", orThrow: "invalid encoding.rid")
        if let value = members.truthy("rtx") {
            guard let rtx = JSONMembers(value) else { throw .type("invalid encoding.rtx") }
            rtxSSRC = try rtx.number("ssrc", of: "encoding.rtx", in: UInt32.min...UInt32.max)
        }
        dtx = members["dtx"]?.boolValue ?? false
        scalabilityMode = try members.text("scalabilityMode", orThrow: "invalid encoding.scalabilityMode")
        // The next two are not looked at by mediasoup's control side; its media side gets them as plain numbers.
        if let value = members["codecPayloadType"], !value.isNull {
            guard value.isNumber else { throw .type("invalid encoding.codecPayloadType") }
            codecPayloadType = try value.wholeNumber(
                named: "encoding.codecPayloadType", in: RTPCodecParameters.payloadTypes)
        }
        if let value = members["maxBitrate"], !value.isNull {
            maxBitrate = try Self.bitrate(value)
        }
        others = members.values.filter { !Self.ownMembers.contains($0.key) }
    }

    /// Applications compute bit rates, so a fraction is rounded down rather than refused.
    private static func bitrate(_ value: JSONValue) throws(ORTCError) -> Int {
        guard value.isNumber else { throw .type("invalid encoding.maxBitrate") }
        let whole = value.doubleValue.flatMap { Int64(exactly: $0.rounded(.down)) }.map { JSONValue.integer($0) }
        return Int(try (whole ?? value).wholeNumber(named: "encoding.maxBitrate", in: UInt32.min...UInt32.max))
    }

    public var json: JSONValue {
        let own: [String: JSONValue?] = [
            "ssrc": ssrc.map { JSONValue($0) },
            "rid": rid.map { .string($0) },
            "codecPayloadType": codecPayloadType.map { JSONValue($0) },
            "rtx": rtxSSRC.map { ["ssrc": JSONValue($0)] },
            "dtx": dtx.map { .bool($0) },
            "scalabilityMode": scalabilityMode.map { .string($0) },
            "maxBitrate": maxBitrate.map { JSONValue($0) },
        ]
        return .object(others.merging(own.compactMapValues { $0 }) { $1 })
    }
}

extension RTCPParameters {
    /// `reducedSize` always ends up true: a false one counts as absent, and true is the default.
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("params.rtcp is not an object") }
        self.init(cname: try members.text("cname", orThrow: "invalid rtcp.cname"), reducedSize: true)
    }

    public var json: JSONValue {
        .object(omittingAbsent: ["cname": cname.map { .string($0) }, "reducedSize": .bool(reducedSize)])
    }
}
