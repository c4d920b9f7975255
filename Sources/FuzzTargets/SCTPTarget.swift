import Base
import SCTP

/// A script of steps on an association that is up: chunks of anybody's under the right tag and checksum, the remote side's
/// packets lost, changed or come twice, messages both ways, resets, more streams, and time.
///
/// Whatever happens, messages are no longer than was agreed on, packets no longer than they may be, and states only climb.
func fuzzSCTP(_ bytes: RawSpan) {
    guard let stage = try? SCTPStage() else { preconditionFailure("associations can be made") }
    var input = FuzzInput(bytes)
    for _ in 0..<128 where !input.isAtEnd { stage.step(&input) }
    stage.end()
}

private final class SCTPStage {
    private static let setup = SCTPSetup(
        outgoingStreams: 16, incomingStreams: 16, maximumMessageSize: 4096, sendBufferSize: 16_384)

    /// Ours, and a true remote side's.
    private var own: SCTPAssociation
    private var other: SCTPAssociation
    private var now = Instant(nanoseconds: 0)
    /// On their way to us, and from us.
    private var up: [[UInt8]] = []
    private var down: [[UInt8]] = []
    private var state = SCTPState.new
    /// What the remote side writes into the header of its packets.
    private var tag: [UInt8] = [0, 0, 0, 0]

    init() throws {
        let stack = SCTPStack()
        own = try SCTPAssociation(Self.setup, stack: stack)
        other = try SCTPAssociation(Self.setup, stack: stack)
        run { $0.start(now: $1, into: &$2) }
        runOther { $0.start(now: $1, into: &$2) }
        for _ in 0..<8 { carry() }
        precondition(own.state == .connected && other.state == .connected, "two associations did not find together")
    }

    func step(_ input: inout FuzzInput) {
        let (what, change) = (input.byte(), input.byte())
        switch what % 10 {
        case 0, 1: receive(packed(input.datagram()))
        case 2: receive(input.datagram())
        case 3:
            guard let packet = up.first else { return carry() }
            up.removeFirst()
            receive(packet)
            if change & 1 == 1 { up.append(packet) }
        case 4:
            guard let packet = up.first else { return carry() }
            up.removeFirst()
            var chunks = Array(packet.dropFirst(12))
            for _ in 0...(change & 3) where !chunks.isEmpty {
                let place = Int(input.word()) % chunks.count
                chunks[place] ^= input.byte()
            }
            receive(packed(chunks))
        case 5: if !up.isEmpty { up.removeFirst() }
        case 6: say(Array(repeating: change, count: 1 + Int(input.word()) % 5000), input.byte())
        case 7:
            let stream = UInt16(change & 31)
            run { $0.reset(stream, change & 32 == 0 ? .outgoing : .incoming, now: $1, into: &$2) }
            runOther { $0.reset(stream, change & 64 == 0 ? .outgoing : .incoming, now: $1, into: &$2) }
        case 8: run { $0.extend(to: UInt16(change), now: $1, into: &$2) }
        default:
            now = now + .milliseconds(Int(change) * 40)
            run { $0.advance(to: $1, into: &$2) }
            runOther { $0.advance(to: $1, into: &$2) }
        }
    }

    func end() {
        run { association, _, effects in association.close(into: &effects) }
        precondition(own.state == .closed, "an association outlived its end")
    }

    /// All that is on its way arrives.
    private func carry() {
        let (arriving, leaving) = (up, down)
        (up, down) = ([], [])
        for packet in arriving { receive(packet) }
        for packet in leaving { runOther { $0.receive(packet.span.bytes, now: $1, into: &$2) } }
    }

    private func receive(_ packet: [UInt8]) { run { $0.receive(packet.span.bytes, now: $1, into: &$2) } }

    private func say(_ message: [UInt8], _ how: UInt8) {
        let reliability: SCTPReliability =
            [.reliable, .retransmissions(1), .lifetime(milliseconds: 100)][Int(how & 3) % 3]
        let stream = UInt16(how >> 4)
        // Too long, too much, or over: refused, and that is all.
        run { association, now, effects in
            try? association.send(
                message.span.bytes, stream: stream, ppid: 51, isOrdered: how & 4 == 0, reliability, now: now,
                into: &effects)
        }
        runOther { association, now, effects in
            try? association.send(
                message.span.bytes, stream: stream, ppid: 53, isOrdered: how & 8 == 0, reliability, now: now,
                into: &effects)
        }
    }

    private func run(_ body: (inout SCTPAssociation, Instant, inout [SCTPEffect]) -> Void) {
        var effects: [SCTPEffect] = []
        body(&own, now, &effects)
        for effect in effects {
            switch effect {
            case .transmit(let packet):
                precondition(packet.count <= Self.setup.maximumPacketLength, "a packet of \(packet.count) bytes")
                if down.count < 64 { down.append(packet) }
            case .received(let message):
                precondition(
                    (1...Self.setup.maximumMessageSize).contains(message.payload.count),
                    "a message of \(message.payload.count) bytes")
            case .changed(let next):
                precondition(Self.rank(next) >= Self.rank(state), "\(state) became \(next)")
                state = next
            case .streamsReset, .buffered: break
            }
        }
    }

    private func runOther(_ body: (inout SCTPAssociation, Instant, inout [SCTPEffect]) -> Void) {
        var effects: [SCTPEffect] = []
        body(&other, now, &effects)
        for case .transmit(let packet) in effects {
            // INIT has none.
            if packet.count >= 8, packet[4..<8] != [0, 0, 0, 0] { tag = Array(packet[4..<8]) }
            if up.count < 64 { up.append(packet) }
        }
    }

    private static func rank(_ state: SCTPState) -> Int {
        switch state {
        case .new: 0
        case .connecting: 1
        case .connected: 2
        case .failed, .closed: 3
        }
    }

    /// Chunks behind a header that is right (RFC 9260 §3.1).
    private func packed(_ chunks: [UInt8]) -> [UInt8] {
        let port: [UInt8] = [UInt8(SCTPSetup.standardPort >> 8), UInt8(SCTPSetup.standardPort & 0xFF)]
        var packet = port + port + tag + [0, 0, 0, 0] + chunks.prefix(1400)
        let sum = crc32c(packet)
        // Least significant byte first (Appendix A).
        for place in 0..<4 { packet[8 + place] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(place))) }
        return packet
    }
}

/// Castagnoli's polynomial, reflected (RFC 9260 Appendix A).
private func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }
    return ~sum
}

/// Where the search begins.
enum SCTPSeeds {
    static let all: [[UInt8]] = [
        conversation, chunks.flatMap { strange($0) } + conversation, conversation + chunks.flatMap { strange($0) },
        conversation + [4, 3] + [0, 3, 255, 0, 9, 1, 0, 17, 128, 0, 2, 7] + [9, 255, 9, 255],
    ]

    /// Messages, carried, lost and doubled; resets, more streams, time.
    private static let conversation: [UInt8] = [
        6, 65, 0, 100, 0x10, 3, 1, 6, 66, 15, 255, 0x25, 3, 0, 5, 0, 3, 0, 9, 5, 7, 1, 3, 0, 3, 0, 8, 40, 3, 0, 6, 67,
        1,
        0, 0x0E, 5, 0, 9, 50, 3, 0, 9, 250,
    ]

    private static func strange(_ chunk: [UInt8]) -> [UInt8] { [0, 0, 0, UInt8(chunk.count)] + chunk }

    /// One of each type (RFC 9260 §3.3, 3758 §3.2, 6525 §3.1): with what they need, and little that fits.
    private static let chunks: [[UInt8]] = [
        // DATA: beginning and end, an unknown TSN; a middle piece; I-DATA.
        [0, 3, 0, 20, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 51, 104, 105, 33, 33],
        [0, 0, 0, 20, 0, 0, 0, 10, 0, 1, 0, 1, 0, 0, 0, 51, 1, 2, 3, 4],
        [64, 3, 0, 24, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51, 1, 2, 3, 4],
        // INIT and INIT ACK, with a cookie and supported extensions.
        [1, 0, 0, 28, 0, 0, 0, 1, 0, 1, 0, 0, 0, 16, 0, 16, 0, 0, 0, 1, 0x80, 8, 0, 6, 0x82, 0xC0, 0, 0],
        [2, 0, 0, 28, 0, 0, 0, 1, 0, 1, 0, 0, 0, 16, 0, 16, 0, 0, 0, 1, 0, 7, 0, 8, 1, 2, 3, 4],
        // SACK with a gap and a duplicate; HEARTBEAT and its answer.
        [3, 0, 0, 24, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 3, 0, 0, 0, 1],
        [4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4], [5, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4],
        // ERROR of an unknown chunk and of a stream; COOKIE ECHO, COOKIE ACK, ECNE.
        [9, 0, 0, 12, 0, 6, 0, 8, 77, 0, 0, 4], [9, 0, 0, 12, 0, 1, 0, 8, 0, 99, 0, 0],
        [10, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8], [11, 0, 0, 4], [12, 0, 0, 8, 0, 0, 0, 1],
        // FORWARD TSN with a stream; resets: outgoing, incoming, of the TSN, an answer, more streams.
        [192, 0, 0, 12, 0, 0, 0, 2, 0, 1, 0, 0],
        [130, 0, 0, 22, 0, 13, 0, 18, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 1],
        [130, 0, 0, 14, 0, 14, 0, 10, 0, 0, 0, 1, 0, 1], [130, 0, 0, 12, 0, 15, 0, 8, 0, 0, 0, 1],
        [130, 0, 0, 16, 0, 16, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1], [130, 0, 0, 16, 0, 17, 0, 12, 0, 0, 0, 1, 0, 32, 0, 0],
        // ASCONF and AUTH, which are switched off; an unknown one; a length of zero.
        [193, 0, 0, 20, 0, 0, 0, 1, 0, 5, 0, 8, 127, 0, 0, 1, 0xC0, 1, 0, 4], [15, 0, 0, 8, 0, 1, 0, 1],
        [77, 0, 0, 8, 1, 2, 3, 4], [0, 3, 0, 0],
        // ABORT and SHUTDOWN, which end it.
        [7, 0, 0, 8, 0, 0, 0, 1], [6, 0, 0, 4],
    ]
}
