extension Event {
    /// One line for people: `12:31:07.123  producer.created     demo      video VP8 by test source`.
    ///
    /// Names stand where they exist; ids are left to the JSON. Control characters in names are shown as `?`, so that
    /// nobody's display name can steer a terminal or forge a line of a log.
    /// - Parameter utcOffsetSeconds: Of the reader's time zone; 0: UTC.
    public func line(utcOffsetSeconds: Int = 0) -> String {
        let clock = UTCTime(unixMilliseconds: unixMilliseconds + Int64(utcOffsetSeconds) * 1000).clock
        return "\(clock)  \(words)"
    }

    /// The line without its time, for a log that has its own.
    public var words: String {
        let columns = [padded(fact.name, 19), padded(fact.room ?? "-", 8), fact.details].filter { !$0.isEmpty }
        let text = columns.joined(separator: "  ")
        return String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
            .trimmingTrailingSpaces
    }

    /// The ids that it bears, by member name.
    public var ids: [(name: String, value: String)] {
        fact.payload.compactMap { name, value in
            name.hasSuffix("Id") ? value.stringValue.map { (name, $0) } : nil
        }.sorted { $0.0 < $1.0 }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension Fact {
    /// What the line says after the name and the room.
    var details: String {
        switch self {
        case .roomCreated: ""
        case .roomClosed(_, let reason): words(for: reason)
        case .broadcasterCreated(let subject): subject.displayName
        case .broadcasterClosed(let subject, let reason): "\(subject.displayName), \(words(for: reason))"
        case .transportCreated, .transportConnected, .transportState, .transportPath, .transportSCTPState,
            .transportClosed:
            transportDetails
        case .producerCreated(let subject, _, let paused): subject.words + (paused ? ", paused" : "")
        case .producerPaused(let subject), .producerResumed(let subject), .mediaFlowing(let subject),
            .mediaNotFlowing(let subject), .speakerDominant(let subject):
            subject.words
        case .speakerLoudest(let subject, let volume): "\(subject.words), \(volume) dBov"
        case .speakerSilence: ""
        case .producerScore(let subject, let scores):
            "\(subject.words), score \(scores.map { "\($0.score)" }.joined(separator: " "))"
        case .producerClosed(let subject, let reason): "\(subject.words), \(words(for: reason))"
        case .consumerCreated(let subject, _, let paused, _): subject.words + (paused ? ", paused" : "")
        case .consumerPaused(let subject, let byProducer), .consumerResumed(let subject, let byProducer):
            subject.words + (byProducer ? ", by its producer" : "")
        case .consumerScore(let subject, let score, _): "\(subject.words), score \(score)"
        case .consumerLayers(let subject, let layers):
            "\(subject.words), "
                + (layers.map { "spatial layer \($0.spatialLayer), temporal layer \($0.temporalLayer)" } ?? "no layer")
        case .consumerClosed(let subject, let reason): "\(subject.words), \(words(for: reason))"
        case .dataProducerCreated, .dataProducerPaused, .dataProducerResumed, .dataProducerClosed,
            .dataConsumerCreated, .dataConsumerPaused, .dataConsumerResumed, .dataConsumerClosed:
            dataDetails
        case .gap(let reason, let missed): gapDetails(reason, missed)
        default: pipelineDetails
        }
    }

    private var transportDetails: String {
        switch self {
        case .transportCreated(let subject, let ip, let port, let rtcpPort, _):
            "\(endpoint(ip, port))\(rtcpPort.map { ", RTCP \($0)," } ?? "") of \(subject.broadcaster.displayName)"
        case .transportConnected(let subject, let ip, let port, let rtcp):
            "\(rtcp ? "RTCP" : "RTP") with \(endpoint(ip, port)), \(subject.broadcaster.displayName)"
        case .transportState(let subject, let ice, let dtls, let reason):
            "ICE \(ice), DTLS \(dtls), \(subject.broadcaster.displayName)\(reason.map { ": \($0)" } ?? "")"
        case .transportSCTPState(let subject, let state): "SCTP \(state), \(subject.broadcaster.displayName)"
        case .transportPath(
            let subject, let localIP, let localPort, let remoteIP, let remotePort, let transportProtocol):
            "\(transportProtocol.uppercased()) \(endpoint(localIP, localPort)) with \(endpoint(remoteIP, remotePort)), "
                + subject.broadcaster.displayName
        case .transportClosed(let subject, let reason):
            "of \(subject.broadcaster.displayName), \(words(for: reason))"
        default: ""
        }
    }

    private var pipelineDetails: String {
        switch self {
        case .pipelineStarting(let subject, let pid): subject.words + (pid.map { ", process \($0)" } ?? "")
        case .pipelineRunning(let subject): subject.words
        case .pipelineFailed(let subject, let code, let message): "\(subject.words): \(message) (\(code))"
        case .pipelineFinished(let subject, let seconds): "\(subject.words) after \(tenths(seconds)) s"
        case .ingestOpened(let subject, let duration, let tracks):
            "\(subject.name)\(duration.map { ", \(tenths($0)) s" } ?? ""): "
                + tracks.map(\.words).joined(separator: "; ")
        case .ingestWaiting(let subject, let recordings, let atMost):
            "\(subject.name) waits for \(recordings.count == 1 ? "a recording" : "\(recordings.count) recordings"), "
                + "\(tenths(atMost)) s at most"
        case .ingestInterrupted(let subject, let reason, let attempts, let retrySeconds):
            (reason.hasPrefix(subject.name) ? reason : "\(subject.name): \(reason)")
                + (attempts > 1 ? ", \(attempts) tries" : "")
                + (retrySeconds.map { ", next try in \(tenths($0)) s" } ?? "")
        case .ingestResumed(let subject, let afterSeconds): "\(subject.name) after \(tenths(afterSeconds)) s"
        case .recordingArmed(let subject), .recordingStarted(let subject): subject.name
        case .recordingFinished(let subject, let seconds, let bytes):
            "\(subject.name), \(tenths(seconds)) s, \(bytes) bytes"
        case .recordingFailed(let subject, let code, let message): "\(subject.name): \(message) (\(code))"
        default: ""
        }
    }

    private func gapDetails(_ reason: GapReason, _ missed: Int?) -> String {
        let count =
            missed.map { $0 == 1 ? "1 event is missing" : "\($0) events are missing" } ?? "events may be missing"
        return switch reason {
        case .otherBoot: "\(count): the gateway was started anew"
        case .tooOld: "\(count): they are no longer kept"
        case .unknownID: "\(count): no event has had that id"
        case .slowReader: "\(count): this reader was too slow"
        }
    }

    /// The reasons we give ourselves, as a clause; others as they are.
    func words(for reason: String) -> String {
        switch reason {
        case "requested": "as requested"
        case "broadcasterclose": "with its broadcaster"
        case "transportclose": "with its transport"
        case "producerclose", "dataproducerclose": "with its producer"
        case "roomclose": "with its room"
        case "idle": "since nobody used it"
        case "shutdown": "since the gateway stops"
        case "coredied": "since the media core died"
        default: reason
        }
    }

    private func endpoint(_ ip: String, _ port: UInt16) -> String {
        ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}

extension ProducerSubject {
    fileprivate var words: String { "\(kind) \(shortCodec(codec)) by \(transport.broadcaster.displayName)" }
}

extension ConsumerSubject {
    fileprivate var words: String { "\(kind) \(shortCodec(codec)) for \(transport.broadcaster.displayName)" }
}

extension PipelineSubject {
    fileprivate var words: String { "\(kind.rawValue) \(name)" }
}

extension OpenedTrack {
    /// "video h264 Main, 1280x720 → VP8, transcoded: the router has no H264"
    fileprivate var words: String {
        let outcome = treatment == "copy" ? "copied" : "transcoded to \(shortCodec(codec))"
        return "\(kind) \(description), \(outcome)" + (reason.isEmpty ? "" : " (\(reason))")
    }
}

/// "video/VP8" → "VP8"
private func shortCodec(_ mimeType: String) -> String {
    mimeType.split(separator: "/", maxSplits: 1).last.map(String.init) ?? mimeType
}

/// One decimal, without Foundation's formats.
private func tenths(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return "\(seconds)" }
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
