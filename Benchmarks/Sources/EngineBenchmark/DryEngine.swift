import Base
import Glibc
import ORTC
import SFU

/// An engine with one stream of VP8 going to some receivers, each on a transport of its own, and nobody who sends: what
/// is written is thrown away. Its clock is virtual.
struct DryEngine: ~Copyable {
    private var engine: MediaEngine
    private var outbox = Outbox()
    private let packet: UnsafeMutableRawBufferPointer
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var index = 0
    private let source: SocketAddress
    /// Encodings of the producer.
    private let streamCount: Int
    /// Datagrams that were written.
    private(set) var written = 0

    /// What is done to each packet.
    enum Way: String, Codable, CaseIterable {
        /// Its header is rewritten: what receivers of plain RTP take.
        case plain
        /// It gets transport-wide numbers and send times besides, and the sender's bandwidth is estimated.
        case transportWide = "transport-wide"
        /// The producer has three layers of the same rate, of which each receiver gets one; two are received for nothing.
        case simulcast
        case gcm = "AEAD_AES_128_GCM"
        case counterMode = "AES_CM_128_HMAC_SHA1_80"

        var streamCount: Int { self == .simulcast ? 3 : 1 }
        var suite: String? { self == .gcm || self == .counterMode ? rawValue : nil }
    }

    static let packetBytes = 1200
    /// Incoming packets per second, as in the whole benchmark's case of 50 consumers.
    private static let gap = Duration.nanoseconds(1_000_000_000 / 2400)
    private static let router = RouterID(rawValue: "router")
    private static let inlet = SocketID(0)
    private static let packetsPerFrame = 10
    private static let framesPerKeyFrame = 300

    /// - Parameter way: How packets go out.
    init(consumers: Int, way: Way) throws {
        var configuration = SFUConfiguration()
        configuration.coalescing.isEnabled = false
        streamCount = way.streamCount
        engine = MediaEngine(configuration: configuration, random: .seeded(1))
        packet = .allocate(byteCount: Self.packetBytes, alignment: 16)
        packet.initializeMemory(as: UInt8.self, repeating: 0x55)
        var name = sockaddr_in6()
        // An IPv4 address of zeros: family and port lie at the same places.
        (name.sin6_family, name.sin6_port) = (sa_family_t(AF_INET), 9)
        source = SocketAddress(storage: name)
        var capabilities = try engine.createRouter(id: Self.router, mediaCodecs: RouterCodecs.standard)
        if way != .transportWide { capabilities.headerExtensions = [] }
        let inlet = TransportID(rawValue: "in")
        _ = try engine.createPlainTransport(
            PlainTransportSetup(router: Self.router, id: inlet, rtp: Self.endpoint(Self.inlet), comedia: true),
            now: now)
        let vp8 = RTPCodecParameters(mimeType: "video/VP8", payloadType: 101, clockRate: 90_000)
        _ = try engine.produce(
            ProducerSetup(
                transport: inlet, id: ProducerID(rawValue: "producer"), kind: .video,
                rtpParameters: RTPParameters(
                    codecs: [vp8],
                    encodings: (0..<way.streamCount).map { RTPEncodingParameters(ssrc: 2222 + UInt32($0)) })),
            now: now, into: &outbox)
        for number in 0..<consumers { try addConsumer(number, way, capabilities) }
    }

    deinit { packet.deallocate() }

    private mutating func addConsumer(_ number: Int, _ way: Way, _ capabilities: RTPCapabilities) throws {
        let id = TransportID(rawValue: "out\(number)")
        _ = try engine.createPlainTransport(
            PlainTransportSetup(
                router: Self.router, id: id, rtp: Self.endpoint(SocketID(UInt32(number + 1))),
                srtpCryptoSuite: way.suite),
            now: now)
        _ = try engine.connect(
            id, ip: "127.0.0.1", port: 9, rtcpPort: nil, srtpParameters: engine.srtpParameters(of: id), now: now,
            into: &outbox)
        _ = try engine.consume(
            ConsumerSetup(
                transport: id, id: ConsumerID(rawValue: "consumer\(number)"),
                producer: ProducerID(rawValue: "producer"), rtpCapabilities: capabilities),
            now: now, into: &outbox)
    }

    private static func endpoint(_ socket: SocketID) -> LocalEndpoint {
        LocalEndpoint(socket: socket, address: "127.0.0.1", port: UInt16(10_000 + socket.rawValue))
    }

    /// Turns in each of which a burst comes in and goes out to all.
    /// - Parameter step: Between two turns; nil: as long as the burst lasts in the stream.
    mutating func run(turns: Int, burst: Int, step: Duration? = nil) {
        let step = step ?? Self.gap * burst
        for _ in 0..<turns {
            now = now + step
            for _ in 0..<burst {
                for stream in 0..<streamCount {
                    prepare(stream)
                    // Read before the call returns, and only there.
                    engine.receive(
                        UnsafeRawBufferPointer(packet).bytes, on: Self.inlet, from: source, now: now, into: &outbox)
                }
                index += 1
            }
            engine.advance(to: now, into: &outbox)
            while engine.flush(now: now, into: &outbox) { discard() }
            discard()
            if !outbox.events.isEmpty { _ = outbox.takeEvents() }
        }
    }

    private mutating func discard() {
        for run in outbox.runs { written += Int(run.count) }
        outbox.removeDatagrams()
    }

    /// The next packet of a stream.
    private mutating func prepare(_ stream: Int) {
        let (frame, place) = index.quotientAndRemainder(dividingBy: Self.packetsPerFrame)
        let timestamp = UInt32(truncatingIfNeeded: frame * 3000)
        packet[0] = 0x80
        packet[1] = 101 | (place == Self.packetsPerFrame - 1 ? 0x80 : 0)
        packet[2] = UInt8(truncatingIfNeeded: index >> 8)
        packet[3] = UInt8(truncatingIfNeeded: index)
        for byte in 0..<4 { packet[4 + byte] = UInt8(truncatingIfNeeded: timestamp >> (24 - 8 * byte)) }
        (packet[8], packet[9], packet[10], packet[11]) = (0, 0, 0x08, UInt8(0xAE + stream))
        packet[12] = place == 0 ? 0x10 : 0
        packet[13] = frame % Self.framesPerKeyFrame == 0 ? 0x50 : 0x51
    }
}
