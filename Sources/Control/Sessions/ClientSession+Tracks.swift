import Base
import MediaCore

extension ClientSession {
    /// From now on it lives as long as one of these does.
    public func carry(_ tracks: [SessionTrack]) async {
        isCarrying = true
        self.tracks = tracks.filter { track in
            switch track.carried {
            case .producer(let id): !goneProducers.contains(id)
            case .consumer(let id): !gone.contains(id)
            }
        }
        await endIfEmpty()
    }

    /// Chooses among the layers of a video. What is wished is a ceiling: with less bandwidth, less is sent.
    public func prefer(_ wish: LayerWish) async throws(ControlError) {
        let track = try track(of: wish)
        guard let consumer = track.consumer else { throw .notFound("this session receives nothing") }
        let layers = track.layers
        guard let best = layers.first else {
            throw .conflict("section \(track.mediaID) has no layers to choose from: it is one stream")
        }
        var spatial = wish.spatialLayer ?? best.spatialLayer
        if let rid = wish.rid {
            guard let layer = layers.first(where: { $0.rid == rid }) else {
                let known = Set(layers.compactMap(\.rid)).sorted().joined(separator: ", ")
                throw .notFound(
                    "section \(track.mediaID) has no stream with the rid \"\(rid)\"\(known.isEmpty ? "" : ", only \(known)")"
                )
            }
            spatial = layer.spatialLayer
        }
        guard (0...best.spatialLayer).contains(spatial) else {
            throw .notFound(
                "section \(track.mediaID) has no spatial layer \(spatial), only 0 to \(best.spatialLayer)")
        }
        if let temporal = wish.temporalLayer, !layers.contains(where: { $0.temporalLayer == temporal }) {
            throw .notFound(
                "section \(track.mediaID) has no temporal layer \(temporal), only 0 to \(best.temporalLayer)")
        }
        try await room.setPreferredLayers(
            WantedLayers(spatialLayer: spatial, temporalLayer: wish.temporalLayer), of: consumer, of: member.id)
    }

    private func track(of wish: LayerWish) throws(ControlError) -> SessionTrack {
        if let place = wish.mediaID {
            guard let track = tracks.first(where: { $0.mediaID == place }) else {
                throw .notFound("section \(place) carries nothing in this session")
            }
            return track
        }
        guard let track = tracks.first(where: { $0.source?.kind == .video }) else {
            throw .notFound("this session has no video")
        }
        return track
    }

    // MARK: - What happens to them

    func lost(_ id: ProducerID) async {
        goneProducers.insert(id)
        tracks.removeAll { $0.carried == .producer(id) }
        await endIfEmpty()
    }

    func lost(_ id: ConsumerID) async {
        gone.insert(id)
        change { tracks in tracks.removeAll { $0.carried == .consumer(id) } }
        await endIfEmpty()
    }

    func setProducerPaused(_ id: ConsumerID, _ paused: Bool) {
        change { tracks in
            for index in tracks.indices where tracks[index].carried == .consumer(id) {
                tracks[index].producerPaused = paused
            }
        }
    }

    func forwarded(_ layers: ForwardedLayers?, by id: ConsumerID) {
        for index in tracks.indices where tracks[index].carried == .consumer(id) { tracks[index].forwarded = layers }
        tellLayers()
    }

    /// Nothing comes back without a new offer: the client has to make one.
    private func endIfEmpty() async {
        guard isOpen, isCarrying, tracks.isEmpty else { return }
        await end(reason: ClosingReason.producerClosed)
    }
}
