import Base
import ORTC
import RTP
import SFU
import SRTP

/// What an engine script plays on: a router with every kind of transport, producers of every type, and consumers of all of
/// them; a virtual clock; and promises about everything that leaves.
final class EngineStage {
    var engine: MediaEngine
    var outbox = Outbox(capacity: 16_384, maximumRuns: 64)
    var now = Instant(nanoseconds: 1_000_000_000)
    let room = RouterID(rawValue: "room")
    let capabilities: RTPCapabilities
    var remotes: [Remote] = []
    var tracks: [Track] = []
    var producers: [ProducerID] = []
    var consumers: [ConsumerID] = []
    /// SSRCs that remote sides may speak of: those of sources, then those of receivers' streams.
    var ssrcs: [UInt32] = []
    /// What was sent last under each SSRC.
    var lastNumbers: [UInt32: UInt16] = [:]
    var lastTransportNumber: UInt16 = 0
    private var protected: [ProtectedPacket: Int] = [:]
    private var numbers: [UInt32: SequenceUnwrapper] = [:]
    private var closed: Set<SocketID> = []

    /// A transport and who is on its other side.
    final class Remote {
        let id: TransportID
        let socket: SocketID
        let address: SocketAddress
        /// Nil: without SRTP.
        var sender: SRTPSender?

        init(id: TransportID, socket: SocketID, address: SocketAddress, sender: consuming SRTPSender?) {
            (self.id, self.socket, self.address) = (id, socket, address)
            self.sender = sender
        }
    }

    /// A stream that a remote side sends.
    struct Track {
        var transport: Int
        var ssrc: UInt32
        var payloadType: UInt8
        var rtx: (ssrc: UInt32, payloadType: UInt8)?
        var mid: String
        var rid: String?
        /// The id of the extension that says something of the content; 0: none.
        var contentID: UInt8
        var sequence: UInt16
        var timestamp: UInt32 = 4_294_960_000
    }

    private struct ProtectedPacket: Hashable {
        var socket: SocketID
        var ssrc: UInt32
        var index: Int64
    }

    static let extensions: [(uri: RTPHeaderExtensionURI, id: Int)] = [
        (.mid, 1), (.rtpStreamID, 2), (.repairedRTPStreamID, 3), (.absSendTime, 4), (.transportWideCC, 5),
    ]

    init() throws {
        var configuration = SFUConfiguration()
        // Small, so that logs wrap and receivers are overtaken within a script.
        configuration.gopCacheBytes = 32 << 10
        configuration.audioLogBytes = 8 << 10
        configuration.gopBudget.totalBytes = 64 << 10
        engine = MediaEngine(configuration: configuration, random: .seeded(42))
        capabilities = try engine.createRouter(id: room, mediaCodecs: RouterCodecs.standard)
        try makeTransports()
        try makeProducers()
        try makeConsumers()
        collect()
    }

    private func endpoint(_ number: Int) -> LocalEndpoint {
        LocalEndpoint(socket: SocketID(UInt32(number)), address: "192.0.2.1", port: UInt16(40_000 + number))
    }

    private func address(_ number: Int) throws -> SocketAddress {
        guard let address = SocketAddress(number == 3 ? "0.0.0.0" : "198.51.100.7", port: number == 3 ? 0 : 5000) else {
            throw SFUError(.failed, "no address")
        }
        return address
    }

    /// 0: a camera that is known by its first packet; 1: a screen with SRTP; 2: a pipe; 3: code of this process; 4: a viewer
    /// that sends transport-wide feedback; 5: one with SRTP that sends REMBs.
    private func makeTransports() throws {
        for (number, name) in ["camera", "screen", "pipe", "direct", "viewer", "guard"].enumerated() {
            let id = TransportID(rawValue: name)
            let suite: SRTPCryptoSuite? = number == 1 ? .aesCM128HMACSHA1Tag80 : number == 5 ? .aeadAES128GCM : nil
            var sender: SRTPSender?
            var parameters: SRTPParameters?
            if let suite {
                let key = try SRTPMasterKey(suite, (0..<suite.masterLength).map { UInt8($0 + number) })
                sender = try SRTPSender(key)
                parameters = SRTPParameters(cryptoSuite: suite.rawValue, keyBase64: key.base64)
            }
            let local = endpoint(number)
            switch number {
            case 2:
                _ = try engine.createPipeTransport(
                    PipeTransportSetup(router: room, id: id, local: local, enableRTX: true), now: now)
                _ = try engine.connectPipe(id, ip: "198.51.100.7", port: 5000, now: now, into: &outbox)
            case 3:
                try engine.createDirectTransport(
                    DirectTransportSetup(router: room, id: id, socket: local.socket), now: now, into: &outbox)
            default:
                _ = try engine.createPlainTransport(
                    PlainTransportSetup(
                        router: room, id: id, rtp: local, comedia: number == 0, srtpCryptoSuite: suite?.rawValue),
                    now: now)
                if number > 0 {
                    _ = try engine.connect(
                        id, ip: "198.51.100.7", port: 5000, rtcpPort: nil, srtpParameters: parameters, now: now,
                        into: &outbox)
                }
            }
            remotes.append(Remote(id: id, socket: local.socket, address: try address(number), sender: sender))
        }
    }

    private func makeProducers() throws {
        try produce(
            "simulcast", on: 0, .video, "video/VP8", 96, rtx: 97, content: .videoOrientation, estimates: "transport-cc",
            [1001, 1002, 1003].map { RTPEncodingParameters(rid: "r\($0)", scalabilityMode: "L1T3") })
        try produce(
            "svc", on: 1, .video, "video/VP9", 98, rtx: 99, content: .frameMarking, estimates: "goog-remb",
            [RTPEncodingParameters(ssrc: 3000, rtxSSRC: 3010, scalabilityMode: "L3T3_KEY")])
        try produce(
            "av1", on: 2, .video, "video/AV1", 45, rtx: 46, content: .dependencyDescriptor, estimates: "transport-cc",
            [RTPEncodingParameters(ssrc: 4000, rtxSSRC: 4010, scalabilityMode: "L2T2")])
        try produce(
            "h264", on: 3, .video, "video/H264", 102, rtx: 103, content: .playoutDelay, estimates: "goog-remb",
            [RTPEncodingParameters(ssrc: 5000, rtxSSRC: 5010)])
        try produce(
            "audio", on: 3, .audio, "audio/opus", 100, rtx: nil, content: .ssrcAudioLevel, estimates: "",
            [RTPEncodingParameters(ssrc: 6000, dtx: true)])
        for (name, kind) in [
            ("levels", RTPObserverSetup.Kind.audioLevel(maximumEntries: 3)), ("speaker", .activeSpeaker()),
        ] {
            let id = RTPObserverID(rawValue: name)
            try engine.createObserver(RTPObserverSetup(router: room, id: id, kind: kind), now: now)
            try engine.addProducer(ProducerID(rawValue: "audio"), to: id, now: now)
        }
    }

    private func produce(
        _ name: String, on transport: Int, _ kind: MediaKind, _ mimeType: String, _ payloadType: UInt8, rtx: UInt8?,
        content: RTPHeaderExtensionURI, estimates: String, _ encodings: [RTPEncodingParameters]
    ) throws {
        let isAudio = kind == .audio
        let rate = isAudio ? 48_000 : 90_000
        let feedback = ["nack", estimates].filter { !$0.isEmpty }.map { RTCPFeedback($0) }
        var parameters: [String: JSONValue] = [:]
        if mimeType == "video/H264" { parameters = ["packetization-mode": 1, "profile-level-id": "42e01f"] }
        var codecs = [
            RTPCodecParameters(
                mimeType: mimeType, payloadType: payloadType, clockRate: rate, channels: isAudio ? 2 : nil,
                parameters: parameters, rtcpFeedback: feedback + (isAudio ? [] : [RTCPFeedback("nack", "pli")]))
        ]
        if let rtx {
            codecs.append(
                RTPCodecParameters(
                    mimeType: "video/rtx", payloadType: rtx, clockRate: rate,
                    parameters: ["apt": JSONValue(payloadType)]))
        }
        let extensions = Self.extensions + [(content, 6)]
        _ = try engine.produce(
            ProducerSetup(
                transport: remotes[transport].id, id: ProducerID(rawValue: name), kind: kind,
                rtpParameters: RTPParameters(
                    mid: name, codecs: codecs,
                    headerExtensions: extensions.map { RTPHeaderExtensionParameters(uri: $0.uri.rawValue, id: $0.id) },
                    encodings: encodings)), now: now, into: &outbox)
        producers.append(ProducerID(rawValue: name))
        for (place, encoding) in encodings.enumerated() {
            let ssrc = encoding.ssrc ?? UInt32(1001 + place)
            ssrcs.append(ssrc)
            tracks.append(
                Track(
                    transport: transport, ssrc: ssrc, payloadType: payloadType, rtx: rtx.map { (ssrc + 10, $0) },
                    mid: name, rid: encoding.rid, contentID: 6, sequence: UInt16(65_500 + place)))
        }
    }

    private func makeConsumers() throws {
        for transport in 2...5 { for producer in producers.indices { try consume(producer, on: transport, false) } }
    }

    func consume(_ producer: Int, on transport: Int, _ isPaused: Bool) throws {
        var capabilities = capabilities
        if transport == 5 {
            capabilities.headerExtensions.removeAll { $0.uri == RTPHeaderExtensionURI.transportWideCC.rawValue }
        }
        let id = ConsumerID(rawValue: "\(consumers.count)")
        let state = try engine.consume(
            ConsumerSetup(
                transport: remotes[transport].id, id: id, producer: producers[producer], rtpCapabilities: capabilities,
                paused: isPaused, enableRTX: producer % 2 == 0, ignoresDTX: transport == 4), now: now, into: &outbox)
        consumers.append(id)
        for encoding in state.rtpParameters.encodings {
            ssrcs += [encoding.ssrc, encoding.rtxSSRC].compactMap { $0 }
        }
    }

    // MARK: - Datagrams

    func receive(_ datagram: [UInt8], on transport: Int, fromElsewhere: Bool = false) {
        let from = remotes[fromElsewhere ? 3 : transport].address
        engine.receive(datagram.span.bytes, on: remotes[transport].socket, from: from, now: now, into: &outbox)
        flush()
    }

    /// What the transport's remote side makes of a packet; nil: it can't be protected.
    func protect(_ packet: [UInt8], on transport: Int, isRTCP: Bool) -> [UInt8]? {
        guard transport == 1 || transport == 5 else { return packet }
        var area = ByteArea(capacity: packet.count + 64)
        area.write(packet.span.bytes, at: 0)
        if isRTCP {
            guard packet.count >= 8 else { return nil }
            let length = try? remotes[transport].sender?.protectRTCP(&area, at: 0, length: packet.count)
            return length.map { area.bytes(0..<$0) }
        }
        guard let header = try? RTPHeader(parsing: packet.span.bytes) else { return nil }
        let length = try? remotes[transport].sender?.protect(
            &area, at: 0, headerLength: header.payloadOffset, count: packet.count - header.payloadOffset,
            index: UInt64(header.sequenceNumber), ssrc: header.ssrc)
        return length.map { area.bytes(0..<$0) }
    }

    func flush() {
        var steps = 0
        while engine.flush(now: now, into: &outbox) {
            collect()
            steps += 1
            precondition(steps < 100_000, "a flush comes to its end")
        }
        collect()
        precondition(engine.gopBytes >= 0, "groups take no less than nothing")
    }

    /// Lets time pass as a driver does.
    func pass(_ duration: Duration) {
        let end = now + duration
        var steps = 0
        while let deadline = engine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            engine.advance(to: now, into: &outbox)
            flush()
            steps += 1
            precondition(steps < 100_000, "what is due is done")
        }
        now = end
        engine.advance(to: now, into: &outbox)
        flush()
    }

    /// Takes over what stands in the outbox, as a driver that trusts it.
    func collect() {
        for run in outbox.runs {
            let (length, segment, count) = (Int(run.length), Int(run.segmentSize), Int(run.count))
            precondition(count >= 1 && count <= 64 && length <= 65_000, "a run is one the kernel takes")
            precondition(length > segment * (count - 1) && length <= segment * count, "only the last one is shorter")
            precondition(Int(run.offset) + length <= outbox.slots.capacity, "a run lies in the slots")
            precondition(!closed.contains(run.socket), "nothing is sent on a socket that was given back")
            for place in 0..<count {
                let start = Int(run.offset) + place * segment
                look(outbox.slots.bytes(start..<min(start + segment, Int(run.offset) + length)), on: run.socket)
            }
        }
        outbox.removeDatagrams()
        _ = outbox.takeEvents()
        for socket in outbox.takeSocketsToClose() {
            precondition(closed.insert(socket).inserted, "a socket is given back once")
        }
    }

    private func look(_ packet: [UInt8], on socket: SocketID) {
        guard PacketKind.of(packet.span.bytes) == .rtp else { return }
        var readable = packet
        // How much of a protected packet is padding is encrypted, too.
        if socket == remotes[1].socket || socket == remotes[5].socket { readable[0] &= ~0x20 }
        guard let header = try? RTPHeader(parsing: readable.span.bytes) else {
            preconditionFailure("what is sent as RTP is RTP")
        }
        lastNumbers[header.ssrc] = header.sequenceNumber
        if let element = header.headerExtension(id: 5, in: packet.span.bytes), element.length == 2 {
            lastTransportNumber = packet.span.bytes.uint16(at: element.offset)
        }
        guard socket == remotes[5].socket else { return }
        // The same nonce over other bytes gives the key away (RFC 7714 §8.3).
        let index = numbers[header.ssrc, default: SequenceUnwrapper()].unwrap(header.sequenceNumber)
        let key = ProtectedPacket(socket: socket, ssrc: header.ssrc, index: index)
        let hash = packet.hashValue
        precondition(protected[key] ?? hash == hash, "under one index there is one packet")
        protected[key] = hash
    }

    /// All is closed, in an order of its own: nothing is left.
    func close() {
        engine.close(remotes[4].id, now: now, into: &outbox)
        for producer in producers { engine.close(producer, now: now, into: &outbox) }
        flush()
        engine.close(room, now: now, into: &outbox)
        flush()
        precondition(engine.population == MediaEngine.Population(), "nothing lives on")
        precondition(engine.gopBytes == 0, "nothing is kept")
        precondition(closed.count == remotes.count, "every socket is given back")
    }
}
