import Base
import Congestion
import RTCP
import TestSupport

/// Senders that fill what their estimate allows, behind one bottleneck, and receivers that answer with transport-wide
/// feedback as bytes. Time moves in steps of 5 ms; nothing sleeps.
struct Simulation {
    struct Flow {
        var bandwidth: OutgoingBandwidth
        var incoming = IncomingBandwidth(mechanism: .transportWide)
        var starts = 0
        /// What it has to send at most; bits per second.
        var source: Int64 = .max
        /// Only every so many of its packets is small: the media of a real sender comes in frames.
        var credit = 0.0
        var flying: [(arrival: Instant, number: UInt16)] = []
        var feedbacks: [(arrival: Instant, bytes: [UInt8])] = []
        /// Bytes that arrived.
        var arrived = 0
        var events: [OutgoingBitrates] = []

        /// Lost packets are sent once more, as far as the rate allows.
        var repairs = false
        var lost = 0
        /// Of padding, that left.
        var padding = 0
        /// The receiver does not report padding, as one that has no probator.
        var ignoresPadding = false

        init(
            initial: Int64 = 600_000, desired: Int64 = 10_000_000, startsAtMilliseconds: Int = 0, probes: Bool = false
        ) {
            bandwidth = OutgoingBandwidth(mechanism: .transportWide, initialBitrate: initial, probes: probes)
            starts = startsAtMilliseconds
            _ = bandwidth.setDesiredBitrate(desired, now: Simulation.start)
        }
    }

    static let start = Instant(nanoseconds: 1_000_000_000)
    static let packet = 1000

    var link: Bottleneck
    var flows: [Flow]
    /// Of feedback packets.
    var feedbackLoss = 0.0
    var feedbackDelay = Duration.milliseconds(25)
    /// How much faster the receivers' clocks run, parts per million.
    var driftPPM = 0.0
    private(set) var clock = VirtualClock(Simulation.start)
    private var random: SeededGenerator

    init(seed: UInt64, link: Bottleneck, flows: [Flow] = [Flow()]) {
        (self.link, self.flows) = (link, flows)
        random = SeededGenerator(seed: seed)
    }

    var milliseconds: Int { Int((clock.now - Self.start).nanoseconds / 1_000_000) }
    var target: Int64 { flows[0].bandwidth.availableBitrate }
    var queueMilliseconds: Int { Int(link.queueDelay(at: clock.now).nanoseconds / 1_000_000) }

    /// Runs for so long and looks at it every 100 ms.
    mutating func run(seconds: Double, _ look: (borrowing Simulation) -> Void = { _ in }) {
        for step in 1...Int(seconds * 200) {
            clock.advance(by: .milliseconds(5))
            for index in flows.indices where milliseconds >= flows[index].starts {
                send(index)
                receive(index)
                hear(index)
            }
            if step % 20 == 0 { look(self) }
        }
    }

    /// The mean estimate of a time to come, and the mean queue in ms.
    mutating func mean(seconds: Double, of flow: Int = 0) -> (bitrate: Double, queue: Double) {
        var (bitrate, queue, looks) = (0.0, 0.0, 0.0)
        run(seconds: seconds) {
            bitrate += Double($0.flows[flow].bandwidth.availableBitrate)
            queue += Double($0.queueMilliseconds)
            looks += 1
        }
        return (bitrate / looks, queue / looks)
    }

    private mutating func send(_ index: Int) {
        let rate = min(flows[index].bandwidth.availableBitrate, flows[index].source)
        flows[index].credit += Double(rate) * 0.005 / 8
        if flows[index].repairs {
            // They come on top of the media, and are part of what is estimated.
            flows[index].credit += Double(flows[index].lost * Self.packet)
            flows[index].lost = 0
        }
        while flows[index].credit >= Double(Self.packet) {
            flows[index].credit -= Double(Self.packet)
            guard let number = flows[index].bandwidth.send(Self.packet, now: clock.now) else { continue }
            if let arrival = link.send(Self.packet, at: clock.now) {
                flows[index].flying.append((arrival, number))
            } else {
                flows[index].lost += 1
            }
        }
        pad(index)
    }

    private mutating func pad(_ index: Int) {
        guard let due = flows[index].bandwidth.nextProbe, due <= clock.now else { return }
        var bytes = flows[index].bandwidth.advanceProbe(media: 0, now: clock.now)
        while bytes >= OutgoingBandwidth.smallestPadding {
            let size = min(bytes, OutgoingBandwidth.largestPadding)
            bytes -= size
            flows[index].padding += size
            guard let number = flows[index].bandwidth.sendPadding(size, now: clock.now),
                let arrival = link.send(size, at: clock.now), !flows[index].ignoresPadding
            else { continue }
            flows[index].flying.append((arrival, number))
        }
    }

    /// So many packets leave within 70 ms, as a consumer's that begins behind.
    mutating func startBurst(packets: Int, isKnown: Bool) {
        for step in 0..<14 {
            if isKnown { flows[0].bandwidth.sendsStart(now: clock.now) }
            for _ in 0..<packets / 14 {
                guard let number = flows[0].bandwidth.send(Self.packet, now: clock.now) else { continue }
                if let arrival = link.send(Self.packet, at: clock.now) { flows[0].flying.append((arrival, number)) }
            }
            if step < 13 { run(seconds: 0.005) }
        }
    }

    private mutating func receive(_ index: Int) {
        while let (arrival, number) = flows[index].flying.first, arrival <= clock.now {
            flows[index].flying.removeFirst()
            flows[index].arrived += Self.packet
            flows[index].incoming.receive(transportWide: number, now: theirs(arrival))
        }
        guard let due = flows[index].incoming.nextDeadline, due <= theirs(clock.now) else { return }
        var isMore = true
        while isMore {
            var bytes = [UInt8](repeating: 0, count: 1200)
            var rtcp = RTCPBuilder()
            var buffer = bytes.mutableSpan
            var raw = buffer.mutableBytes
            isMore = flows[index].incoming.write(
                senderSSRC: 0, mediaSSRC: 1, now: theirs(clock.now), into: &rtcp, &raw)
            let isLost = feedbackLoss > 0 && Double.random(in: 0..<1, using: &random) < feedbackLoss
            if isMore, !isLost {
                flows[index].feedbacks.append((clock.now + feedbackDelay, Array(bytes[..<rtcp.length])))
            }
        }
    }

    private mutating func hear(_ index: Int) {
        while let (arrival, bytes) = flows[index].feedbacks.first, arrival <= clock.now {
            flows[index].feedbacks.removeFirst()
            let datagram = bytes.span.bytes
            guard var compound = try? RTCPCompound(validating: datagram),
                case .transportWideFeedback(let feedback) = try? compound.next(in: datagram)
            else { continue }
            if let event = flows[index].bandwidth.receive(feedback, in: datagram, now: clock.now) {
                flows[index].events.append(event)
            }
        }
        if let event = flows[index].bandwidth.advance(to: clock.now) { flows[index].events.append(event) }
    }

    private func theirs(_ time: Instant) -> Instant {
        Instant(nanoseconds: Int64(Double(time.nanoseconds) * (1 + driftPPM / 1e6)))
    }
}
