import Base

/// One remote side over UDP, given by `connect` or, in comedia mode, told by its first packet: the way of plain and pipe
/// transports.
struct UDPLink: Sendable {
    let rtp: LocalEndpoint
    /// Nil: RTCP shares the RTP port.
    let rtcp: LocalEndpoint?
    let comedia: Bool
    private(set) var isConnectCalled = false

    /// Where the remote side is, and the socket that reaches it. Set once, but by ICE.
    private(set) var rtpPath: TransportPath?
    private(set) var rtcpPath: TransportPath?

    init(rtp: LocalEndpoint, rtcp: LocalEndpoint?, comedia: Bool) {
        (self.rtp, self.rtcp, self.comedia) = (rtp, rtcp, comedia)
    }

    var rtcpMux: Bool { rtcp == nil }

    /// Where RTCP goes; nil: it can't be sent yet.
    var feedbackPath: TransportPath? {
        guard let rtpPath else { return nil }
        return rtcpMux ? rtpPath : rtcpPath
    }

    var sockets: [SocketID] { [rtp.socket] + (rtcp.map { [$0.socket] } ?? []) }

    var tuples: PlainTransportTuples {
        PlainTransportTuples(rtp: tuple(rtpPath, rtp), rtcp: rtcp.map { tuple(rtcpPath, $0) })
    }

    private func tuple(_ path: TransportPath?, _ local: LocalEndpoint) -> EndpointTuple {
        let local = path.map { endpoint(of: $0.socket) } ?? local
        return EndpointTuple(localAddress: local.address, localPort: local.port, remote: path?.remote)
    }

    private func endpoint(of socket: SocketID) -> LocalEndpoint {
        if let rtcp, rtcp.socket == socket { return rtcp }
        return rtp
    }
}

// MARK: - Remote side

extension UDPLink {
    /// What a datagram did to the transport's knowledge of its remote side.
    enum Arrival {
        case accepted
        /// The first of a comedia transport.
        case latched(EndpointTuple)
        /// From another address than the remote side's.
        case foreign
        /// Before the remote side is known, and this one does not tell it.
        case early
    }

    /// Fixes the remote side of a transport that does not wait for it.
    /// - Parameter method: What stands at the end of errors.
    mutating func connect(ip: String?, port: UInt16?, rtcpPort: UInt16?, method: String) throws(SFUError) {
        if comedia {
            // Everything is ignored: the first packets tell.
            isConnectCalled = true
            return
        }
        guard let ip else { throw .invalid("missing ip \(method)") }
        guard let port else { throw .invalid("missing port \(method)") }
        if rtcpMux {
            guard rtcpPort == nil else { throw .invalid("cannot set rtcpPort with rtcpMux enabled \(method)") }
        } else {
            guard rtcpPort != nil else {
                throw .invalid("missing rtcpPort (required with rtcpMux disabled) \(method)")
            }
        }
        guard let remote = SocketAddress(ip, port: port) else { throw .invalid("invalid IP '\(ip)' \(method)") }
        rtpPath = TransportPath(remote: remote, socket: rtp.socket)
        if let rtcp, let rtcpPort {
            var remote = remote
            remote.port = rtcpPort
            rtcpPath = TransportPath(remote: remote, socket: rtcp.socket)
        }
        isConnectCalled = true
    }

    /// Where ICE says that the remote side is; nil: nowhere now.
    mutating func select(_ path: TransportPath?) { rtpPath = path }

    /// Whether a packet may be the remote side's, before it is decrypted. Latches nothing.
    func expects(_ from: SocketAddress, isRTCP: Bool) -> Arrival {
        guard let path = isRTCP && rtcp != nil ? rtcpPath : rtpPath else { return comedia ? .accepted : .early }
        return from == path.remote ? .accepted : .foreign
    }

    /// Whether an RTP packet is the remote side's. The first one of a comedia transport says who that is, on
    /// whichever of the two sockets it came.
    mutating func admitRTP(from: SocketAddress, on socket: SocketID) -> Arrival {
        if let rtpPath { return from == rtpPath.remote ? .accepted : .foreign }
        guard comedia else { return .early }
        let path = TransportPath(remote: from, socket: socket)
        rtpPath = path
        return .latched(tuple(path, rtp))
    }

    /// The same for RTCP, which has a remote side of its own unless it shares the port.
    mutating func admitRTCP(from: SocketAddress, on socket: SocketID) -> Arrival {
        guard let rtcp else { return admitRTP(from: from, on: socket) }
        if let rtcpPath { return from == rtcpPath.remote ? .accepted : .foreign }
        guard comedia else { return .early }
        let path = TransportPath(remote: from, socket: socket)
        rtcpPath = path
        return .latched(tuple(path, rtcp))
    }
}
