import Base
import ORTC
import SRTP

extension MediaEngine {
    /// On an error the driver keeps the sockets of the setup and closes them itself.
    public mutating func createPlainTransport(
        _ setup: PlainTransportSetup, now: Instant
    ) throws(SFUError) -> PlainTransportTuples {
        let sockets = [setup.rtp.socket] + (setup.rtcp.map { [$0.socket] } ?? [])
        let router = try checkNewTransport(
            setup.id, on: setup.router, sockets, method: "router.createPlainTransport")
        let suite = try setup.srtpCryptoSuite.map { name throws(SFUError) in try SRTPCryptoSuite(signalled: name) }
        let index = transports.insert(Transport(setup, router: router, security: makeSecurity(suite)))
        transports[index].ceiling = IngressCeiling(configuration.ingress)
        try addBareSCTP(setup.sctp, toNew: index)
        register(index)
        return transports[index].link.tuples
    }

    /// Whether a transport may be made: its router's place.
    func checkNewTransport(
        _ id: TransportID, on router: RouterID, _ sockets: [SocketID], method: String
    ) throws(SFUError) -> SlabIndex {
        guard let index = routerByID[router] else { throw .noSuchObject(router.rawValue, method) }
        guard transportByID[id] == nil else {
            throw SFUError(.conflict, "Channel request handler with ID \(id) already exists [method:\(method)]")
        }
        guard Set(sockets).count == sockets.count, sockets.allSatisfy({ transportBySocket[$0] == nil }) else {
            throw SFUError(.failed, "a socket that belongs to another transport [method:\(method)]")
        }
        return index
    }

    /// A new key of our own; nil: without SRTP.
    mutating func makeSecurity(_ suite: SRTPCryptoSuite?) -> TransportSecurity? {
        guard let suite else { return nil }
        return TransportSecurity(suite, backend: configuration.srtpBackend, random: &random)
    }

    /// Makes a new transport known to its router, and by its id and sockets.
    mutating func register(_ index: SlabIndex) {
        routers[transports[index].router].transports.append(index)
        transportByID[transports[index].id] = index
        for socket in transports[index].sockets { transportBySocket[socket] = index }
    }

    /// A transport whose remote side is the driver's own code. It is connected at once.
    public mutating func createDirectTransport(_ setup: DirectTransportSetup, now: Instant, into out: inout Outbox)
        throws(SFUError)
    {
        let router = try checkNewTransport(
            setup.id, on: setup.router, [setup.socket], method: "router.createDirectTransport")
        let index = transports.insert(try Transport(setup, router: router))
        register(index)
        becameConnected(index, now: now, into: &out)
    }

    /// Fixes the remote side of a transport that does not wait for it. Once only; a failed attempt does not count.
    public mutating func connect(
        _ id: TransportID, ip: String?, port: UInt16?, rtcpPort: UInt16?, srtpParameters: SRTPParameters? = nil,
        now: Instant, into out: inout Outbox
    ) throws(SFUError) -> PlainTransportTuples {
        let index = try index(id, "plainTransport.connect")
        // mediasoup's connect() of direct transports does nothing; the ends of a pipe in this process know each other.
        if transports[index].kind == .direct || transports[index].isInProcess { return transports[index].link.tuples }
        let method = "[method:\(transports[index].kind.name).connect]"
        guard !transports[index].link.isConnectCalled else {
            throw SFUError(.conflict, "connect() already called \(method)")
        }
        // Nothing is changed before everything was found right.
        var generator = random
        var agreed = try transports[index].agreedSecurity(with: srtpParameters, method, random: &generator)
        random = generator
        try transports[index].link.connect(ip: ip, port: port, rtcpPort: rtcpPort, method: method)
        if agreed != nil { transports[index].secure(agreed.take()) }
        if transports[index].isConnected { becameConnected(index, now: now, into: &out) }
        return transports[index].link.tuples
    }

    /// What the remote side has to be told of SRTP; nil: the transport has none. `connect` may change it.
    public func srtpParameters(of id: TransportID) -> SRTPParameters? {
        transportByID[id].flatMap { transports[$0].srtpParameters }
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
        startSCTP(of: index, now: now, into: &out)
    }

    /// mediasoup's first RTCP interval.
    static var firstReport: Duration { .milliseconds(500) }
}
