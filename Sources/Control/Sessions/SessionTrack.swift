import Base
import MediaCore
import ORTC

/// What a session carries in one section of its description.
public struct SessionTrack: Sendable {
    public enum Carried: Sendable, Hashable {
        case producer(ProducerID)
        case consumer(ConsumerID)
    }

    /// The section's place in the description, from 0: WHEP's `mediaId`.
    public var mediaID: Int
    public var carried: Carried
    /// Of a player's track, where it comes from.
    public var source: RoomProducer?
    public var producerPaused = false
    /// What a player gets of its layers; nil: nothing, or it has none.
    public var forwarded: ForwardedLayers?

    public init(mediaID: Int, producer: ProducerID) {
        self.mediaID = mediaID
        carried = .producer(producer)
    }

    public init(mediaID: Int, consumer: ConsumerDescription, of source: RoomProducer) {
        self.mediaID = mediaID
        carried = .consumer(consumer.id)
        self.source = source
        producerPaused = consumer.producerPaused
    }

    var consumer: ConsumerID? {
        if case .consumer(let id) = carried { id } else { nil }
    }

    /// The layers that there are to choose from, the best first; empty: one stream as it is.
    var layers: [MediaLayer] {
        guard let source, source.kind == .video else { return [] }
        let encodings = source.rtpParameters.encodings
        var layers: [MediaLayer] = []
        switch source.type {
        case "simulcast":
            for (spatial, encoding) in encodings.enumerated() {
                for temporal in 0..<ScalabilityMode(parsing: encoding.scalabilityMode).temporalLayers {
                    layers.append(MediaLayer(rid: encoding.rid, spatialLayer: spatial, temporalLayer: temporal))
                }
            }
        case "svc":
            let mode = ScalabilityMode(parsing: encodings.first?.scalabilityMode)
            for spatial in 0..<mode.spatialLayers {
                for temporal in 0..<mode.temporalLayers {
                    layers.append(MediaLayer(spatialLayer: spatial, temporalLayer: temporal))
                }
            }
        default: break
        }
        return layers.reversed()
    }
}

/// One of the layers of a video.
public struct MediaLayer: Sendable, Hashable {
    /// Of simulcast: which of the streams.
    public var rid: String?
    /// Of simulcast: which of the streams, from the smallest.
    public var spatialLayer: Int
    public var temporalLayer: Int
    /// With all that it builds on, bits per second; nil: not known. 0: it isn't sent at the moment.
    public var bitrate: Int?
    /// It, or a better one, is what the player gets now.
    public var isForwarded = false
}

/// Which layers a player wants, as it says it. All absent: the best that there is room for.
public struct LayerWish: Sendable, Hashable {
    /// Nil: the first video.
    public var mediaID: Int?
    public var rid: String?
    public var spatialLayer: Int?
    public var temporalLayer: Int?

    public init(mediaID: Int? = nil, rid: String? = nil, spatialLayer: Int? = nil, temporalLayer: Int? = nil) {
        self.mediaID = mediaID
        self.rid = rid
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }
}
