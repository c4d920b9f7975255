import Base
import ORTC

/// RTP in and out between a router and one remote side: what all of mediasoup's kinds of transport share.
struct Transport: ~Copyable {
    // What every packet out touches stands first: the path in `link`, and the meters and sums of `sent`.
    /// How the remote side is reached.
    var link: UDPLink
    /// What SRTP adds to an RTP packet, in bytes; nil: there is none. Here, since asking `security` reads all of it.
    private(set) var overhead: Int?
    var sent = Traffic()
    /// Nil: without SRTP.
    var security: TransportSecurity?
    /// Asks for what a packet out touches: the path, and of each meter of `sent` all but its steps. Wrong numbers would cost
    /// time, nothing else.
    @inline(__always)
    static func prefetch(_ index: SlabIndex, in slab: borrowing Slab<Transport>) {
        slab.prefetch(index, at: 64, lines: 2)
        slab.prefetch(index, at: 280, lines: 2)
        slab.prefetch(index, at: 464, lines: 1)
    }

    let id: TransportID
    let router: SlabIndex
    let kind: TransportKind
    /// ICE and DTLS of a WebRTC transport.
    var webRTC: SlabIndex?
    /// Nil: it has no data channels, or gives them to code of this process.
    var sctp: SlabIndex?
    /// Of a data channel, in bytes.
    var maximumMessage = 262_144
    var cname: SharedCNAME

    /// In order of creation, which is the order of cascades.
    var producers: [SlabIndex] = []
    var consumers: [SlabIndex] = []
    var dataProducers: [SlabIndex] = []
    var dataConsumers: [SlabIndex] = []
    /// Outgoing streams by the SSRC that their receiver knows them by.
    var senderBySSRC: [UInt32: SlabIndex] = [:]
    /// Of their retransmissions.
    var rtxSSRCs: Set<UInt32> = []
    var listener = RTPListener()
    private var nextMID = 0

    var reportTimer: Instant?
    var received = Traffic()
    var drops = DropCounters()
    var ceiling = IngressCeiling.none
    /// A pipe whose other end is in this process: packets go by `MediaLink`s, and no datagram ever leaves.
    var isInProcess = false

    /// Of a WebRTC transport: those that are not the worker's.
    private var ownSockets: [SocketID] = []

    var sockets: [SocketID] {
        if kind == .webRTC { return ownSockets }
        return isInProcess ? [] : link.sockets
    }

    /// When the remote side last told its clock as a receiver: answered so that it learns its round trip.
    var remoteReference: RemoteReference?
    var bandwidth = TransportBandwidth()
    var traces: TraceEventTypes = []

    /// A pipe within this process.
    init(inProcess id: TransportID, router: SlabIndex) {
        self.id = id
        self.router = router
        kind = .pipe(enableRTX: false)
        // Never used: it names no socket.
        let nowhere = LocalEndpoint(socket: SocketID(.max), address: "", port: 0)
        link = UDPLink(rtp: nowhere, rtcp: nil, comedia: false)
        cname = SharedCNAME(nil)
        // mediasoup's for pipes.
        maximumMessage = 268_435_456
        isInProcess = true
    }

    init(_ setup: DirectTransportSetup, router: SlabIndex) throws(SFUError) {
        id = setup.id
        self.router = router
        kind = .direct
        // Its remote side is the driver, which knows what comes from that socket for what it is.
        link = UDPLink(rtp: LocalEndpoint(socket: setup.socket, address: "", port: 0), rtcp: nil, comedia: false)
        try link.connect(ip: "0.0.0.0", port: 0, rtcpPort: nil, method: "[method:directTransport.connect]")
        maximumMessage = setup.maximumMessageSize
        cname = SharedCNAME(setup.cname.flatMap { $0.isEmpty ? nil : $0 })
    }

    init(_ setup: PlainTransportSetup, router: SlabIndex, security: consuming TransportSecurity? = nil) {
        id = setup.id
        self.router = router
        kind = .plain
        link = UDPLink(rtp: setup.rtp, rtcp: setup.rtcp, comedia: setup.comedia)
        overhead = security?.overhead
        self.security = security
        cname = SharedCNAME(setup.cname.flatMap { $0.isEmpty ? nil : $0 })
        if let bitrate = setup.initialAvailableOutgoingBitrate {
            bandwidth = TransportBandwidth(initialOutgoingBitrate: bitrate)
        }
    }

    init(_ setup: PipeTransportSetup, router: SlabIndex, security: consuming TransportSecurity? = nil) {
        id = setup.id
        self.router = router
        kind = .pipe(enableRTX: setup.enableRTX)
        link = UDPLink(rtp: setup.local, rtcp: nil, comedia: false)
        overhead = security?.overhead
        self.security = security
        cname = SharedCNAME(nil)
    }

    init(_ setup: WebRTCTransportSetup, router: SlabIndex) {
        id = setup.id
        self.router = router
        kind = .webRTC
        // Of its own only where it has one for itself; where media go is ICE's to say.
        let nowhere = LocalEndpoint(socket: SocketID(.max), address: "", port: 0)
        link = UDPLink(rtp: setup.listeners.first?.local ?? nowhere, rtcp: nil, comedia: false)
        ownSockets = setup.listeners.filter(\.isOwn).map(\.local.socket)
        cname = SharedCNAME(setup.cname.flatMap { $0.isEmpty ? nil : $0 })
        if let bitrate = setup.initialAvailableOutgoingBitrate {
            bandwidth = TransportBandwidth(initialOutgoingBitrate: bitrate)
        }
    }

    /// SRTP as it was agreed on with the remote side.
    mutating func secure(_ agreed: consuming TransportSecurity?) {
        overhead = agreed?.overhead
        security = agreed
    }

    /// Media can be sent.
    var isConnected: Bool { link.rtpPath != nil || isInProcess }

    /// Direct transports take mediasoup's 100 bytes more.
    var maximumPacket: Int { kind == .direct ? MediaEngine.maximumPacket + 100 : MediaEngine.maximumPacket }

    /// mediasoup counts them up per transport, as decimal text of at most 8 digits.
    mutating func makeMID() -> String {
        defer { nextMID = nextMID == 99_999_999 ? 0 : nextMID + 1 }
        return String(nextMID)
    }
}

/// What mediasoup calls a transport's class.
enum TransportKind: Sendable, Hashable {
    case plain
    /// Between two routers. RTX: consumers on it answer NACKs, in streams of their own.
    case pipe(enableRTX: Bool)
    /// To code of this process.
    case direct
    /// To a browser and its kin.
    case webRTC

    var isPipe: Bool { if case .pipe = self { true } else { false } }

    /// As errors name the object of a method.
    var name: String {
        switch self {
        case .plain: "plainTransport"
        case .pipe: "pipeTransport"
        case .direct: "directTransport"
        case .webRTC: "webRtcTransport"
        }
    }
}

/// Bytes of one direction.
struct Traffic: Sendable {
    /// RTP and RTCP.
    var rate = RateMeter(window: RateMeter.transportWindow)
    var bytes: UInt64 = 0
    var rtpBytes: UInt64 = 0
    var rtpRate = RateMeter(window: RateMeter.streamWindow)
    /// Of retransmissions, of use or not.
    var rtxBytes: UInt64 = 0
    var rtxRate = RateMeter(window: RateMeter.transportWindow)

    mutating func count(_ size: Int, now: Instant) {
        bytes += UInt64(size)
        rate.add(size, now: now)
    }

    mutating func countRTP(_ size: Int, now: Instant) {
        rtpBytes += UInt64(size)
        rtpRate.add(size, now: now)
    }

    mutating func countRTX(_ size: Int, now: Instant) {
        rtxBytes += UInt64(size)
        rtxRate.add(size, now: now)
    }
}
