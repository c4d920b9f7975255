/// Whom a fact is about. Each subject carries the names of what it belongs to, so that one event can be read alone.
public struct BroadcasterSubject: Sendable, Hashable {
    public var room: String
    public var id: String
    public var displayName: String
    /// "broadcaster", "ingest", "recorder", "peer", "publisher" or "player".
    public var role: String

    public init(room: String, id: String, displayName: String, role: String = "broadcaster") {
        self.room = room
        self.id = id
        self.displayName = displayName
        self.role = role
    }
}

public struct TransportSubject: Sendable, Hashable {
    public var broadcaster: BroadcasterSubject
    public var id: String

    public init(broadcaster: BroadcasterSubject, id: String) {
        self.broadcaster = broadcaster
        self.id = id
    }
}

public struct ProducerSubject: Sendable, Hashable {
    public var transport: TransportSubject
    public var id: String
    /// "audio" or "video".
    public var kind: String
    /// The MIME type of its first codec: "video/VP8".
    public var codec: String

    public init(transport: TransportSubject, id: String, kind: String, codec: String) {
        self.transport = transport
        self.id = id
        self.kind = kind
        self.codec = codec
    }
}

public struct ConsumerSubject: Sendable, Hashable {
    public var transport: TransportSubject
    public var id: String
    public var producerID: String
    /// "audio" or "video".
    public var kind: String
    public var codec: String

    public init(transport: TransportSubject, id: String, producerID: String, kind: String, codec: String) {
        self.transport = transport
        self.id = id
        self.producerID = producerID
        self.kind = kind
        self.codec = codec
    }
}

/// One run of a pipeline; its id is also that of the ingest or recording it stands for.
public struct PipelineSubject: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable { case ingest, record }

    public var room: String
    public var id: String
    public var kind: Kind
    /// What goes in (the source's name) or comes out (the file's name).
    public var name: String

    public init(room: String, id: String, kind: Kind, name: String) {
        self.room = room
        self.id = id
        self.kind = kind
        self.name = name
    }
}

/// One track of an opened source and what becomes of it.
public struct OpenedTrack: Sendable, Hashable {
    /// "audio" or "video".
    public var kind: String
    /// What it is, for people: "h264 Main, 1280x720, 25 fps".
    public var description: String
    /// "copy" or "transcode".
    public var treatment: String
    /// A clause for people.
    public var reason: String
    /// The MIME type it has on the wire.
    public var codec: String

    public init(kind: String, description: String, treatment: String, reason: String, codec: String) {
        self.kind = kind
        self.description = description
        self.treatment = treatment
        self.reason = reason
        self.codec = codec
    }
}

/// Which of its layers a consumer gets, counted from 0.
public struct LayerPair: Sendable, Hashable {
    public var spatialLayer: Int
    public var temporalLayer: Int

    public init(spatialLayer: Int, temporalLayer: Int) {
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }
}

/// The score of one stream of a producer, 0…10.
public struct StreamScore: Sendable, Hashable {
    public var ssrc: UInt32
    public var rid: String?
    public var score: UInt8

    public init(ssrc: UInt32, rid: String? = nil, score: UInt8) {
        self.ssrc = ssrc
        self.rid = rid
        self.score = score
    }
}
