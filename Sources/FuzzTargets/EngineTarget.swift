import Base
import Foundation
import ORTC
import RTP
import SFU

/// Steps, one behind the other: time that passes, datagrams on any socket from any side, and commands about objects that are
/// there, were there or never were.
func fuzzEngine(_ bytes: RawSpan) {
    var input = FuzzInput(bytes)
    var stage = FuzzStage()
    // Each step costs microseconds, but a key frame may go to all receivers: bounded, so that no input is merely slow.
    var steps = 0
    while !input.isAtEnd, steps < 400 {
        steps += 1
        stage.step(&input)
    }
    stage.end()
}

private struct FuzzStage: ~Copyable {
    private var engine: MediaEngine
    private var outbox = Outbox(capacity: 16_384, maximumRuns: 64)
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let capabilities: RTPCapabilities
    private var transports: [TransportID] = []
    private var producers: [ProducerID] = []
    private var consumers: [ConsumerID] = []
    private var nextSocket: UInt32 = 1
    private let sides: [SocketAddress]

    private static let router = RouterID(rawValue: "router")
    private static let most = 12

    init() {
        var configuration = SFUConfiguration()
        (configuration.gopCacheBytes, configuration.audioLogBytes) = (65_536, 65_536)
        engine = MediaEngine(configuration: configuration, random: .seeded(7))
        sides = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].compactMap { SocketAddress($0, port: 5000) }
        guard let made = try? engine.createRouter(id: Self.router, mediaCodecs: RouterCodecs.standard) else {
            preconditionFailure("the standard codecs make a router")
        }
        capabilities = made
    }

    mutating func step(_ input: inout FuzzInput) {
        let (what, which) = (input.byte(), Int(input.byte()))
        switch what % 16 {
        case 0: pass(.microseconds(Int64(input.word()) * 50))
        case 1...3:
            // Any bytes.
            let datagram = input.datagram()
            engine.receive(datagram.span.bytes, on: socket(which), from: side(which), now: now, into: &outbox)
        case 4...7: receiveRTP(&input, which)
        case 8: receiveReport(&input, which)
        case 9: addTransport(which)
        case 10: addProducer(which)
        case 11: addConsumer(which, Int(input.byte()))
        case 12: connect(which)
        case 13: pauseOrResume(which, Int(input.byte()))
        case 14: close(which, Int(input.byte()))
        default: look(which)
        }
        settle()
    }

    /// Everything closes: nothing may be left.
    mutating func end() {
        pass(.seconds(3))
        engine.close(Self.router, now: now, into: &outbox)
        settle()
        precondition(
            engine.population == MediaEngine.Population(), "with its router everything is gone: \(engine.population)")
        pass(.seconds(3))
    }

    // MARK: - Time and what comes out

    private mutating func pass(_ duration: Duration) {
        now = now + duration
        settle()
    }

    /// What a driver does in a turn.
    private mutating func settle() {
        // Each deadline that is met brings a later one; a machine that stays due would keep a core busy.
        var turns = 0
        repeat {
            turns += 1
            precondition(turns < 64, "the engine comes to rest")
            engine.advance(to: now, into: &outbox)
            while engine.flush(now: now, into: &outbox) {
                precondition(!outbox.runs.isEmpty, "an outbox that is full has something to send")
                check()
            }
            check()
        } while engine.nextDeadline.map { $0 <= now } ?? false
        _ = outbox.takeEvents()
        _ = outbox.takeSocketsToClose()
    }

    private mutating func check() {
        var end = 0
        for run in outbox.runs {
            precondition(Int(run.offset) >= end, "runs don't overlap")
            end = Int(run.offset) + Int(run.length)
            precondition(end <= outbox.used && run.count >= 1 && run.segmentSize >= 1, "a run lies in the slots")
            precondition(
                (Int(run.length) + Int(run.segmentSize) - 1) / Int(run.segmentSize) == Int(run.count),
                "a run is as many datagrams as it says")
        }
        outbox.removeDatagrams()
    }

    // MARK: - Datagrams

    private func socket(_ which: Int) -> SocketID { SocketID(UInt32(which % Int(nextSocket + 1))) }
    private func side(_ which: Int) -> SocketAddress { sides[which / 16 % sides.count] }

    /// A packet with a right header, so that its payload is looked at.
    private mutating func receiveRTP(_ input: inout FuzzInput, _ which: Int) {
        let (kind, step, flags) = (Int(input.byte()), input.byte(), input.byte())
        let stream = FuzzStream.all[kind % FuzzStream.all.count]
        var header = RTPHeaderWriter(
            payloadType: stream.payloadTypes[kind / 16 % stream.payloadTypes.count], marker: flags & 1 != 0,
            sequenceNumber: UInt16(step) &+ (flags & 2 != 0 ? 65_400 : 0), timestamp: UInt32(step / 3) * 3000,
            ssrc: stream.ssrcs[Int(flags >> 4) % stream.ssrcs.count])
        if flags & 4 != 0 {
            header.extensions = [
                .init(id: 1, data: Array(stream.name.utf8)), .init(id: 2, data: [flags >> 4 & 1 == 0 ? 0x61 : 0x62]),
                .init(id: 5, data: [0, step]), .init(id: 4, data: [step, 0, 0]),
            ]
        }
        let payload = input.datagram()
        guard payload.count < 1400, let packet = try? header.packet(payload: payload) else { return }
        engine.receive(packet.span.bytes, on: socket(which), from: side(which), now: now, into: &outbox)
    }

    /// RTCP about streams that are really sent, from a receiver's side.
    private mutating func receiveReport(_ input: inout FuzzInput, _ which: Int) {
        var datagram = input.datagram()
        guard datagram.count >= 12, let consumer = chosen(consumers, which),
            let stats = try? engine.stats(of: consumer, now: now).arrayValue?.first?["ssrc"]?.integerValue
        else { return }
        // Where RR, NACK and PLI name the stream that they are about.
        for byte in 0..<4 { datagram[8 + byte] = UInt8(truncatingIfNeeded: stats >> (24 - 8 * byte)) }
        engine.receive(datagram.span.bytes, on: socket(which), from: side(which), now: now, into: &outbox)
    }

    // MARK: - Commands

    private func chosen<ID>(_ ids: [ID], _ which: Int) -> ID? { ids.isEmpty ? nil : ids[which % ids.count] }

    private mutating func endpoint() -> LocalEndpoint {
        defer { nextSocket += 1 }
        return LocalEndpoint(
            socket: SocketID(nextSocket), address: "192.0.2.9", port: UInt16(truncatingIfNeeded: 40_000 + nextSocket))
    }

    private mutating func addTransport(_ which: Int) {
        guard transports.count < Self.most else { return }
        let id = TransportID(rawValue: "t\(transports.count)")
        let setup = PlainTransportSetup(
            router: Self.router, id: id, rtp: endpoint(), rtcp: which & 1 == 0 ? nil : endpoint(),
            comedia: which & 2 != 0, srtpCryptoSuite: which & 12 == 12 ? "AEAD_AES_128_GCM" : nil)
        _ = try? engine.createPlainTransport(setup, now: now)
        transports.append(id)
    }

    private mutating func connect(_ which: Int) {
        guard let id = chosen(transports, which) else { return }
        let side = side(which)
        let key = engine.srtpParameters(of: id)
        _ = try? engine.connect(
            id, ip: side.ip, port: side.port, rtcpPort: nil, srtpParameters: key, now: now, into: &outbox)
        _ = try? engine.connect(
            id, ip: side.ip, port: side.port, rtcpPort: 5001, srtpParameters: key, now: now, into: &outbox)
        _ = try? engine.connect(
            id, ip: nil, port: nil, rtcpPort: nil, srtpParameters: key, now: now, into: &outbox)
    }

    private mutating func addProducer(_ which: Int) {
        guard producers.count < Self.most, let transport = chosen(transports, which / 16) else { return }
        let stream = FuzzStream.all[which % FuzzStream.all.count]
        let id = ProducerID(rawValue: "p\(producers.count)")
        let setup = ProducerSetup(
            transport: transport, id: id, kind: stream.kind, rtpParameters: stream.parameters, paused: which & 64 != 0)
        _ = try? engine.produce(setup, now: now, into: &outbox)
        producers.append(id)
    }

    private mutating func addConsumer(_ which: Int, _ how: Int) {
        guard consumers.count < Self.most, let transport = chosen(transports, which),
            let producer = chosen(producers, which / 16)
        else { return }
        let id = ConsumerID(rawValue: "c\(consumers.count)")
        let setup = ConsumerSetup(
            transport: transport, id: id, producer: producer, rtpCapabilities: capabilities, paused: how & 1 != 0,
            enableRTX: how & 2 == 0 ? nil : how & 4 != 0)
        _ = try? engine.consume(setup, now: now, into: &outbox)
        consumers.append(id)
    }

    private mutating func pauseOrResume(_ which: Int, _ how: Int) {
        if let id = chosen(consumers, which) {
            switch how % 6 {
            case 0: try? engine.pause(id, now: now, into: &outbox)
            case 1: try? engine.resume(id, now: now, into: &outbox)
            case 2: try? engine.requestKeyFrame(id, now: now, into: &outbox)
            case 3: _ = try? engine.setPriority(id, how % 255, now: now, into: &outbox)
            default: break
            }
        }
        if let id = chosen(producers, which) {
            if how % 6 == 4 { try? engine.pause(id, now: now, into: &outbox) }
            if how % 6 == 5 { try? engine.resume(id, now: now, into: &outbox) }
        }
    }

    private mutating func close(_ which: Int, _ how: Int) {
        switch how % 3 {
        case 0: if let id = chosen(consumers, which) { engine.close(id, now: now, into: &outbox) }
        case 1: if let id = chosen(producers, which) { engine.close(id, now: now, into: &outbox) }
        default: if let id = chosen(transports, which) { engine.close(id, now: now, into: &outbox) }
        }
    }

    private func look(_ which: Int) {
        if let id = chosen(transports, which) {
            _ = try? engine.stats(of: id, now: now)
            _ = try? engine.dump(of: id)
        }
        if let id = chosen(producers, which) {
            _ = try? engine.stats(of: id, now: now)
            _ = try? engine.dump(of: id)
        }
        if let id = chosen(consumers, which) {
            _ = try? engine.stats(of: id, now: now)
            _ = try? engine.dump(of: id)
        }
    }
}

/// What producers of the stage send.
private struct FuzzStream {
    let name: String
    let kind: MediaKind
    let payloadTypes: [UInt8]
    let ssrcs: [UInt32]
    let parameters: RTPParameters

    static let all: [FuzzStream] = [
        FuzzStream("a", .audio, "audio/opus", 111, clockRate: 48_000, channels: 2, encodings: [.init(ssrc: 1)]),
        FuzzStream("v", .video, "video/VP8", 96, encodings: [.init(ssrc: 2)], rtx: 97),
        FuzzStream("s", .video, "video/VP8", 98, encodings: [.init(rid: "a"), .init(rid: "b")]),
        FuzzStream("m", .video, "video/VP8", 99, encodings: [.init(ssrc: 3), .init(ssrc: 4)]),
        FuzzStream("k", .video, "video/VP9", 100, encodings: [.init(ssrc: 5, scalabilityMode: "L3T3_KEY")]),
        FuzzStream(
            "h", .video, "video/H264", 101,
            parameters: ["packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1],
            encodings: [.init(ssrc: 6, scalabilityMode: "L1T3")]),
    ]

    init(
        _ name: String, _ kind: MediaKind, _ mimeType: String, _ payloadType: UInt8, clockRate: Int = 90_000,
        channels: Int? = nil, parameters: [String: JSONValue] = [:], encodings: [RTPEncodingParameters],
        rtx: UInt8? = nil
    ) {
        (self.name, self.kind) = (name, kind)
        payloadTypes = [payloadType] + (rtx.map { [$0] } ?? [])
        ssrcs = encodings.compactMap(\.ssrc) + [77, 78]
        var codecs = [
            RTPCodecParameters(
                mimeType: mimeType, payloadType: payloadType, clockRate: clockRate, channels: channels ?? 1,
                parameters: parameters,
                rtcpFeedback: kind == .audio
                    ? [] : [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("transport-cc")])
        ]
        if let rtx {
            codecs.append(
                RTPCodecParameters(
                    mimeType: "video/rtx", payloadType: rtx, clockRate: 90_000,
                    parameters: ["apt": .integer(Int64(payloadType))]))
        }
        let extensions: [(RTPHeaderExtensionURI, Int)] = [
            (.mid, 1), (.rtpStreamID, 2), (.absSendTime, 4), (.transportWideCC, 5),
        ]
        self.parameters = RTPParameters(
            mid: name, codecs: codecs,
            headerExtensions: extensions.map { RTPHeaderExtensionParameters(uri: $0.0.rawValue, id: $0.1) },
            encodings: encodings)
    }
}
