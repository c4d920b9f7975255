import Base
import Events
import MediaCore
import ORTC

/// A sender or receiver that speaks RTP to us: a script, an ingest, a recorder, a tap.
public struct Broadcaster: Sendable, Hashable {
    /// What it is to the room; for lists and events.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        case broadcaster, ingest, recorder
        /// A protoo client.
        case peer
        /// Sends by WHIP.
        case publisher
        /// Receives by WHEP.
        case player
    }

    public struct Device: Sendable, Hashable {
        public var name: String
        /// Copied as it came; absent when it was.
        public var version: JSONValue?

        public init(name: String, version: JSONValue? = nil) {
            self.name = name
            self.version = version
        }
    }

    public var id: String
    public var displayName: String
    public var device: Device
    public var role: Role
    /// What it can receive; needed only when it consumes.
    public var rtpCapabilities: RTPCapabilities?
    /// One for all its transports, so that receivers can synchronise its tracks.
    public let cname: String
    /// What a protoo client says of itself; nil for all others.
    public var card: PeerCard?
    /// False for a protoo client that has connected only: nobody is told of it yet.
    public var isJoined: Bool
    /// A protoo client that takes data channels; others ask for each.
    public var hasDataChannels = false

    /// - Parameter cname: Random by default.
    public init(
        id: String, displayName: String, device: Device, role: Role = .broadcaster,
        rtpCapabilities: RTPCapabilities? = nil, cname: String = Broadcaster.randomCNAME(), card: PeerCard? = nil,
        isJoined: Bool = true
    ) {
        self.card = card
        self.isJoined = isJoined
        self.id = id
        self.displayName = displayName
        self.device = device
        self.role = role
        self.rtpCapabilities = rtpCapabilities
        self.cname = cname
    }

    /// Sixteen hexadecimal digits: short-term, and nothing of the machine's (RFC 7022 §4.2 asks for 96 bits at least in
    /// the open; a gateway that names its own broadcasters needs fewer to avoid collisions).
    public static func randomCNAME() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A transport of a broadcaster.
public struct RoomTransport: Sendable {
    public var id: TransportID
    /// The broadcaster's id.
    public var broadcaster: String
    public var comedia: Bool
    public var tuple: TransportTuple
    /// Nil when RTCP shares the RTP port.
    public var rtcpTuple: TransportTuple?
    /// Nil: a plain one.
    public var webRTC: WebRTCStates?
    /// What its remote side was told; nil: it has no data channels.
    public var sctp: SCTPParameters?
    public var sctpState: SCTPState?
}

/// A producer as the room knows it.
public struct RoomProducer: Sendable {
    public var id: ProducerID
    public var transport: TransportID
    /// The broadcaster's id.
    public var broadcaster: String
    public var broadcasterName: String
    public var role: Broadcaster.Role
    public var kind: MediaKind
    /// "simple", "simulcast" or "svc".
    public var type: String
    public var rtpParameters: RTPParameters
    public var paused: Bool
    /// Packets come.
    public var flowing: Bool
    public var scores: [ProducerScore]
    /// What its consumers' sender reports and descriptions are named with.
    public var cname: String
    /// What its sender wants others to know of it; an object.
    public var appData: JSONValue = [:]

    /// The MIME type of the first codec.
    public var codec: String { rtpParameters.codecs.first?.mimeType ?? kind.rawValue }
}

/// A consumer as the room knows it.
public struct RoomConsumer: Sendable {
    public var id: ConsumerID
    public var producer: ProducerID
    public var transport: TransportID
    /// The id of the broadcaster that receives.
    public var broadcaster: String
    public var kind: MediaKind
    public var type: String
    public var rtpParameters: RTPParameters
    public var paused: Bool
    public var producerPaused: Bool
    public var score: ConsumerScore?
    /// What it gets of its layers; nil: nothing, or it has none.
    public var layers: ForwardedLayers?

    public var codec: String { rtpParameters.codecs.first?.mimeType ?? kind.rawValue }
}

/// A room at one moment; every list in the order of creation.
public struct RoomSnapshot: Sendable {
    public var name: String
    public var router: RouterID
    public var broadcasters: [Broadcaster]
    public var transports: [RoomTransport]
    public var producers: [RoomProducer]
    public var consumers: [RoomConsumer]
    public var dataProducers: [RoomDataProducer]
    public var dataConsumers: [RoomDataConsumer]
    public var speakers: RoomSpeakers
    /// Who keeps it open besides its broadcasters, sorted.
    public var holders: [String]
}

/// What readers of a room's producers are told.
public enum RoomChange: Sendable {
    case memberAdded(Broadcaster)
    /// Before its producers close.
    case memberClosed(Broadcaster)
    case producerAdded(RoomProducer)
    case producerClosed(ProducerID, reason: String)
    /// The last one.
    case closed(reason: String)
}

/// What a plain transport is asked to be. Defaults are the broadcaster API's, not mediasoup's.
public struct TransportRequest: Sendable, Hashable {
    public var rtcpMux: Bool
    public var comedia: Bool
    public var enableSRTP: Bool
    public var srtpCryptoSuite: String?
    /// For data channels; nil: there are none.
    public var sctp: SCTPOptions?

    public init(
        rtcpMux: Bool = false, comedia: Bool = true, enableSRTP: Bool = false, srtpCryptoSuite: String? = nil,
        sctp: SCTPOptions? = nil
    ) {
        self.sctp = sctp
        self.rtcpMux = rtcpMux
        self.comedia = comedia
        self.enableSRTP = enableSRTP
        self.srtpCryptoSuite = srtpCryptoSuite
    }
}

/// What a consumer is asked to be.
public struct ConsumeRequest: Sendable {
    public var producer: ProducerID
    /// Nil: the broadcaster's own, given when it was added.
    public var rtpCapabilities: RTPCapabilities?
    public var paused: Bool
    /// Nil: as the kind wants it.
    public var enableRTX: Bool?
    /// Nil: counted up per transport from "0".
    public var mid: String?
    /// The receiver's own numbers; nil: the router's.
    public var numbering: ReceiverNumbering?
    public var preferredLayers: WantedLayers?
    /// Packets of Opus' discontinuous transmission are left out.
    public var ignoresDTX: Bool

    public init(
        producer: ProducerID, rtpCapabilities: RTPCapabilities? = nil, paused: Bool = false, enableRTX: Bool? = nil,
        mid: String? = nil, numbering: ReceiverNumbering? = nil, preferredLayers: WantedLayers? = nil,
        ignoresDTX: Bool = false
    ) {
        self.mid = mid
        self.numbering = numbering
        self.preferredLayers = preferredLayers
        self.ignoresDTX = ignoresDTX
        self.producer = producer
        self.rtpCapabilities = rtpCapabilities
        self.paused = paused
        self.enableRTX = enableRTX
    }
}

/// Why things close, as events say it. Pipelines add words of their own for their broadcasters.
public enum ClosingReason {
    /// Somebody asked for this very object to close.
    public static let requested = "requested"
    public static let broadcasterClosed = "broadcasterclose"
    /// mediasoup's word: its transport closed.
    public static let transportClosed = "transportclose"
    /// mediasoup's word: the producer behind it closed.
    public static let producerClosed = "producerclose"
    public static let roomClosed = "roomclose"
    /// Nobody used the room for some time.
    public static let idle = "idle"
    public static let shutdown = "shutdown"
    public static let coreDied = "coredied"
}
