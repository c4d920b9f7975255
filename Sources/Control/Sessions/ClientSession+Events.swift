import Base
import MediaCore

/// What a player is told while it plays.
public enum SessionEvent: Sendable {
    /// Some of what it plays is being sent.
    case active
    /// All of it is paused or gone.
    case inactive
    /// By section.
    case layers([Int: [MediaLayer]])
    /// How many players the room has.
    case viewers(Int)

    public enum Name: String, Sendable, Hashable, CaseIterable {
        case active, inactive, layers
        case viewers = "viewercount"
    }

    public var name: Name {
        switch self {
        case .active: .active
        case .inactive: .inactive
        case .layers: .layers
        case .viewers: .viewers
        }
    }
}

/// A stream of events that a player asked for.
struct SessionListener {
    let names: Set<SessionEvent.Name>
    /// Nil: nobody reads it at the moment.
    var continuation: AsyncStream<SessionEvent>.Continuation?
}

extension ClientSession {
    /// More would be a client's mistake: each is read by one connection.
    private static let mostListeners = 8

    /// A place for a stream of these events; it is there until it is closed or the session ends.
    public func addListener(_ names: Set<SessionEvent.Name>) throws(ControlError) -> Int {
        guard isOpen else { throw .notFound("the session has ended") }
        guard listeners.count < Self.mostListeners else {
            throw .conflict("this session has \(Self.mostListeners) event streams already; delete one")
        }
        defer { nextListener += 1 }
        listeners[nextListener] = SessionListener(names: names)
        return nextListener
    }

    /// How things stand, then each change. Who reads it anew ends the one who did before.
    public func listen(_ id: Int, viewers: Int) throws(ControlError) -> AsyncStream<SessionEvent> {
        guard isOpen, let listener = listeners[id] else { throw .notFound("there is no such event stream") }
        listener.continuation?.finish()
        // A reader that is 64 behind has stopped reading; the newest is what counts.
        let (stream, continuation) = AsyncStream.makeStream(
            of: SessionEvent.self, bufferingPolicy: .bufferingNewest(64))
        listeners[id]?.continuation = continuation
        // The draft: nobody is told `inactive` to begin with.
        if isActive { tell(.active, listener: id) }
        tell(.viewers(viewers), listener: id)
        tellLayers()
        return stream
    }

    public func removeListener(_ id: Int) throws(ControlError) {
        guard let listener = listeners.removeValue(forKey: id) else {
            throw .notFound("there is no such event stream")
        }
        listener.continuation?.finish()
    }

    func tell(_ event: SessionEvent) {
        for id in listeners.keys { tell(event, listener: id) }
    }

    private func tell(_ event: SessionEvent, listener id: Int) {
        guard let listener = listeners[id], listener.names.contains(event.name) else { return }
        listener.continuation?.yield(event)
    }

    func endListeners() {
        layerNews?.cancel()
        if isActive { tell(.inactive) }
        for listener in listeners.values { listener.continuation?.finish() }
        listeners.removeAll()
    }

    // MARK: - Active or not

    private var isActive: Bool { tracks.contains { $0.consumer != nil && !$0.producerPaused } }

    /// Changes what it carries, and tells whether that began or ended the playing.
    func change(_ body: (inout [SessionTrack]) -> Void) {
        let before = isActive
        body(&tracks)
        guard isActive != before else { return }
        tell(isActive ? .active : .inactive)
    }

    // MARK: - Layers

    /// Rates are measured over a second or so; who shows them wants them to move.
    private static let layerInterval = Duration.seconds(2)

    /// Tells them now, and again as long as somebody reads.
    func tellLayers() {
        layerNews?.cancel()
        guard isOpen, tracks.contains(where: { !$0.layers.isEmpty }), hasLayerReaders else { return }
        layerNews = Task { [clock, weak self] in
            repeat {
                guard await self?.publishLayers() == true else { return }
            } while (try? await clock.sleep(
                for: Self.layerInterval)) != nil
        }
    }

    private var hasLayerReaders: Bool {
        listeners.values.contains { $0.continuation != nil && $0.names.contains(.layers) }
    }

    /// - Returns: False when nobody reads any more.
    private func publishLayers() async -> Bool {
        guard isOpen, hasLayerReaders, !Task.isCancelled else { return false }
        let layers = await layers()
        guard isOpen, !Task.isCancelled else { return false }
        tell(.layers(layers))
        return true
    }

    /// By section, of those that have any.
    public func layers() async -> [Int: [MediaLayer]] {
        var all: [Int: [MediaLayer]] = [:]
        for track in tracks {
            var layers = track.layers
            guard let source = track.source, !layers.isEmpty else { continue }
            let rates = await LayerRates(of: source, in: room)
            for index in layers.indices {
                layers[index].bitrate = rates[layers[index], isSimulcast: source.type == "simulcast"]
                layers[index].isForwarded = track.forwarded.map { layers[index].isCarried(by: $0) } ?? false
            }
            all[track.mediaID] = layers
        }
        return all
    }
}

extension MediaLayer {
    fileprivate func isCarried(by forwarded: ForwardedLayers) -> Bool {
        // Streams of simulcast come one instead of another.
        (rid == nil ? spatialLayer <= forwarded.spatialLayer : spatialLayer == forwarded.spatialLayer)
            && temporalLayer <= forwarded.temporalLayer
    }
}

/// The rates of a producer's layers, out of its statistics.
private struct LayerRates {
    private let streams: [JSONValue]
    /// By encoding; known once something has come of it.
    private var ssrcs: [Int: UInt32] = [:]

    init(of source: RoomProducer, in room: Room) async {
        streams = (try? await room.stats(source.id, of: source.broadcaster))?.arrayValue ?? []
        for (index, encoding) in source.rtpParameters.encodings.enumerated() { ssrcs[index] = encoding.ssrc }
        let now = try? await room.producer(source.id, of: source.broadcaster)
        for score in now?.scores ?? [] { ssrcs[score.encodingIndex] = score.ssrc }
    }

    subscript(layer: MediaLayer, isSimulcast isSimulcast: Bool) -> Int? {
        let stream = streams.first { stream in
            !isSimulcast || stream["ssrc"]?.integerValue == ssrcs[layer.spatialLayer].map { Int64($0) }
        }
        // A stream that nothing has come of has no entry.
        guard let stream else { return streams.isEmpty ? nil : 0 }
        let place = "\(isSimulcast ? 0 : layer.spatialLayer).\(layer.temporalLayer)"
        return (stream["bitrateByLayer"]?[place] ?? stream["bitrate"])?.integerValue.map { Int($0) }
    }
}
