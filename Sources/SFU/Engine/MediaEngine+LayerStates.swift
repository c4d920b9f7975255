import Base
import ORTC

// What is known of the layers that a consumer can choose from, and when that changes.
extension MediaEngine {
    /// One for each spatial layer, without bit rates.
    func layerStates(of consumer: SlabIndex, now: Instant) -> [LayerChoice.Layer] {
        let producer = consumers[consumer].producer
        guard let layers = consumers[consumer].layers else { return [] }
        if layers.isSVC { return svcStates(of: producers[producer].streams[0], now: now) }
        let reference = layers.reference.map { producers[producer].streams[$0] }
        let hasReference = reference.map { streams[$0].senderLine != nil } ?? true
        var states: [LayerChoice.Layer] = []
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            let isAligned =
                reference == nil || reference == stream || (hasReference && streams[stream].senderLine != nil)
            states.append(
                LayerChoice.Layer(
                    exists: streams[stream].reception != nil, score: streams[stream].score, isAligned: isAligned,
                    activity: streams[stream].activity(now: now)))
        }
        return states
    }

    private func svcStates(of stream: SlabIndex, now: Instant) -> [LayerChoice.Layer] {
        (0..<streams[stream].meter.spatialLayers).map { spatial in
            let activity = streams[stream].meter.activity(spatial, now: now)
            return LayerChoice.Layer(
                exists: streams[stream].reception != nil && activity != nil, score: streams[stream].score,
                activity: activity ?? .zero)
        }
    }

    /// A stream's first sender report: others can be brought onto its line, or it onto theirs.
    mutating func lineBecameKnown(of stream: SlabIndex, now: Instant, into out: inout Outbox) {
        reconsiderConsumers(of: streams[stream].producer, now: now, into: &out)
    }

    /// A stream that counted as dead, or a spatial layer of it, is there again.
    mutating func streamRose(_ stream: SlabIndex, now: Instant, into out: inout Outbox) {
        if let deadline = streams[stream].silenceDeadline { arm(deadline) }
        if streams[stream].isWatched {
            streams[stream].risen = now
            scoreChanged(of: stream, now: now, into: &out)
        } else {
            reconsiderConsumers(of: streams[stream].producer, now: now, into: &out)
        }
    }

    /// When something of a stream will have been silent for too long; nil: nobody watches. Of encodings that come over
    /// a link the other end tells.
    func silenceDeadline(of stream: SlabIndex) -> Instant? {
        let producer = streams[stream].producer
        if producers[producer].paused || (producers[producer].link != nil && streams[stream].isWatched) { return nil }
        return streams[stream].silenceDeadline
    }

    /// An encoding of several that was silent for too long has died; of SVC, spatial layers are watched.
    mutating func advanceSilence(of stream: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let deadline = silenceDeadline(of: stream), deadline <= now else { return }
        if streams[stream].isWatched {
            streams[stream].isDead = true
            streams[stream].reception?.score.set(0)
            scoreChanged(of: stream, now: now, into: &out)
        } else if streams[stream].silenceLayers(at: now) {
            reconsiderConsumers(of: streams[stream].producer, now: now, into: &out)
        }
    }

    /// Silence begins to count when the producer was resumed.
    mutating func resumeWatch(of stream: SlabIndex, now: Instant) {
        streams[stream].resumeWatch(at: now)
        if let deadline = streams[stream].silenceDeadline { arm(deadline) }
    }

    private mutating func reconsiderConsumers(of producer: SlabIndex, now: Instant, into out: inout Outbox) {
        for place in producers[producer].consumers.indices {
            reconsider(producers[producer].consumers[place], now: now, into: &out)
        }
    }
}

extension ReceiveStream {
    /// How long packets have been coming.
    func activity(now: Instant) -> Duration { risen.map { now - $0 } ?? .zero }

    fileprivate mutating func silenceLayers(at now: Instant) -> Bool {
        meter.silence(before: Instant(nanoseconds: now.nanoseconds - inactivity.nanoseconds))
    }

    fileprivate mutating func resumeWatch(at now: Instant) {
        if lastPacket != nil { lastPacket = now }
        meter.resume(at: now)
    }
}
