import Base
import SFU
import TestSupport
import Testing

/// A scenario as mediasoup 3.14.16 was recorded in it: what was done, and what each step told whom.
struct Recording {
    struct Step {
        var name: String
        var told: [String] = []
        /// Properties that were read, in their order.
        var states: [JSONValue] = []
    }

    let name: String
    private let hasData: Bool
    private(set) var steps: [Step] = [Step(name: "")]

    /// - Parameter hasData: Events of data producers and data consumers are compared, too.
    init(_ name: String, hasData: Bool = false) throws {
        self.name = name
        self.hasData = hasData
        let scenarios = try Vectors.json("mediasoup-3.14.16/event-order.json").arrayValue ?? []
        let found = try #require(scenarios.first { $0["name"]?.stringValue == name }, "no scenario named \(name)")
        for entry in found["log"]?.arrayValue ?? [] { take(entry) }
    }

    /// All that was told from the beginning to the end.
    var told: [String] { steps.flatMap(\.told) }

    /// One step; of several with that name, one behind another.
    func step(_ name: String, _ place: Int = 0) throws -> Step {
        let found = steps.filter { $0.name == name }
        try #require(place < found.count, "no step \(name) in \(self.name)")
        return found[place]
    }

    private mutating func take(_ entry: JSONValue) {
        if let step = entry["step"]?.stringValue, step != "returned" {
            steps.append(Step(name: step))
            return
        }
        guard let object = entry["on"]?.stringValue, let event = entry["event"]?.stringValue else { return }
        let argument = entry["args"]?.arrayValue?.first
        if event == "state" {
            if let argument { steps[steps.count - 1].states.append(argument) }
        } else if Self.skipped(object) == nil || hasData && object.hasPrefix("data"),
            let text = Self.text(event, argument)
        {
            steps[steps.count - 1].told.append("\(Self.shortName(object)) \(text)")
        }
    }

    /// "consumer3 (on t4)" is "consumer3".
    static func shortName(_ object: String) -> String {
        object.split(separator: "(")[0].split(separator: " ").joined(separator: "-")
    }

    /// Why events of an object are not compared here; nil: they are.
    static func skipped(_ object: String) -> String? {
        let name = shortName(object)
        if name.hasPrefix("data") { return "DataCascadeTests compares them" }
        if name == "webrtc" || name == "webRtcServer" { return "WebRTC comes in an issue of its own" }
        return switch name {
        case "worker": "a worker is no process here: `subprocessclose` has no meaning"
        case "dump", "score", "state", "received-by-the-consumer", "RTCP-received-by-the-sender", "final",
            "received-over-the-SCTP-pipe":
            "a note of the recording, no event"
        default: nil
        }
    }

    /// Nil: not compared, because it was thinned out in the recording or belongs to what is skipped.
    static func text(_ event: String, _ argument: JSONValue?) -> String? {
        switch event {
        case "score": return "score \(score(argument))"
        case "layerschange": return "layerschange \(layers(argument))"
        case "trace":
            guard argument?["type"] == "pli", let ssrc = argument?["info"]?["ssrc"]?.integerValue else { return nil }
            return "trace pli \(ssrc)"
        case "volumes":
            let volumes = argument?.arrayValue ?? []
            return "volumes "
                + volumes.map { "\($0["producer"]?.stringValue ?? "") \($0["volume"]?.integerValue ?? 0)" }
                .joined(separator: ",")
        case "dominantspeaker": return "dominantspeaker \(argument?["producer"]?.stringValue ?? "")"
        // Of a transport whose remote side answered: not in the scenes of these tests.
        case "sctpstatechange": return nil
        // Those were recorded with all their bytes counted: "bytes:5", PPID.
        case "message": return "message"
        default: return event
        }
    }

    private static func score(_ argument: JSONValue?) -> String {
        if let entries = argument?.arrayValue {
            return entries.map {
                "\($0["encodingIdx"]?.integerValue ?? -1):\($0["ssrc"]?.integerValue ?? -1)=\($0["score"]?.integerValue ?? -1)"
            }.joined(separator: " ")
        }
        let all = argument?["producerScores"]?.arrayValue ?? []
        return
            "\(argument?["score"]?.integerValue ?? -1) \(argument?["producerScore"]?.integerValue ?? -1) of \(all.map { $0.integerValue ?? -1 })"
    }

    private static func layers(_ argument: JSONValue?) -> String {
        guard let spatial = argument?["spatialLayer"]?.integerValue,
            let temporal = argument?["temporalLayer"]?.integerValue
        else { return "none" }
        return "\(spatial).\(temporal)"
    }
}

extension SFUEvent {
    /// In the words of a `Recording`. Nil: ours alone, mediasoup tells nothing of the kind.
    var recorded: String? {
        switch self {
        case .transportConnected(let id, _): "\(id) tuple"
        case .transportRTCPConnected(let id, _): "\(id) rtcptuple"
        case .iceSelectedTuple(let id, _): "\(id) iceselectedtuplechange"
        case .iceState(let id, let state): "\(id) icestatechange \(state.rawValue)"
        case .dtlsState(let id, let state): "\(id) dtlsstatechange \(state.name)"
        case .routerClosed(let id): "\(id) workerclose"
        case .transportClosed(let id): "\(id) routerclose"
        case .producerClosed(let id): "\(id) transportclose"
        case .consumerClosed(let id, let reason): "\(id) \(reason.rawValue)"
        case .consumerProducerPaused(let id, let isPaused): "\(id) \(isPaused ? "producerpause" : "producerresume")"
        case .producerScore(let id, let scores):
            "\(id) score " + scores.map { "\($0.encodingIndex):\($0.ssrc)=\($0.score)" }.joined(separator: " ")
        case .consumerScore(let id, let score):
            "\(id) score \(score.score) \(score.producerScore) of \(score.producerScores)"
        case .consumerLayers(let id, let layers): "\(id) layerschange \(layers?.description ?? "none")"
        case .transportTrace(let id, let trace):
            Recording.text("trace", trace.json).map { "\(id) \($0)" }
        case .producerTrace(let id, let trace):
            Recording.text("trace", trace.json).map { "\(id) \($0)" }
        case .consumerTrace(let id, let trace):
            Recording.text("trace", trace.json).map { "\(id) \($0)" }
        case .producerVideoOrientation(let id, _): "\(id) videoorientationchange"
        case .observer(let id, let event):
            switch event {
            case .volumes(let volumes):
                "\(id) volumes " + volumes.map { "\($0.producer) \($0.volume)" }.joined(separator: ",")
            case .silence: "\(id) silence"
            case .dominantSpeaker(let producer): "\(id) dominantspeaker \(producer)"
            case .closed: "\(id) routerclose"
            }
        case .sctpState: nil
        case .dataProducerClosed(let id): "\(id) transportclose"
        case .dataConsumerClosed(let id, let reason): "\(id) \(reason.rawValue)"
        case .dataConsumerProducerPaused(let id, let isPaused):
            "\(id) \(isPaused ? "dataproducerpause" : "dataproducerresume")"
        case .dataConsumerMessage(let id, _): "\(id) message"
        case .dataConsumerBufferFull(let id): "\(id) sctpsendbufferfull"
        case .dataConsumerBufferLow(let id, let amount): "\(id) bufferedamountlow \(amount)"
        case .producerFlowing: nil
        }
    }
}

extension Stage {
    /// What was told since the last call.
    func told() -> [String] {
        collect()
        return takeEvents().compactMap(\.recorded)
    }

    // The engine is no copyable value, so the macros of tests can't look into it themselves.
    var parts: EngineParts { engine.parts }
    func dump(_ id: RouterID) throws -> JSONValue { try engine.dump(of: id) }
    func dump(_ id: TransportID) throws -> JSONValue { try engine.dump(of: id) }

    /// Nothing lives but routers that have nothing.
    func expectNothingLeft(routers: Int = 0, sourceLocation: SourceLocation = #_sourceLocation) {
        flush()
        #expect(engine.population == MediaEngine.Population(routers: routers), sourceLocation: sourceLocation)
        #expect(parts == EngineParts(), sourceLocation: sourceLocation)
        pass(.seconds(20))
        #expect(engine.nextDeadline == nil, "a timer of what has gone", sourceLocation: sourceLocation)
        #expect(events.isEmpty, sourceLocation: sourceLocation)
    }

    /// The tables of a transport that has lost its producers and consumers.
    func expectEmpty(_ id: TransportID, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let dump = try engine.dump(of: id)
        for name in ["producerIds", "consumerIds", "mapSsrcConsumerId", "mapRtxSsrcConsumerId"] {
            #expect(dump[name] == [], "\(name) of \(id)", sourceLocation: sourceLocation)
        }
        for name in ["ssrcTable", "midTable", "ridTable"] {
            #expect(dump["rtpListener"]?[name] == [], "\(name) of \(id)", sourceLocation: sourceLocation)
        }
    }

    /// A transport of this process' own code.
    func direct(_ name: String, router: RouterID = Stage.room) throws -> Port {
        let id = TransportID(rawValue: name)
        let socket = makeEndpoint().socket
        try engine.createDirectTransport(
            DirectTransportSetup(router: router, id: id, socket: socket), now: now, into: &outbox)
        let tuples = engine.tuples(of: id)
        return Port(id: id, rtp: socket, rtcp: nil, tuples: try #require(tuples))
    }

    func observe(_ producers: [String] = []) throws {
        for (name, kind) in [
            ("audioLevelObserver", RTPObserverSetup.Kind.audioLevel()), ("activeSpeakerObserver", .activeSpeaker()),
        ] {
            let id = RTPObserverID(rawValue: name)
            try engine.createObserver(RTPObserverSetup(router: Stage.room, id: id, kind: kind), now: now)
            for producer in producers { try engine.addProducer(ProducerID(rawValue: producer), to: id, now: now) }
        }
    }
}
