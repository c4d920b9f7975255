import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// A source that sends again what it is asked for: in a stream of its own, or the same packet once more.
struct ScriptedSource {
    var track = VideoTrack()
    /// Nil: the same packet once more.
    var rtx: (ssrc: UInt32, payloadType: UInt8)? = (2223, 97)
    private var sent: [Int: [UInt8]] = [:]
    private var rtxSequence = 65_000
    private(set) var requests = 0
    private(set) var requested = 0
    private(set) var keyFrameRequests = 0

    mutating func frame(isKeyFrame: Bool, packets: Int, size: Int) throws -> [[UInt8]] {
        let first = track.sequence
        let frame = try track.frame(isKeyFrame: isKeyFrame, packets: packets, size: size)
        for (place, packet) in frame.enumerated() { sent[(first + place) & 0xFFFF] = packet }
        return frame
    }

    /// What it answers to RTCP.
    mutating func receive(_ datagram: Sent) throws -> [[UInt8]] {
        var answers: [[UInt8]] = []
        for packet in datagram.packets {
            if case .pictureLoss = packet { keyFrameRequests += 1 }
            guard case .nack(let nack) = packet, nack.mediaSSRC == track.ssrc else { continue }
            requests += 1
            for position in 0..<nack.count {
                for number in nack.item(position, in: datagram.bytes.span.bytes).numbers {
                    requested += 1
                    guard let original = sent[number] else { continue }
                    answers.append(try again(original))
                }
            }
        }
        return answers
    }

    private mutating func again(_ packet: [UInt8]) throws -> [UInt8] {
        guard let rtx else { return packet }
        let header = try RTPHeader(parsing: packet.span.bytes)
        defer { rtxSequence += 1 }
        return try Packets.rtp(
            payloadType: rtx.payloadType, marker: header.marker, sequence: rtxSequence, timestamp: header.timestamp,
            ssrc: rtx.ssrc, payload: Array(packet[2..<4]) + packet[header.payloadRange])
    }
}

/// A receiver that asks for what it misses, as a browser does.
struct ScriptedReceiver {
    let ssrc: UInt32
    let rtx: (ssrc: UInt32, payloadType: UInt8)?
    var nack = NACKGenerator()
    private var unwrapper = SequenceUnwrapper()
    private var rtxNumbers = SequenceUnwrapper()
    /// Packets by their extended numbers.
    private(set) var packets: [Int64: [UInt8]] = [:]
    /// That came twice in the same stream with the same bytes, and with others.
    private(set) var twice = 0
    private(set) var differing = 0
    private(set) var retransmissions = 0
    private(set) var unasked = 0
    private(set) var requested = 0

    init(_ consumer: ConsumerState) throws {
        let encoding = try #require(consumer.rtpParameters.encodings.first)
        ssrc = try #require(encoding.ssrc)
        let codec = consumer.rtpParameters.codecs.first { $0.isRTX }
        rtx = encoding.rtxSSRC.flatMap { ssrc in codec.map { (ssrc, $0.payloadType) } }
    }

    mutating func receive(_ datagram: Sent, now: Instant) throws {
        guard let header = datagram.header, !datagram.isRTCP else { return }
        if let rtx, header.ssrc == rtx.ssrc {
            #expect(header.payloadType == rtx.payloadType)
            _ = rtxNumbers.unwrap(header.sequenceNumber)
            retransmissions += 1
            let payload = datagram.payload
            let index = unwrapper.peek(UInt16(payload[0]) << 8 | UInt16(payload[1]))
            guard nack.receive(index, isKeyFrame: false, isRetransmission: true, now: now).isRecovered else {
                unasked += 1
                return
            }
            keep(Array(payload.dropFirst(2)), index)
            return
        }
        guard header.ssrc == ssrc else { return }
        let index = unwrapper.unwrap(header.sequenceNumber)
        if nack.receive(index, isKeyFrame: datagram.isVP8KeyFrame, now: now).isRecovered { retransmissions += 1 }
        keep(datagram.payload, index)
    }

    private mutating func keep(_ payload: [UInt8], _ index: Int64) {
        if let before = packets[index] {
            if before == payload { twice += 1 } else { differing += 1 }
        }
        packets[index] = payload
    }

    /// What it asks for now; nil: nothing.
    mutating func request(now: Instant) -> [UInt8]? {
        let isTimerDue = nack.nextDeadline.map { $0 <= now } ?? false
        guard isTimerDue || nack.isRequestDue(at: now) else { return nil }
        nack.beginRequests(isTimerDue ? .timer : .packet, now: now)
        var items: [NACKItem] = []
        while let item = nack.takeRequest() { items.append(item) }
        guard !items.isEmpty else { return nil }
        requested += items.reduce(0) { $0 + $1.count }
        return Packets.write { rtcp, bytes in
            for item in items { rtcp.nack(item, senderSSRC: 1, mediaSSRC: ssrc, into: &bytes) }
        }
    }

    /// The numbers that `VideoTrack` wrote, in the order of the stream.
    var numbers: [Int] {
        packets.sorted { $0.key < $1.key }.map { _, payload in
            payload.count < 6 ? -1 : (0..<4).reduce(0) { $0 | Int(payload[2 + $1]) << (8 * $1) }
        }
    }

    /// Extended numbers less the source's own: one value if gaps are the source's gaps.
    var shifts: Set<Int64> {
        Set(zip(packets.keys.sorted(), numbers).map { $0 - Int64($1) })
    }
}

extension NACKItem {
    var numbers: [Int] {
        var numbers: [Int] = []
        forEach { numbers.append(Int($0)) }
        return numbers
    }
}

/// A source and a receiver on either side of the engine, over four links.
final class LossyStage {
    let stage: Stage
    var source = ScriptedSource()
    var receiver: ScriptedReceiver
    let incoming: Stage.Port
    let outgoing: Stage.Port
    /// Source → engine, engine → source, engine → receiver, receiver → engine.
    var links: (up: Link, upBack: Link, down: Link, downBack: Link)

    init(
        up: Link = Link(seed: 1), upBack: Link = Link(seed: 2), down: Link = Link(seed: 3),
        downBack: Link = Link(seed: 4), sourceRTX: Bool = true, receiverRTX: Bool = true
    ) throws {
        links = (up, upBack, down, downBack)
        stage = try Stage()
        incoming = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: incoming, Parameters.vp8WithNACK(rtx: sourceRTX))
        outgoing = try stage.transport("receiver", comedia: false, rtcpMux: true)
        try stage.connect(outgoing)
        let consumer = try stage.consume(
            "c", on: outgoing, of: "video", receiverRTX ? Parameters.everything : Parameters.everythingWithoutRTX)
        receiver = try ScriptedReceiver(consumer)
        if !sourceRTX { source.rtx = nil }
    }

    /// Frames in a row, then time for what is still missing.
    /// - Parameter interval: Between frames.
    func run(frames: Int, packets: Int = 3, size: Int = 40, interval: Int = 16, keyFrameInterval: Int = 100) throws {
        for number in 0..<frames {
            for packet in try source.frame(
                isKeyFrame: number % keyFrameInterval == 0, packets: packets, size: size)
            {
                links.up.send(packet, at: stage.now)
            }
            for _ in 0..<interval { try step() }
        }
        // The last ones arrive for certain: without a later packet nobody can know that one is missing.
        let losses = (links.up.loss, links.down.loss)
        (links.up.loss, links.down.loss) = (0, 0)
        for packet in try source.frame(isKeyFrame: false, packets: 1, size: size) {
            links.up.send(packet, at: stage.now)
        }
        for _ in 0..<100 { try step() }
        (links.up.loss, links.down.loss) = losses
        for _ in 0..<2000 { try step() }
    }

    /// A millisecond.
    func step() throws {
        stage.pass(.milliseconds(1))
        for datagram in links.up.arrivals(until: stage.now) { stage.receive(datagram, on: incoming.rtp) }
        for datagram in links.downBack.arrivals(until: stage.now) {
            stage.receive(datagram, on: outgoing.rtp, from: Stage.address("198.51.100.7", 5000))
        }
        stage.flush()
        route()
        for datagram in links.upBack.arrivals(until: stage.now) {
            for answer in try source.receive(Sent(datagram)) { links.up.send(answer, at: stage.now) }
        }
        for datagram in links.down.arrivals(until: stage.now) { try receiver.receive(Sent(datagram), now: stage.now) }
        if let request = receiver.request(now: stage.now) { links.downBack.send(request, at: stage.now) }
    }

    private func route() {
        for datagram in stage.sent {
            if datagram.destination.port == 7000 { links.upBack.send(datagram.bytes, at: stage.now) }
            if datagram.destination.port == 5000 { links.down.send(datagram.bytes, at: stage.now) }
        }
        stage.sent = []
    }

    /// For the comment of an expectation: with it a failure can be had again.
    var circumstances: String { "up: \(links.up), down: \(links.down), at \(stage.now)" }
}

extension Sent {
    init(_ bytes: [UInt8]) { self.init(socket: SocketID(0), destination: Stage.source, bytes: bytes) }
}

extension Parameters {
    static func vp8WithNACK(rtx: Bool, rtxSSRC: UInt32? = 2223) -> RTPParameters {
        var parameters = vp8(feedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli")])
        guard rtx else { return parameters }
        parameters.codecs.append(
            RTPCodecParameters(mimeType: "video/rtx", payloadType: 97, clockRate: 90_000, parameters: ["apt": 96]))
        parameters.encodings[0].rtxSSRC = rtxSSRC
        return parameters
    }

    static var everythingWithoutRTX: RTPCapabilities {
        var capabilities = everything
        capabilities.codecs.removeAll { $0.mimeType.lowercased() == "video/rtx" }
        return capabilities
    }
}

extension Stage {
    /// The whole numbers among an object's statistics.
    func stats(ofProducer id: String) throws -> [String: Int] {
        Self.numbers(try engine.stats(of: ProducerID(rawValue: id), now: now))
    }

    func stats(ofConsumer id: String) throws -> [String: Int] {
        Self.numbers(try engine.stats(of: ConsumerID(rawValue: id), now: now))
    }

    func stats(ofTransport id: String) throws -> [String: Int] {
        Self.numbers(try engine.stats(of: TransportID(rawValue: id), now: now))
    }

    private static func numbers(_ stats: JSONValue) -> [String: Int] {
        (stats.arrayValue?.first?.objectValue ?? [:]).compactMapValues { $0.integerValue.map { Int($0) } }
    }
}
