import Base

extension Fact {
    /// The members that a fact adds to its event's JSON.
    public var payload: [String: JSONValue] {
        switch self {
        case .roomCreated(let room): ["room": .string(room)]
        case .roomClosed(let room, let reason): ["room": .string(room), "reason": .string(reason)]
        case .broadcasterCreated(let subject): subject.members
        case .broadcasterClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        case .transportCreated, .transportConnected, .transportState, .transportPath, .transportSCTPState,
            .transportClosed:
            transportPayload
        case .producerCreated, .producerPaused, .producerResumed, .producerScore, .producerClosed, .mediaFlowing,
            .mediaNotFlowing, .speakerLoudest, .speakerDominant:
            producerPayload
        case .speakerSilence(let room): ["room": .string(room)]
        case .consumerCreated, .consumerPaused, .consumerResumed, .consumerScore, .consumerLayers, .consumerClosed:
            consumerPayload
        case .dataProducerCreated, .dataProducerPaused, .dataProducerResumed, .dataProducerClosed,
            .dataConsumerCreated, .dataConsumerPaused, .dataConsumerResumed, .dataConsumerClosed:
            dataPayload
        case .pipelineStarting, .pipelineRunning, .pipelineFailed, .pipelineFinished: pipelinePayload
        case .ingestOpened, .ingestWaiting, .ingestInterrupted, .ingestResumed: ingestPayload
        case .recordingArmed, .recordingStarted, .recordingFinished, .recordingFailed: recordingPayload
        case .gap(let reason, let missed):
            ["reason": .string(reason.rawValue)].with("missed", missed.map { JSONValue($0) })
        }
    }

    private var transportPayload: [String: JSONValue] {
        switch self {
        case .transportCreated(let subject, let ip, let port, let rtcpPort, let comedia):
            subject.members.with("ip", .string(ip)).with("port", JSONValue(port))
                .with("rtcpPort", rtcpPort.map { JSONValue($0) }).with("comedia", .bool(comedia))
        case .transportConnected(let subject, let ip, let port, let rtcp):
            subject.members.with("remoteIp", .string(ip)).with("remotePort", JSONValue(port)).with("rtcp", .bool(rtcp))
        case .transportState(let subject, let ice, let dtls, let reason):
            subject.members.with("iceState", .string(ice)).with("dtlsState", .string(dtls))
                .with("reason", reason.map { .string($0) })
        case .transportSCTPState(let subject, let state): subject.members.with("sctpState", .string(state))
        case .transportPath(
            let subject, let localIP, let localPort, let remoteIP, let remotePort, let transportProtocol):
            subject.members.with("localIp", .string(localIP)).with("localPort", JSONValue(localPort))
                .with("remoteIp", .string(remoteIP)).with("remotePort", JSONValue(remotePort))
                .with("protocol", .string(transportProtocol))
        case .transportClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        default: [:]
        }
    }

    private var producerPayload: [String: JSONValue] {
        switch self {
        case .producerCreated(let subject, let type, let paused):
            subject.members.with("producerType", .string(type)).with("paused", .bool(paused))
        case .producerPaused(let subject), .producerResumed(let subject), .mediaFlowing(let subject),
            .mediaNotFlowing(let subject), .speakerDominant(let subject):
            subject.members
        case .speakerLoudest(let subject, let volume): subject.members.with("volume", JSONValue(volume))
        case .producerScore(let subject, let scores):
            subject.members.with("scores", .array(scores.map(\.json)))
        case .producerClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        default: [:]
        }
    }

    private var consumerPayload: [String: JSONValue] {
        switch self {
        case .consumerCreated(let subject, let type, let paused, let producerPaused):
            subject.members.with("consumerType", .string(type)).with("paused", .bool(paused))
                .with("producerPaused", .bool(producerPaused))
        case .consumerPaused(let subject, let byProducer), .consumerResumed(let subject, let byProducer):
            subject.members.with("byProducer", .bool(byProducer))
        case .consumerScore(let subject, let score, let producerScore):
            subject.members.with("score", JSONValue(score)).with("producerScore", JSONValue(producerScore))
        case .consumerLayers(let subject, let layers):
            subject.members.with("spatialLayer", layers.map { JSONValue($0.spatialLayer) })
                .with("temporalLayer", layers.map { JSONValue($0.temporalLayer) })
        case .consumerClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        default: [:]
        }
    }

    private var pipelinePayload: [String: JSONValue] {
        switch self {
        case .pipelineStarting(let subject, let processID):
            subject.members(id: "pipelineId").with("pid", processID.map { JSONValue($0) })
        case .pipelineRunning(let subject): subject.members(id: "pipelineId")
        case .pipelineFailed(let subject, let code, let message):
            subject.members(id: "pipelineId").with("code", .string(code)).with("message", .string(message))
        case .pipelineFinished(let subject, let seconds):
            subject.members(id: "pipelineId").with("seconds", .double(seconds))
        default: [:]
        }
    }

    private var ingestPayload: [String: JSONValue] {
        switch self {
        case .ingestOpened(let subject, let duration, let tracks):
            subject.ingestMembers.with("durationSeconds", duration.map { .double($0) })
                .with("tracks", .array(tracks.map(\.json)))
        case .ingestWaiting(let subject, let recordings, let atMost):
            subject.ingestMembers.with("recordings", .array(recordings.map { .string($0) }))
                .with("atMostSeconds", .double(atMost))
        case .ingestInterrupted(let subject, let reason, let attempts, let retrySeconds):
            subject.ingestMembers.with("reason", .string(reason)).with("attempts", JSONValue(attempts))
                .with("retrySeconds", retrySeconds.map { .double($0) })
        case .ingestResumed(let subject, let afterSeconds):
            subject.ingestMembers.with("afterSeconds", .double(afterSeconds))
        default: [:]
        }
    }

    private var recordingPayload: [String: JSONValue] {
        switch self {
        case .recordingArmed(let subject), .recordingStarted(let subject): subject.recordingMembers
        case .recordingFinished(let subject, let seconds, let bytes):
            subject.recordingMembers.with("seconds", .double(seconds)).with("bytes", JSONValue(bytes))
        case .recordingFailed(let subject, let code, let message):
            subject.recordingMembers.with("code", .string(code)).with("message", .string(message))
        default: [:]
        }
    }
}

// MARK: - Subjects as members

extension BroadcasterSubject {
    fileprivate var members: [String: JSONValue] {
        [
            "room": .string(room), "broadcasterId": .string(id), "broadcasterName": .string(displayName),
            "role": .string(role),
        ]
    }
}

extension TransportSubject {
    var members: [String: JSONValue] { broadcaster.members.with("transportId", .string(id)) }
}

extension ProducerSubject {
    fileprivate var members: [String: JSONValue] {
        transport.members.with("producerId", .string(id)).with("kind", .string(kind)).with("codec", .string(codec))
    }
}

extension ConsumerSubject {
    fileprivate var members: [String: JSONValue] {
        transport.members.with("consumerId", .string(id)).with("producerId", .string(producerID))
            .with("kind", .string(kind)).with("codec", .string(codec))
    }
}

extension PipelineSubject {
    fileprivate func members(id key: String) -> [String: JSONValue] {
        ["room": .string(room), key: .string(id), "kind": .string(kind.rawValue), "name": .string(name)]
    }

    fileprivate var ingestMembers: [String: JSONValue] {
        ["room": .string(room), "ingestId": .string(id), "source": .string(name)]
    }

    fileprivate var recordingMembers: [String: JSONValue] {
        ["room": .string(room), "recordingId": .string(id), "file": .string(name)]
    }
}

extension OpenedTrack {
    fileprivate var json: JSONValue {
        [
            "kind": .string(kind), "description": .string(description), "treatment": .string(treatment),
            "reason": .string(reason), "codec": .string(codec),
        ]
    }
}

extension StreamScore {
    fileprivate var json: JSONValue {
        .object(omittingAbsent: ["ssrc": JSONValue(ssrc), "rid": rid.map { .string($0) }, "score": JSONValue(score)])
    }
}

extension [String: JSONValue] {
    /// The same with one member more, unless its value is absent.
    func with(_ key: String, _ value: JSONValue?) -> Self {
        guard let value else { return self }
        var members = self
        members[key] = value
        return members
    }
}
