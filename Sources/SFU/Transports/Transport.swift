import Base
import ORTC

/// RTP in and out between a router and one remote side: what all of mediasoup's kinds of transport share.
struct Transport: ~Copyable {
    let id: TransportID
    let router: SlabIndex
    let kind: TransportKind
    /// How the remote side is reached.
    var link: UDPLink
    /// Nil: without SRTP.
    var security: TransportSecurity?
    var cname: SharedCNAME

    /// In order of creation, which is the order of cascades.
    var producers: [SlabIndex] = []
    var consumers: [SlabIndex] = []
    /// Outgoing streams by the SSRC that their receiver knows them by.
    var senderBySSRC: [UInt32: SlabIndex] = [:]
    var listener = RTPListener()
    private var nextMID = 0

    var reportTimer: Instant?
    var received = Traffic()
    var sent = Traffic()
    var drops = DropCounters()
    /// When the remote side last told its clock as a receiver: answered so that it learns its round trip.
    var remoteReference: RemoteReference?
    var bandwidth = TransportBandwidth()

    init(_ setup: PlainTransportSetup, router: SlabIndex, security: consuming TransportSecurity? = nil) {
        id = setup.id
        self.router = router
        kind = .plain
        link = UDPLink(rtp: setup.rtp, rtcp: setup.rtcp, comedia: setup.comedia)
        self.security = security
        cname = SharedCNAME(setup.cname.flatMap { $0.isEmpty ? nil : $0 })
    }

    init(_ setup: PipeTransportSetup, router: SlabIndex, security: consuming TransportSecurity? = nil) {
        id = setup.id
        self.router = router
        kind = .pipe(enableRTX: setup.enableRTX)
        link = UDPLink(rtp: setup.local, rtcp: nil, comedia: false)
        self.security = security
        cname = SharedCNAME(nil)
    }

    /// Media can be sent.
    var isConnected: Bool { link.rtpPath != nil }

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

    /// As errors name the object of a method.
    var name: String {
        switch self {
        case .plain: "plainTransport"
        case .pipe: "pipeTransport"
        }
    }
}

/// Bytes of one direction.
struct Traffic: Sendable {
    /// RTP and RTCP.
    var bytes: UInt64 = 0
    var rate = RateMeter(window: RateMeter.transportWindow)
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
