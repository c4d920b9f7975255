import Base
import ORTC

/// RTP and RTCP over plain UDP, with one remote side: mediasoup's PlainTransport.
struct PlainTransport: ~Copyable {
    let id: TransportID
    let router: SlabIndex
    let rtp: LocalEndpoint
    /// Nil: RTCP shares the RTP port.
    let rtcp: LocalEndpoint?
    let comedia: Bool
    var cname: SharedCNAME
    var isConnectCalled = false

    /// Where the remote side is, and the socket that reaches it. Set once.
    private(set) var rtpPath: Path?
    private(set) var rtcpPath: Path?

    /// In order of creation, which is the order of cascades.
    var producers: [SlabIndex] = []
    var consumers: [SlabIndex] = []
    var consumerBySSRC: [UInt32: SlabIndex] = [:]
    var listener = RTPListener()
    private var nextMID = 0

    var reportTimer: Instant?
    var received = Traffic()
    var sent = Traffic()
    var drops = DropCounters()

    struct Path: Sendable, Hashable {
        var remote: SocketAddress
        var local: LocalEndpoint
    }

    init(_ setup: PlainTransportSetup, router: SlabIndex) {
        id = setup.id
        self.router = router
        (rtp, rtcp) = (setup.rtp, setup.rtcp)
        comedia = setup.comedia
        cname = SharedCNAME(setup.cname.flatMap { $0.isEmpty ? nil : $0 })
    }

    var rtcpMux: Bool { rtcp == nil }

    /// Media can be sent.
    var isConnected: Bool { rtpPath != nil }

    /// Where RTCP goes; nil: it can't be sent yet.
    var feedbackPath: Path? {
        guard let rtpPath else { return nil }
        return rtcpMux ? rtpPath : rtcpPath
    }

    var tuples: PlainTransportTuples {
        PlainTransportTuples(rtp: Self.tuple(rtpPath, rtp), rtcp: rtcp.map { Self.tuple(rtcpPath, $0) })
    }

    private static func tuple(_ path: Path?, _ local: LocalEndpoint) -> EndpointTuple {
        let local = path?.local ?? local
        return EndpointTuple(localAddress: local.address, localPort: local.port, remote: path?.remote)
    }

    /// mediasoup counts them up per transport, as decimal text of at most 8 digits.
    mutating func makeMID() -> String {
        defer { nextMID = nextMID == 99_999_999 ? 0 : nextMID + 1 }
        return String(nextMID)
    }
}

// MARK: - Remote side

extension PlainTransport {
    /// What a datagram did to the transport's knowledge of its remote side.
    enum Arrival {
        case accepted
        /// The first of a comedia transport.
        case latched(EndpointTuple)
        case refused
    }

    /// Fixes the remote side of a transport that does not wait for it.
    mutating func connect(ip: String?, port: UInt16?, rtcpPort: UInt16?) throws(SFUError) {
        guard !isConnectCalled else { throw SFUError(.conflict, "connect() already called \(Self.method)") }
        if comedia {
            // Everything is ignored: the first packets tell.
            isConnectCalled = true
            return
        }
        guard let ip else { throw .invalid("missing ip \(Self.method)") }
        guard let port else { throw .invalid("missing port \(Self.method)") }
        if rtcpMux {
            guard rtcpPort == nil else { throw .invalid("cannot set rtcpPort with rtcpMux enabled \(Self.method)") }
        } else {
            guard rtcpPort != nil else {
                throw .invalid("missing rtcpPort (required with rtcpMux disabled) \(Self.method)")
            }
        }
        guard let remote = SocketAddress(ip, port: port) else { throw .invalid("invalid IP '\(ip)' \(Self.method)") }
        rtpPath = Path(remote: remote, local: rtp)
        if let rtcp, let rtcpPort {
            var remote = remote
            remote.port = rtcpPort
            rtcpPath = Path(remote: remote, local: rtcp)
        }
        isConnectCalled = true
    }

    private static let method = "[method:plainTransport.connect]"

    /// Whether an RTP packet is the remote side's. The first one of a comedia transport says who that is, on
    /// whichever of the two sockets it came.
    mutating func admitRTP(from: SocketAddress, on socket: SocketID) -> Arrival {
        if let rtpPath { return admit(from, on: rtpPath) }
        return latchRTP(from, on: socket)
    }

    /// The same for RTCP, which has a remote side of its own unless it shares the port.
    mutating func admitRTCP(from: SocketAddress, on socket: SocketID) -> Arrival {
        if rtcpMux {
            if let rtpPath { return admit(from, on: rtpPath) }
            return latchRTP(from, on: socket)
        }
        if let rtcpPath { return admit(from, on: rtcpPath) }
        guard comedia else {
            drops.notConnected += 1
            return .refused
        }
        let path = Path(remote: from, local: endpoint(of: socket))
        rtcpPath = path
        return .latched(Self.tuple(path, path.local))
    }

    private mutating func admit(_ from: SocketAddress, on path: Path) -> Arrival {
        if from == path.remote { return .accepted }
        drops.foreignSource += 1
        return .refused
    }

    private mutating func latchRTP(_ from: SocketAddress, on socket: SocketID) -> Arrival {
        guard comedia else {
            drops.notConnected += 1
            return .refused
        }
        let path = Path(remote: from, local: endpoint(of: socket))
        rtpPath = path
        return .latched(Self.tuple(path, path.local))
    }

    private func endpoint(of socket: SocketID) -> LocalEndpoint {
        if let rtcp, rtcp.socket == socket { return rtcp }
        return rtp
    }
}

/// Bytes of one direction.
struct Traffic: Sendable {
    /// RTP and RTCP.
    var bytes: UInt64 = 0
    var rate = RateMeter(window: RateMeter.transportWindow)
    var rtpBytes: UInt64 = 0
    var rtpRate = RateMeter(window: RateMeter.streamWindow)

    mutating func count(_ size: Int, now: Instant) {
        bytes += UInt64(size)
        rate.add(size, now: now)
    }

    mutating func countRTP(_ size: Int, now: Instant) {
        rtpBytes += UInt64(size)
        rtpRate.add(size, now: now)
    }
}
