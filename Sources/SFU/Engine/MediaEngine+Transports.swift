import Base

extension MediaEngine {
    /// On an error the driver keeps the sockets of the setup and closes them itself.
    public mutating func createPlainTransport(
        _ setup: PlainTransportSetup, now: Instant
    ) throws(SFUError) -> PlainTransportTuples {
        let method = "router.createPlainTransport"
        guard let router = routerByID[setup.router] else { throw .noSuchObject(setup.router.rawValue, method) }
        guard transportByID[setup.id] == nil else {
            throw SFUError(.conflict, "Channel request handler with ID \(setup.id) already exists [method:\(method)]")
        }
        let sockets = [setup.rtp.socket] + (setup.rtcp.map { [$0.socket] } ?? [])
        guard Set(sockets).count == sockets.count, sockets.allSatisfy({ transportBySocket[$0] == nil }) else {
            throw SFUError(.failed, "a socket that belongs to another transport [method:\(method)]")
        }
        let index = transports.insert(Transport(setup, router: router))
        transports[index].ceiling = IngressCeiling(configuration.ingress)
        routers[router].transports.append(index)
        transportByID[setup.id] = index
        for socket in sockets { transportBySocket[socket] = index }
        return transports[index].link.tuples
    }

    /// A transport whose remote side is the driver's own code. It is connected at once.
    public mutating func createDirectTransport(_ setup: DirectTransportSetup, now: Instant, into out: inout Outbox)
        throws(SFUError)
    {
        let method = "router.createDirectTransport"
        guard let router = routerByID[setup.router] else { throw .noSuchObject(setup.router.rawValue, method) }
        guard transportByID[setup.id] == nil, transportBySocket[setup.socket] == nil else {
            throw SFUError(.conflict, "Channel request handler with ID \(setup.id) already exists [method:\(method)]")
        }
        let index = transports.insert(try Transport(setup, router: router))
        routers[router].transports.append(index)
        transportByID[setup.id] = index
        transportBySocket[setup.socket] = index
        becameConnected(index, now: now, into: &out)
    }

    /// Fixes the remote side of a transport that does not wait for it. Once only; a failed attempt does not count.
    public mutating func connect(
        _ id: TransportID, ip: String?, port: UInt16?, rtcpPort: UInt16?, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> PlainTransportTuples {
        let index = try index(id, "plainTransport.connect")
        // mediasoup's connect() of direct transports does nothing; the ends of a pipe in this process know each other.
        if transports[index].kind == .direct || transports[index].isInProcess { return transports[index].link.tuples }
        try transports[index].link.connect(ip: ip, port: port, rtcpPort: rtcpPort)
        if transports[index].isConnected { becameConnected(index, now: now, into: &out) }
        return transports[index].link.tuples
    }

    /// What the transport knows of its two sides.
    public func tuples(of id: TransportID) -> PlainTransportTuples? {
        transportByID[id].map { transports[$0].link.tuples }
    }

    /// What the transport threw away, by reason; nil for an unknown one.
    public func drops(of id: TransportID) -> DropCounters? {
        transportByID[id].map { transports[$0].drops }
    }

    /// The RTP side is known: consumers start, the RTCP timer runs.
    mutating func becameConnected(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        let first = now + Self.firstReport
        transports[index].reportTimer = first
        arm(first)
        for position in transports[index].consumers.indices {
            start(transports[index].consumers[position], now: now, into: &out)
        }
    }

    /// mediasoup's first RTCP interval.
    static var firstReport: Duration { .milliseconds(500) }
}
