import Base
import ORTC
import RTCP
import SFU

/// A sender of VP8 and some receivers, each on a transport of its own, with nobody behind them: what is written is thrown
/// away. The clock is virtual. What allocates here goes by time, not by packets.
final class Scene {
    enum Kind: String, CaseIterable {
        /// Headers are rewritten: what receivers of plain RTP take.
        case plain
        /// Packets get transport-wide numbers and send times, and the receivers' bandwidth is estimated.
        case transportWide = "transport-wide"
        case gcm = "AEAD_AES_128_GCM"
        case counterMode = "AES_CM_128_HMAC_SHA1_80"
        /// Three encodings with three temporal layers; each receiver prefers other ones.
        case simulcast
        /// The receivers are on another worker's engine, behind a pipe within the process.
        case linked

        var suite: String? { self == .gcm || self == .counterMode ? rawValue : nil }
        var encodings: Int { self == .simulcast ? 3 : 1 }
    }

    private let kind: Kind
    private var near: MediaEngine
    /// Where receivers are that a pipe leads to.
    private var far: MediaEngine
    private var outbox = Outbox()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var packet = ByteArea(capacity: Scene.packetBytes)
    private var notes: [LinkNote] = []
    private var index = 0
    /// Of the frame that is being sent.
    private var timestamp: UInt32 = 0
    private var nextReport = Instant(nanoseconds: 1_000_000_000)
    private let source: SocketAddress
    /// Datagrams.
    private(set) var written = 0

    private static let receivers = 9
    private static let room = RouterID(rawValue: "room")
    private static let inlet = SocketID(0)
    /// Packets of a video frame are 1200 bytes.
    private static let packetBytes = 1200
    private static let packetsPerFrame = 8
    private static let framesPerKeyFrame = 240
    private static let ssrcs: [UInt32] = [1001, 1002, 1003]

    init(_ kind: Kind) throws {
        self.kind = kind
        var configuration = SFUConfiguration()
        // What comes leaves in the same turn, whatever the load.
        configuration.coalescing.isEnabled = false
        near = MediaEngine(configuration: configuration, random: .seeded(1))
        far = MediaEngine(configuration: configuration, random: .seeded(2))
        guard let address = SocketAddress("198.51.100.7", port: 5000) else { throw SFUError(.failed, "no address") }
        source = address
        var capabilities = try near.createRouter(id: Self.room, mediaCodecs: RouterCodecs.standard)
        _ = try far.createRouter(id: Self.room, mediaCodecs: RouterCodecs.standard)
        if kind != .transportWide { capabilities.headerExtensions = [] }
        try produce()
        if kind == .linked { try link() }
        for number in 0..<Self.receivers {
            if kind == .linked {
                try addReceiver(number, capabilities, to: &far)
            } else {
                try addReceiver(number, capabilities, to: &near)
            }
        }
    }

    private func produce() throws {
        let id = TransportID(rawValue: "in")
        _ = try near.createPlainTransport(
            PlainTransportSetup(router: Self.room, id: id, rtp: Self.endpoint(Self.inlet), comedia: true), now: now)
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 96, clockRate: 90_000,
            rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("transport-cc")])
        _ = try near.produce(
            ProducerSetup(
                transport: id, id: ProducerID(rawValue: "video"), kind: .video,
                rtpParameters: RTPParameters(
                    codecs: [vp8],
                    encodings: Self.ssrcs.prefix(kind.encodings).map {
                        RTPEncodingParameters(ssrc: $0, scalabilityMode: kind == .simulcast ? "L1T3" : nil)
                    }, rtcp: RTCPParameters(cname: "camera"))), now: now, into: &outbox)
    }

    private func link() throws {
        let ends = (near: TransportID(rawValue: "pipe-near"), far: TransportID(rawValue: "pipe-far"))
        try near.createInProcessPipe(router: Self.room, transport: ends.near)
        try far.createInProcessPipe(router: Self.room, transport: ends.far)
        let (consumer, link) = try near.openLink(
            LinkID(serial: 1, source: 0, sink: 1),
            of: ConsumerSetup(
                transport: ends.near, id: ConsumerID(rawValue: "pipe"), producer: ProducerID(rawValue: "video"),
                rtpCapabilities: RTPCapabilities(codecs: [])), now: now, into: &outbox)
        _ = try far.joinLink(
            link,
            as: ProducerSetup(
                transport: ends.far, id: ProducerID(rawValue: "video"), kind: .video,
                rtpParameters: consumer.rtpParameters), now: now, into: &outbox)
    }

    private func addReceiver(_ number: Int, _ capabilities: RTPCapabilities, to engine: inout MediaEngine) throws {
        let id = TransportID(rawValue: "out\(number)")
        _ = try engine.createPlainTransport(
            PlainTransportSetup(
                router: Self.room, id: id, rtp: Self.endpoint(SocketID(UInt32(number + 1))),
                srtpCryptoSuite: kind.suite, initialAvailableOutgoingBitrate: 1_000_000_000), now: now)
        _ = try engine.connect(
            id, ip: "198.51.100.7", port: 5000, rtcpPort: nil, srtpParameters: engine.srtpParameters(of: id), now: now,
            into: &outbox)
        let preferred = PreferredLayers(
            spatialLayer: UInt8(number % 3), temporalLayer: UInt8(number / 3 % 3))
        _ = try engine.consume(
            ConsumerSetup(
                transport: id, id: ConsumerID(rawValue: "consumer\(number)"), producer: ProducerID(rawValue: "video"),
                rtpCapabilities: capabilities, preferredLayers: kind == .simulcast ? preferred : nil),
            now: now, into: &outbox)
    }

    private static func endpoint(_ socket: SocketID) -> LocalEndpoint {
        LocalEndpoint(socket: socket, address: "192.0.2.1", port: UInt16(10_000 + socket.rawValue))
    }

    // MARK: - Turns

    /// Turns in each of which a burst of each encoding comes in and goes out to all.
    func run(turns: Int, burst: Int, step: Duration) throws {
        for _ in 0..<turns {
            now = now + step
            for _ in 0..<burst {
                for encoding in 0..<kind.encodings {
                    prepare(encoding)
                    // Read before the call returns, and only there.
                    near.receive(
                        UnsafeRawBufferPointer(start: packet.base, count: Self.packetBytes).bytes, on: Self.inlet,
                        from: source, now: now, into: &outbox)
                }
                index += 1
            }
            if now >= nextReport { report() }
            Self.turn(&near, now, &outbox, &written)
            if kind == .linked { carry() }
        }
    }

    private static func turn(_ engine: inout MediaEngine, _ now: Instant, _ outbox: inout Outbox, _ written: inout Int)
    {
        engine.advance(to: now, into: &outbox)
        while engine.flush(now: now, into: &outbox) { discard(&outbox, &written) }
        discard(&outbox, &written)
        if !outbox.events.isEmpty { _ = outbox.takeEvents() }
    }

    private static func discard(_ outbox: inout Outbox, _ written: inout Int) {
        for run in outbox.runs { written += Int(run.count) }
        outbox.removeDatagrams()
    }

    /// What a driver does for the two ends of a pipe.
    private func carry() {
        near.takeLinkNotes(into: &notes)
        for note in notes {
            while case .flushAndLookAgain = far.lookDown(note.link, now: now, into: &outbox) {
                Self.turn(&far, now, &outbox, &written)
            }
        }
        Self.turn(&far, now, &outbox, &written)
        far.takeLinkNotes(into: &notes)
        for note in notes { _ = near.lookUp(note.link, now: now, into: &outbox) }
    }

    /// The next packet of an encoding.
    private func prepare(_ encoding: Int) {
        let (frame, place) = index.quotientAndRemainder(dividingBy: Self.packetsPerFrame)
        let isKey = frame % Self.framesPerKeyFrame == 0
        if place == 0 { timestamp = Self.timestamp(at: now) }
        // Temporal layers as libvpx makes three: 0 2 1 2, where one can switch up at all but the last.
        let layer = isKey || frame % 4 == 0 ? 0 : frame % 4 == 2 ? 1 : 2
        let isSync = !isKey && (frame % 4 == 1 || frame % 4 == 2)
        packet.store(UInt8(0x80), at: 0)
        packet.store(UInt8(place == Self.packetsPerFrame - 1 ? 0x80 | 96 : 96), at: 1)
        packet.store(UInt16(truncatingIfNeeded: index), at: 2)
        packet.store(timestamp, at: 4)
        packet.store(Self.ssrcs[encoding], at: 8)
        packet.store(UInt8(place == 0 ? 0x90 : 0x80), at: 12)
        packet.store(UInt8(0xE0), at: 13)
        packet.store(0x8000 | UInt16(truncatingIfNeeded: frame & 0x7FFF), at: 14)
        packet.store(UInt8(truncatingIfNeeded: frame / 4), at: 16)
        packet.store(UInt8(layer << 6 | (isSync ? 0x20 : 0)), at: 17)
        packet.store(UInt8(isKey ? 0x10 : 0x11), at: 18)
    }

    private static func timestamp(at now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000 * 90)
    }

    /// Sender reports of all encodings, by which receivers can go from one to another.
    private func report() {
        nextReport = now + .milliseconds(500)
        for encoding in 0..<kind.encodings {
            var buffer = [UInt8](repeating: 0, count: 64)
            var rtcp = RTCPBuilder()
            do {
                var span = buffer.mutableSpan
                var bytes = span.mutableBytes
                rtcp.senderReport(
                    SenderInfo(
                        ssrc: Self.ssrcs[encoding], ntp: NTPTime(unixNanoseconds: now.nanoseconds),
                        rtpTimestamp: Self.timestamp(at: now), packetCount: 1, octetCount: 1), into: &bytes)
            }
            near.receive(
                buffer.span.bytes.extracting(0..<rtcp.length), on: Self.inlet, from: source, now: now, into: &outbox)
        }
    }
}
