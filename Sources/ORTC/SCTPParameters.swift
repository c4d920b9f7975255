import Base

/// How many SCTP streams a transport has, outgoing and incoming.
public struct SCTPStreamCounts: Sendable, Hashable {
    /// Asked for at first (OS).
    public var outgoing: Int
    /// Allowed to the remote side (MIS). As many can be had in our direction, too.
    public var incoming: Int

    public init(outgoing: Int = 1024, incoming: Int = 1024) { (self.outgoing, self.incoming) = (outgoing, incoming) }

    /// `numSctpStreams`; nil: absent.
    public init?(json: JSONValue?) throws(ORTCError) {
        guard let json, !json.isNull else { return nil }
        guard let outgoing = json["OS"]?.integerValue, let incoming = json["MIS"]?.integerValue else {
            throw .type("if given, numSctpStreams must contain OS and MIS")
        }
        guard (1...65_535).contains(outgoing), (1...65_535).contains(incoming) else {
            throw .type("if given, numSctpStreams must contain OS and MIS of 1 to 65535")
        }
        self.init(outgoing: Int(outgoing), incoming: Int(incoming))
    }
}

/// One data channel: its stream, and how hard is tried for its messages.
public struct SCTPStreamParameters: Sendable, Hashable {
    /// 0…65,534.
    public var streamID: Int
    public var ordered: Bool
    /// In milliseconds.
    public var maxPacketLifeTime: Int?
    public var maxRetransmits: Int?

    /// 0 of either counts as absent.
    /// - Parameter ordered: Nil: unless there is a limit.
    public init(
        streamID: Int, ordered: Bool? = nil, maxPacketLifeTime: Int? = nil, maxRetransmits: Int? = nil
    ) throws(ORTCError) {
        self.streamID = streamID
        self.maxPacketLifeTime = maxPacketLifeTime == 0 ? nil : maxPacketLifeTime
        self.maxRetransmits = maxRetransmits == 0 ? nil : maxRetransmits
        if self.maxPacketLifeTime != nil, self.maxRetransmits != nil {
            throw .type("cannot provide both maxPacketLifeTime and maxRetransmits")
        }
        let isLimited = self.maxPacketLifeTime != nil || self.maxRetransmits != nil
        if ordered == true, isLimited { throw .type("cannot be ordered with maxPacketLifeTime or maxRetransmits") }
        self.ordered = ordered ?? !isLimited
    }

    /// `sctpStreamParameters`, in mediasoup's words when it is wrong.
    public init(json: JSONValue?) throws(ORTCError) {
        guard let json, json.objectValue != nil else { throw .type("params is not an object") }
        func number(_ name: String) throws(ORTCError) -> Int? {
            guard let value = json[name], !value.isNull else { return nil }
            guard let number = value.integerValue, (0...65_535).contains(number) else {
                throw .type("invalid params.\(name)")
            }
            return Int(number)
        }
        guard let stream = json["streamId"]?.integerValue else { throw .type("missing params.streamId") }
        try self.init(
            streamID: Int(clamping: stream), ordered: json["ordered"]?.boolValue,
            maxPacketLifeTime: try number("maxPacketLifeTime"), maxRetransmits: try number("maxRetransmits"))
    }

    public var json: JSONValue {
        var members: [String: JSONValue] = ["streamId": JSONValue(streamID), "ordered": JSONValue(ordered)]
        if let maxPacketLifeTime { members["maxPacketLifeTime"] = JSONValue(maxPacketLifeTime) }
        if let maxRetransmits { members["maxRetransmits"] = JSONValue(maxRetransmits) }
        return .object(members)
    }
}
