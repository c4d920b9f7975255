import Base
import ORTC
import RTCP
import SFU
import TestSupport
import Testing

/// An engine with a virtual clock, and everything that it sent.
final class Stage {
    var engine: MediaEngine
    var outbox: Outbox
    var clock = VirtualClock()
    var sent: [Sent] = []
    var events: [SFUEvent] = []
    var closedSockets: [SocketID] = []
    private var nextSocket: UInt32 = 1

    static let room = RouterID(rawValue: "room")
    /// Unix time when the virtual clock says 0.
    static let unixNanosecondsAtZero: Int64 = 1_760_000_000_000_000_000

    init(
        _ configuration: SFUConfiguration = SFUConfiguration(), outbox capacity: Int = Outbox.standardCapacity
    ) throws {
        var configuration = configuration
        configuration.unixNanosecondsAtZero = Self.unixNanosecondsAtZero
        engine = MediaEngine(configuration: configuration, random: .seeded(42))
        outbox = Outbox(capacity: capacity)
        _ = try engine.createRouter(id: Self.room, mediaCodecs: Parameters.routerCodecs)
    }

    var now: Instant { clock.now }
    var unixNow: Int64 { Self.unixNanosecondsAtZero + now.nanoseconds }

    // MARK: - Objects

    /// A plain transport with ports of its own: RTP on 40000 + n, RTCP on the next one.
    struct Port {
        var id: TransportID
        var rtp: SocketID
        var rtcp: SocketID?
        var tuples: PlainTransportTuples
    }

    @discardableResult
    func transport(
        _ name: String, router: RouterID = Stage.room, comedia: Bool = true, rtcpMux: Bool = false,
        cname: String? = nil, srtp: String? = nil
    ) throws -> Port {
        let id = TransportID(rawValue: name)
        let rtp = makeEndpoint()
        let rtcp = rtcpMux ? nil : makeEndpoint()
        let tuples = try engine.createPlainTransport(
            PlainTransportSetup(
                router: router, id: id, rtp: rtp, rtcp: rtcp, comedia: comedia, cname: cname, srtpCryptoSuite: srtp),
            now: now)
        return Port(id: id, rtp: rtp.socket, rtcp: rtcp?.socket, tuples: tuples)
    }

    func makeEndpoint() -> LocalEndpoint {
        defer { nextSocket += 1 }
        return LocalEndpoint(
            socket: SocketID(nextSocket), address: "192.0.2.1", port: UInt16(truncatingIfNeeded: 40_000 + nextSocket))
    }

    @discardableResult
    func connect(_ port: Port, ip: String = "198.51.100.7", to remote: UInt16 = 5000) throws -> PlainTransportTuples {
        let rtcp = port.rtcp == nil ? nil : remote + 1
        let tuples = try engine.connect(port.id, ip: ip, port: remote, rtcpPort: rtcp, now: now, into: &outbox)
        collect()
        return tuples
    }

    @discardableResult
    func produce(
        _ name: String, on port: Port, _ parameters: RTPParameters, kind: MediaKind = .video, paused: Bool = false
    ) throws -> ProducerState {
        let state = try engine.produce(
            ProducerSetup(
                transport: port.id, id: ProducerID(rawValue: name), kind: kind, rtpParameters: parameters,
                paused: paused), now: now, into: &outbox)
        collect()
        return state
    }

    @discardableResult
    func consume(
        _ name: String, on port: Port, of producer: String, paused: Bool = false,
        _ capabilities: RTPCapabilities = Parameters.everything, numbering: ReceiverNumbering? = nil
    ) throws -> ConsumerState {
        let state = try engine.consume(
            ConsumerSetup(
                transport: port.id, id: ConsumerID(rawValue: name), producer: ProducerID(rawValue: producer),
                rtpCapabilities: capabilities, paused: paused, numbering: numbering), now: now, into: &outbox)
        collect()
        return state
    }

    /// A receiver with a transport of its own at 198.51.100.7:5000 + n.
    @discardableResult
    func receiver(
        _ name: String, of producer: String, at port: UInt16, paused: Bool = false,
        _ capabilities: RTPCapabilities = Parameters.everything
    ) throws -> Port {
        let transport = try transport("to-\(name)", comedia: false)
        try connect(transport, to: port)
        try consume(name, on: transport, of: producer, paused: paused, capabilities)
        return transport
    }

    // MARK: - Time and datagrams

    static let source = address("203.0.113.5", 7000)

    static func address(_ ip: String, _ port: UInt16) -> SocketAddress {
        guard let address = SocketAddress(ip, port: port) else { preconditionFailure("\(ip) is no address") }
        return address
    }

    func receive(_ datagram: [UInt8], on socket: SocketID, from: SocketAddress = Stage.source) {
        engine.receive(datagram.span.bytes, on: socket, from: from, now: now, into: &outbox)
    }

    /// Receives, and flushes as a driver does at the end of its turn.
    func feed(_ datagram: [UInt8], on socket: SocketID, from: SocketAddress = Stage.source) {
        receive(datagram, on: socket, from: from)
        flush()
    }

    func flush() {
        while engine.flush(now: now, into: &outbox) { collect() }
        collect()
    }

    /// Lets time pass, stopping wherever the engine wants to be called.
    func pass(_ duration: Duration) {
        let end = now + duration
        while let deadline = engine.nextDeadline, deadline <= end {
            clock.advance(to: deadline)
            engine.advance(to: now, into: &outbox)
            flush()
        }
        clock.advance(to: end)
    }

    /// Takes over what stands in the outbox.
    func collect() {
        for run in outbox.runs {
            #expect(run.count <= 64 && run.length <= 65_000)
            #expect(run.length > UInt32(run.segmentSize) * UInt32(run.count - 1))
            #expect(run.length <= UInt32(run.segmentSize) * UInt32(run.count))
            var offset = Int(run.offset)
            let end = offset + Int(run.length)
            while offset < end {
                let size = min(Int(run.segmentSize), end - offset)
                sent.append(
                    Sent(
                        socket: run.socket, destination: run.destination,
                        bytes: outbox.slots.bytes(offset..<offset + size)))
                offset += size
            }
        }
        outbox.removeDatagrams()
        events += outbox.takeEvents()
        closedSockets += outbox.takeSocketsToClose()
    }

    // MARK: - Looking

    /// RTP that went to a port.
    func media(to port: UInt16) -> [Sent] { sent.filter { $0.destination.port == port && !$0.isRTCP } }
    /// RTCP that went to a port.
    func feedback(to port: UInt16) -> [Sent] { sent.filter { $0.destination.port == port && $0.isRTCP } }

    // The engine is no copyable value, so the macros of tests can't look into it themselves.
    func canConsume(_ producer: ProducerID, on router: RouterID) -> Bool {
        engine.canConsume(producer, on: router, Parameters.everything)
    }

    func srtpParameters(of port: Port) -> SRTPParameters? { engine.srtpParameters(of: port.id) }

    var isHolding: Bool { engine.isHolding }

    var strayCount: UInt64 { engine.strayDatagrams }

    func drops(_ port: Port) -> DropCounters { engine.drops(of: port.id) ?? DropCounters() }

    func takeEvents() -> [SFUEvent] {
        defer { events = [] }
        return events
    }
}

/// A VP8 track: frames of some packets each, numbered in their payloads so that a test can tell them apart.
struct VideoTrack {
    var ssrc: UInt32 = 2222
    var payloadType: UInt8 = 96
    var sequence = 100
    var timestamp: UInt32 = 90_000
    var number = 0

    /// One frame. The first 4 bytes behind the VP8 head are the packet's number.
    mutating func frame(isKeyFrame: Bool = false, packets count: Int = 1, size: Int = 100) throws -> [[UInt8]] {
        defer { timestamp &+= 3000 }
        return try (0..<count).map { place in
            var payload = Packets.vp8Payload(isKeyFrame: isKeyFrame, startsFrame: place == 0, size: size)
            for byte in 0..<4 { payload[2 + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
            defer { (sequence, number) = (sequence + 1, number + 1) }
            return try Packets.rtp(
                payloadType: payloadType, marker: place == count - 1, sequence: sequence, timestamp: timestamp,
                ssrc: ssrc, payload: payload)
        }
    }
}

extension Sent {
    /// What `VideoTrack` wrote.
    var number: Int {
        let payload = payload
        guard payload.count >= 6 else { return -1 }
        return (0..<4).reduce(0) { $0 | Int(payload[2 + $1]) << (8 * $1) }
    }
}
