import Base
import SCTP
import TestSupport
import Testing

/// One end of an association, and all that it had to say.
final class End {
    private(set) var association: SCTPAssociation
    var incoming: Link
    private(set) var states: [SCTPState] = []
    private(set) var messages: [SCTPMessage] = []
    private(set) var resets: [[UInt16]] = []
    private(set) var buffered: [Int] = []
    private(set) var longestPacket = 0
    /// Packets that it sent.
    private(set) var packets: [[UInt8]] = []

    init(_ setup: SCTPSetup, _ stack: SCTPStack, _ link: Link) throws {
        association = try SCTPAssociation(setup, stack: stack)
        incoming = link
    }

    var state: SCTPState { association.state }
    var bufferedAmount: Int { association.bufferedAmount }
    var outgoingStreams: Int { association.outgoingStreams }
    var droppedMessages: UInt64 { association.droppedMessages }
    var texts: [String] { messages.map { String(decoding: $0.payload, as: UTF8.self) } }

    func start(_ now: Instant, to other: End?) { run(now, other) { $0.start(now: now, into: &$1) } }
    func advance(_ now: Instant, to other: End?) { run(now, other) { $0.advance(to: now, into: &$1) } }
    func take(_ packet: [UInt8], _ now: Instant, to other: End?) {
        run(now, other) { $0.receive(packet.span.bytes, now: now, into: &$1) }
    }
    func reset(_ stream: UInt16, _ direction: SCTPStreamDirection, _ now: Instant, to other: End?) {
        run(now, other) { $0.reset(stream, direction, now: now, into: &$1) }
    }
    func extend(to stream: UInt16, _ now: Instant, to other: End?) {
        run(now, other) { $0.extend(to: stream, now: now, into: &$1) }
    }
    func close(_ now: Instant, to other: End?) { run(now, other) { $0.close(into: &$1) } }

    func send(
        _ bytes: [UInt8], stream: UInt16 = 0, ppid: UInt32 = 53, isOrdered: Bool = true,
        reliability: SCTPReliability = .reliable, _ now: Instant, to other: End?
    ) throws {
        var effects: [SCTPEffect] = []
        defer { apply(effects, now, other) }
        try association.send(
            bytes.span.bytes, stream: stream, ppid: ppid, isOrdered: isOrdered, reliability, now: now, into: &effects)
    }

    private func run(
        _ now: Instant, _ other: End?, _ body: (inout SCTPAssociation, inout [SCTPEffect]) -> Void
    ) {
        var effects: [SCTPEffect] = []
        body(&association, &effects)
        apply(effects, now, other)
    }

    private func apply(_ effects: [SCTPEffect], _ now: Instant, _ other: End?) {
        for effect in effects {
            switch effect {
            case .transmit(let packet):
                longestPacket = max(longestPacket, packet.count)
                packets.append(packet)
                other?.incoming.send(packet, at: now)
            case .changed(let state): states.append(state)
            case .received(let message): messages.append(message)
            case .streamsReset(let streams): resets.append(streams)
            case .buffered(let amount): buffered.append(amount)
            }
        }
    }
}

/// Two associations, a link each way, and time that moves when the test says so.
final class Pair {
    let a: End
    let b: End
    private(set) var clock = VirtualClock()

    var now: Instant { clock.now }

    init(
        _ setup: SCTPSetup = SCTPSetup(), other: SCTPSetup? = nil, loss: Double = 0, stack: SCTPStack = SCTPStack(),
        seed: UInt64 = 7
    ) throws {
        a = try End(setup, stack, Link(seed: seed, loss: loss))
        b = try End(other ?? setup, stack, Link(seed: seed + 1, loss: loss))
    }

    /// Both have said INIT and agreed.
    static func connected(
        _ setup: SCTPSetup = SCTPSetup(), other: SCTPSetup? = nil, loss: Double = 0, seed: UInt64 = 7
    ) throws -> Pair {
        let pair = try Pair(setup, other: other, loss: loss, seed: seed)
        pair.a.start(pair.now, to: pair.b)
        pair.b.start(pair.now, to: pair.a)
        let (a, b) = (pair.a, pair.b)
        try #require(pair.drive(for: .seconds(60)) { a.state == .connected && b.state == .connected })
        return pair
    }

    /// Lets time pass in steps, until something is so.
    @discardableResult
    func drive(
        for duration: Duration, step: Duration = .milliseconds(10), until isDone: () -> Bool = { false }
    ) -> Bool {
        let end = now + duration
        while now < end {
            if isDone() { return true }
            clock.advance(by: step)
            for (end, other) in [(a, b), (b, a)] {
                for packet in end.incoming.arrivals(until: now) { end.take(packet, now, to: other) }
                end.advance(now, to: other)
            }
        }
        return isDone()
    }
}
