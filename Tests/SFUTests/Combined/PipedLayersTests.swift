import Base
import ORTC
import RTCP
import SFU
import SRTP
import TestSupport
import Testing

/// Two engines, a pipe of UDP over a network that loses packets between them, a camera with three encodings before the
/// first, and a receiver behind the second.
private final class PipedStage {
    let near: Stage
    let far: Stage
    let source: LayeredSource
    let consumer: ConsumerState
    private let nearPipe: SocketID
    private let farPipe: SocketID
    private let receiver: Stage.Port
    var down: Link
    private var up: Link
    private var seen = (near: 0, far: 0)

    private static let remote = Stage.address("198.51.100.7", 6000)

    init(seed: UInt64, rtx: Bool, srtp: Bool) throws {
        down = Link(seed: seed, loss: 0.05, delay: .milliseconds(10))
        up = Link(seed: seed + 1000, delay: .milliseconds(10))
        let (near, far) = (try Stage(), try Stage())
        (self.near, self.far) = (near, far)
        source = try LayeredSource(near)
        let pipe = TransportID(rawValue: "pipe")
        var sockets: [SocketID] = []
        for stage in [near, far] {
            let local = stage.makeEndpoint()
            sockets.append(local.socket)
            _ = try stage.engine.createPipeTransport(
                PipeTransportSetup(
                    router: Stage.room, id: pipe, local: local, enableRTX: rtx, enableSRTP: srtp), now: stage.now)
        }
        (nearPipe, farPipe) = (sockets[0], sockets[1])
        for (stage, other) in [(near, far), (far, near)] {
            let key = other.engine.srtpParameters(of: pipe)
            _ = try stage.engine.connectPipe(
                pipe, ip: "198.51.100.7", port: 6000, srtpParameters: key, now: stage.now, into: &stage.outbox)
            stage.collect()
        }
        try source.play(1, keys: [0, 1, 2])
        let piped = try near.engine.consume(
            ConsumerSetup(
                transport: pipe, id: ConsumerID(rawValue: "piped"), producer: ProducerID(rawValue: "video"),
                rtpCapabilities: RTPCapabilities(codecs: [])), now: near.now, into: &near.outbox)
        #expect(piped.type == "pipe" && piped.rtpParameters.encodings.count == 3)
        _ = try far.engine.produce(
            ProducerSetup(
                transport: pipe, id: ProducerID(rawValue: "video"), kind: .video, rtpParameters: piped.rtpParameters),
            now: far.now, into: &far.outbox)
        receiver = try far.transport("to-c", comedia: false, rtcpMux: true)
        try far.connect(receiver, to: 5000)
        consumer = try far.consume("c", on: receiver, of: "video")
        far.clock.advance(to: near.now)
    }

    func play(_ count: Int, keys: Set<Int> = []) throws {
        for picture in 0..<count {
            try run(until: source.beginning + .nanoseconds(Int64(source.number) * LayeredSource.period.nanoseconds))
            for place in source.encodings.indices {
                for packet in try source.picture(place, isKey: picture == 0 && keys.contains(place)) {
                    near.feed(packet, on: source.port.rtp)
                }
            }
            source.number += 1
        }
    }

    func run(until end: Instant) throws {
        while near.now < end {
            let step = min(.milliseconds(3), end - near.now)
            near.pass(step)
            far.pass(step)
            for datagram in down.arrivals(until: far.now) { far.receive(datagram, on: farPipe, from: Self.remote) }
            for datagram in up.arrivals(until: near.now) { near.receive(datagram, on: nearPipe, from: Self.remote) }
            near.flush()
            far.flush()
            for sent in near.sent[seen.near...] where sent.destination.port == 6000 {
                down.send(sent.bytes, at: near.now)
            }
            for sent in far.sent[seen.far...] where sent.destination.port == 6000 { up.send(sent.bytes, at: far.now) }
            seen = (near.sent.count, far.sent.count)
        }
    }

    func askForKeyFrame() throws {
        let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)
        far.feed(Packets.pictureLoss(ssrc: ssrc), on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    }

    /// What the receiver got, in the order of its numbers.
    var received: [LayeredPacket] {
        far.layered(to: 5000).sorted { Int16(truncatingIfNeeded: $0.sequence - $1.sequence) < 0 }
    }
}

@Suite struct PipedLayersTests {
    @Test(arguments: [true, false], [true, false])
    func `three encodings go through a lossy pipe, and a receiver behind it changes between them`(
        rtx: Bool, srtp: Bool
    ) throws {
        let pipe = try PipedStage(seed: 21, rtx: rtx, srtp: srtp)
        try pipe.play(10, keys: [0, 1, 2])
        try pipe.source.report()
        for round in 0..<9 {
            try pipe.play(12, keys: round % 3 == 0 ? [0, 1, 2] : [])
            _ = try pipe.far.prefer(UInt8((round * 2) % 3), UInt8(round % 3))
        }
        let lost = pipe.down.lostCount
        pipe.down.loss = 0
        try pipe.play(4, keys: [0, 1, 2])
        try pipe.play(20)
        #expect(lost > 10)
        let received = pipe.received
        #expect(received.count > 150 && Set(received.map(\.place)) == [0, 1, 2])
        #expect(Set(received.map(\.sequence)).count == received.count)
        #expect(received.last?.number ?? 0 >= pipe.source.number - 5)
        if rtx {
            let stats = try pipe.near.stats(ofConsumer: "piped")
            #expect(stats["packetsRetransmitted"] ?? 0 > 0, "\(stats)")
        }
        var (missing, back) = (0, 0)
        for (before, after) in zip(received, received.dropFirst()) {
            missing += (after.sequence - before.sequence) & 0xFFFF - 1
            if Int32(bitPattern: after.timestamp &- before.timestamp) < 0 { back += 1 }
        }
        #expect(back == 0)
        // What was lost of the encoding that was forwarded, or little of it; and a number for each frame that was cut off.
        #expect(missing <= (rtx ? 12 : lost + 10), "\(missing) of \(lost)")
    }

    @Test(arguments: [true, false]) func `a wish for a key frame goes up the pipe to the camera`(srtp: Bool) throws {
        let pipe = try PipedStage(seed: 22, rtx: true, srtp: srtp)
        try pipe.play(80, keys: [0, 1, 2])
        let place = try #require(pipe.received.last?.place)
        let before = pipe.source.requests(place)
        try pipe.askForKeyFrame()
        try pipe.play(10)
        #expect(pipe.source.requests(place) == before + 1)
    }

    @Test func `sender reports behind the pipe tell the camera's time, without a jump`() throws {
        let pipe = try PipedStage(seed: 23, rtx: true, srtp: true)
        for round in 0..<12 {
            try pipe.play(20, keys: round % 4 == 0 ? [0, 1, 2] : [])
            try pipe.source.report()
        }
        let beginning = Stage.unixNanosecondsAtZero + pipe.source.beginning.nanoseconds
        let first = try #require(pipe.received.last)
        let base = Int64(first.timestamp) - Int64(first.number) * 3000
        let infos = pipe.far.feedback(to: 5000).flatMap(\.senderInfos)
        #expect(infos.count > 4)
        // In ticks: how far the report is from what was sent; the way through the pipe takes 10 ms, 900 ticks.
        let distances = infos.suffix(4).map { info in
            let since = info.ntp.unixNanoseconds - beginning
            let expected = base + since / 1000 * 3000 / 33_333
            return Int64(Int32(truncatingIfNeeded: Int64(info.rtpTimestamp) - expected))
        }
        #expect(distances.allSatisfy { abs($0) < 3000 }, "\(distances)")
        #expect((distances.max() ?? 0) - (distances.min() ?? 0) < 90, "\(distances)")
    }
}
