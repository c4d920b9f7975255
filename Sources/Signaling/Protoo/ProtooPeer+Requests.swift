import Base
import Control
import MediaCore
import ORTC
import Protoo

extension ProtooPeer {
    /// Of a client's camera and microphone, asked for by REMB. Bits per second; the demo's.
    private static let maxIncomingBitrate: Int64 = 1_500_000

    /// What the newer dialect tells instead of asking.
    static let orders: Set = [
        "closeProducer", "pauseProducer", "resumeProducer", "pauseConsumer", "resumeConsumer",
        "setConsumerPreferredLayers", "setConsumerPriority", "requestConsumerKeyFrame", "changeDisplayName",
    ]

    private static let onlyJoined = orders.union(["produce", "produceData"])

    /// - Returns: Nil when the answer comes later.
    func perform(_ request: ProtooRequest) async throws -> JSONValue? {
        if Self.onlyJoined.contains(request.method) { try await room.checkJoined(seat) }
        let data = request.data
        switch request.method {
        case "getRouterRtpCapabilities": return PeerJSON.capabilities(room.routerCapabilities, dialect)
        case "join": return try await join(request)
        case "createWebRtcTransport": return try await createTransport(data)
        case "restartIce": return try await restartICE(data)
        case "produce": return try await produce(data)
        case "produceData": return try await produceData(data)
        case "getTransportStats", "getProducerStats", "getConsumerStats", "getDataProducerStats",
            "getDataConsumerStats":
            return try await stats(request.method, data)
        default:
            try await obey(request.method, data)
            return [:]
        }
    }

    // Three of them, and each case one call: Swift 6.3's optimizer can't take all in one function.

    /// What is answered with nothing.
    private func obey(_ method: String, _ data: JSONValue) async throws {
        switch method {
        case "connectWebRtcTransport": try await connect(data)
        case "closeProducer", "pauseProducer", "resumeProducer": try await changeProducer(method, data)
        case "pauseConsumer", "resumeConsumer", "requestConsumerKeyFrame": try await changeConsumer(method, data)
        case "setConsumerPreferredLayers": try await setPreferredLayers(data)
        case "setConsumerPriority": try await setPriority(data)
        case "changeDisplayName": try await room.rename(seat, to: data["displayName"])
        // The demo throttles the whole machine's network for whoever knows a secret; here nobody does.
        case "applyNetworkThrottle", "resetNetworkThrottle", "stopNetworkThrottle":
            throw ProtooRefusal(code: 403, "operation NOT allowed: this gateway does not throttle the network")
        case "getRtcStatsUrl": break
        default: throw ProtooRefusal("unknown request.method \"\(method)\"")
        }
    }

    private func stats(_ method: String, _ data: JSONValue) async throws -> JSONValue {
        switch method {
        case "getTransportStats":
            let id = try await transport(data)
            return stats(try await room.stats(id, of: seat.id))
        case "getProducerStats":
            let id = try await producer(data)
            return stats(try await room.stats(id, of: seat.id))
        case "getConsumerStats":
            let id = try await consumer(data)
            return stats(try await room.stats(id, of: seat.id))
        case "getDataProducerStats": return try await dataProducerStats(data)
        default: return try await dataConsumerStats(data)
        }
    }

    // MARK: - One by one

    private func join(_ request: ProtooRequest) async throws -> JSONValue? {
        let data = request.data
        let capabilities = try data["rtpCapabilities"].flatMap { $0.isNull ? nil : $0 }
            .map { try RTPCapabilities(json: $0) }
        let before = joining
        joining = request.id
        do {
            try await room.join(
                seat, PeerCard(displayName: data["displayName"], device: data["device"]), capabilities: capabilities,
                dataChannels: takesDataChannels(data))
        } catch {
            joining = before
            throw error
        }
        return nil
    }

    private func createTransport(_ data: JSONValue) async throws -> JSONValue {
        let direction = data["appData"]?["direction"]?.stringValue
        let isClassic = data["producing"] != nil || data["consuming"] != nil
        if dialect == .unknown, isClassic || direction != nil { dialect = isClassic ? .classic : .modern }
        let request = WebRTCTransportRequest(
            producing: data["producing"].isTruthy || direction == "producer",
            consuming: data["consuming"].isTruthy || direction == "consumer",
            enableUDP: !data["forceTcp"].isTruthy, sctp: try sctp(for: data))
        let made = try await room.createWebRTCTransport(for: seat.id, request)
        do { try await room.ownTransport(made.id, of: seat) } catch {
            // Another connection has the place now; this transport is nobody's.
            try? await room.closeTransport(made.id, of: seat.id)
            throw error
        }
        if dialect != .modern { try? await room.watchDownlink(of: made.id, of: seat.id) }
        try? await room.setMaxIncomingBitrate(Self.maxIncomingBitrate, of: made.id, of: seat.id)
        return PeerJSON.transport(made, dialect)
    }

    private func connect(_ data: JSONValue) async throws {
        let id = try await transport(data)
        try await room.connect(id, of: seat.id, DTLSParameters(json: data["dtlsParameters"]))
    }

    private func restartICE(_ data: JSONValue) async throws -> JSONValue {
        let id = try await transport(data)
        return PeerJSON.iceParameters(try await room.restartICE(id, of: seat.id), dialect)
    }

    private func changeProducer(_ method: String, _ data: JSONValue) async throws {
        let id = try await producer(data)
        switch method {
        case "closeProducer": try await room.closeProducer(id, of: seat.id)
        case "pauseProducer": try await room.pause(id, of: seat.id)
        default: try await room.resume(id, of: seat.id)
        }
    }

    private func changeConsumer(_ method: String, _ data: JSONValue) async throws {
        let id = try await consumer(data)
        switch method {
        case "pauseConsumer": try await room.pause(id, of: seat.id)
        case "resumeConsumer": try await room.resume(id, of: seat.id)
        default: try await room.requestKeyFrame(id, of: seat.id)
        }
    }

    private func produce(_ data: JSONValue) async throws -> JSONValue {
        let id = try await transport(data)
        let options = ProduceOptions(
            kind: try MediaKind(json: data["kind"]),
            rtpParameters: try RTPParameters(json: data["rtpParameters"] ?? .null))
        var appData = data["appData"]?.objectValue ?? [:]
        appData["peerId"] = .string(seat.id)
        let made = try await room.produce(on: id, of: seat.id, options, appData: .object(appData))
        return PeerJSON.made("producerId", made.id.rawValue, dialect)
    }

    private func setPreferredLayers(_ data: JSONValue) async throws {
        let id = try await consumer(data)
        guard let spatial = data["spatialLayer"]?.integerValue else {
            throw ControlError.type("spatialLayer must be a number")
        }
        var temporal: Int64?
        if let given = data["temporalLayer"], !given.isNull {
            guard let number = given.integerValue else {
                throw ControlError.type("if given, temporalLayer must be a number")
            }
            temporal = number
        }
        let layers = WantedLayers(
            spatialLayer: Int(clamping: spatial), temporalLayer: temporal.map { Int(clamping: $0) })
        try await room.setPreferredLayers(layers, of: id, of: seat.id)
    }

    private func setPriority(_ data: JSONValue) async throws {
        let id = try await consumer(data)
        guard let priority = data["priority"]?.integerValue, priority >= 0 else {
            throw ControlError.type("priority must be a positive number")
        }
        try await room.setPriority(Int(clamping: priority), of: id, of: seat.id)
    }

    func stats(_ list: JSONValue) -> JSONValue { dialect == .modern ? ["stats": list] : list }

    // MARK: - Its own objects

    func transport(_ data: JSONValue) async throws -> TransportID {
        let id = TransportID(rawValue: Self.word(data["transportId"]))
        try await room.ownTransport(id, of: seat)
        return id
    }

    private func producer(_ data: JSONValue) async throws -> ProducerID {
        let id = ProducerID(rawValue: Self.word(data["producerId"]))
        try await room.ownProducer(id, of: seat)
        return id
    }

    private func consumer(_ data: JSONValue) async throws -> ConsumerID {
        let id = ConsumerID(rawValue: Self.word(data["consumerId"]))
        try await room.ownConsumer(id, of: seat)
        return id
    }

    /// As JavaScript puts it into a text.
    static func word(_ value: JSONValue?) -> String {
        switch value {
        case nil: "undefined"
        case .string(let text): String(text.prefix(256))
        case .some(let other): String(other.text.prefix(256))
        }
    }
}

extension DTLSParameters {
    /// As a client tells it: `{role?, fingerprints: [{algorithm, value}]}`.
    init(json: JSONValue?) throws(ControlError) {
        guard let json, json.objectValue != nil else { throw .type("missing dtlsParameters") }
        guard let list = json["fingerprints"]?.arrayValue else {
            throw .type("dtlsParameters.fingerprints is not iterable")
        }
        var fingerprints: [DTLSFingerprint] = []
        for entry in list {
            guard let algorithm = entry["algorithm"]?.stringValue, let value = entry["value"]?.stringValue else {
                throw .type("dtlsParameters.fingerprints holds something that is not {algorithm, value}")
            }
            guard ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"].contains(algorithm) else {
                throw .type("invalid FingerprintAlgorithm: \(algorithm)")
            }
            fingerprints.append(DTLSFingerprint(algorithm: algorithm, value: value))
        }
        let word = json["role"].flatMap { $0.isNull ? nil : $0 } ?? "auto"
        guard let role = word.stringValue.flatMap({ Role(rawValue: $0) }) else {
            throw .type("invalid DtlsRole: \(word.stringValue ?? word.text)")
        }
        self.init(role: role, fingerprints: fingerprints)
    }
}
