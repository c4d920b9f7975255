import Base
import ORTC
import RTP
import SFU
import SRTP
import TestSupport
import Testing

/// A camera with three encodings, and a receiver that asks for what a lossy network took, plain or under SRTP.
final class LayeredLossyStage {
    let stage: Stage
    let source: LayeredSource
    let outgoing: Stage.Port
    var receiver: ScriptedReceiver
    let witness: SendWitness
    private let peer: SRTPPeer?
    /// Engine → receiver, receiver → engine.
    var down: Link
    var downBack: Link
    /// Packets of the camera that arrive late, as if they had been asked for.
    private var late: [(at: Instant, packet: [UInt8])] = []
    private var random: RandomSource
    /// Share of the camera's packets that come 60 ms late.
    var lateness = 0.0

    static let receiverAddress = Stage.address("198.51.100.7", 5000)

    init(
        seed: UInt64, loss: Double = 0.05, rtx: Bool, suite: SRTPCryptoSuite? = nil,
        configuration: SFUConfiguration = SFUConfiguration(), outbox: Int = Outbox.standardCapacity
    ) throws {
        down = Link(seed: seed, loss: loss, delay: .milliseconds(10))
        downBack = Link(seed: seed + 1000, delay: .milliseconds(10))
        random = .seeded(seed)
        stage = try Stage(configuration, outbox: outbox)
        source = try LayeredSource(stage)
        if let suite {
            let (port, peer) = try stage.protected("to-c", suite, at: 5000)
            (outgoing, self.peer) = (port, peer)
        } else {
            outgoing = try stage.transport("to-c", comedia: false, rtcpMux: true)
            peer = nil
            try stage.connect(outgoing, to: 5000)
        }
        try source.play(1, keys: [0, 1, 2])
        let consumer = try stage.consume(
            "c", on: outgoing, of: "video", rtx ? Parameters.everything : Parameters.everythingWithoutRTX)
        receiver = try ScriptedReceiver(consumer)
        witness = try SendWitness(consumer, key: stage.srtpParameters(of: outgoing))
    }

    /// Sends pictures of all encodings, in real time.
    func play(_ count: Int, keys: Set<Int> = []) throws {
        for picture in 0..<count {
            try run(until: source.beginning + .nanoseconds(Int64(source.number) * LayeredSource.period.nanoseconds))
            for place in source.encodings.indices where source.encodings[place].isOn {
                for packet in try source.picture(place, isKey: picture == 0 && keys.contains(place)) { feed(packet) }
            }
            source.number += 1
        }
    }

    private func feed(_ packet: [UInt8]) {
        if lateness > 0, Double.random(in: 0..<1, using: &random) < lateness {
            late.append((stage.now + .milliseconds(60), packet))
        } else {
            stage.feed(packet, on: source.port.rtp)
        }
    }

    /// Lets time pass, so that what is missing is asked for and comes.
    func settle() throws {
        let loss = down.loss
        down.loss = 0
        try play(8)
        try run(until: stage.now + .milliseconds(1500))
        down.loss = loss
    }

    func run(until end: Instant) throws {
        repeat { try step(until: end) } while stage.now < end
    }

    private func step(until end: Instant) throws {
        stage.pass(min(.milliseconds(3), max(.zero, end - stage.now)))
        let due = late.filter { $0.at <= stage.now }
        late.removeAll { $0.at <= stage.now }
        for (_, packet) in due { stage.feed(packet, on: source.port.rtp) }
        for datagram in downBack.arrivals(until: stage.now) {
            stage.receive(datagram, on: outgoing.rtp, from: Self.receiverAddress)
        }
        stage.flush()
        for sent in stage.sent where sent.destination.port == 5000 {
            if let clear = witness.see(sent) { down.send(clear.bytes, at: stage.now) }
        }
        stage.sent = []
        for datagram in down.arrivals(until: stage.now) { try receiver.receive(Sent(datagram), now: stage.now) }
        if let request = receiver.request(now: stage.now) {
            downBack.send(try peer?.protectRTCP(request) ?? request, at: stage.now)
        }
    }

    /// What the receiver has in the end, in order, as it was sent.
    var received: [(index: Int64, packet: LayeredPacket)] {
        receiver.packets.keys.sorted().compactMap { key in
            // Both count from the first number, in the same range.
            witness.packets[key].flatMap { LayeredPacket($0) }.map { (key, $0) }
        }
    }

    func pauseConsumer(_ isPaused: Bool) throws {
        let id = ConsumerID(rawValue: "c")
        if isPaused {
            try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
        } else {
            try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
        }
        stage.flush()
    }

    func pauseProducer(_ isPaused: Bool) throws {
        let id = ProducerID(rawValue: "video")
        if isPaused {
            try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
        } else {
            try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
        }
        stage.flush()
    }

    /// The camera is started again: other numbers, timestamps and picture ids.
    func restartSource() throws {
        for place in source.encodings.indices {
            source.encodings[place].sequence += 20_000
            source.encodings[place].pictureID = (source.encodings[place].pictureID + 9000) & 0x7FFF
        }
    }

    /// So much comes at once that the log has forgotten what the consumer would get next.
    func overrun(packets: Int) throws {
        for place in source.encodings.indices {
            let before = source.encodings[place].packets
            source.encodings[place].packets = packets
            for packet in try source.picture(place, isKey: false) { stage.receive(packet, on: source.port.rtp) }
            source.encodings[place].packets = before
        }
        source.number += 1
        stage.flush()
    }
}
