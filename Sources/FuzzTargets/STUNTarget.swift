import Base
import ICE
import STUN

/// Frames of a TCP connection (RFC 4571) that is read in pieces; each is taken for a message, and shown to an agent by one of
/// a few clients, some of which know the password. Integrity and fingerprint are made right for half of them, so that
/// what lies behind these checks is reached.
func fuzzSTUN(_ bytes: RawSpan) {
    guard let credentials = ICECredentials(usernameFragment: "ladle", password: "password") else {
        preconditionFailure("these are credentials")
    }
    var clients = STUNClients(credentials)
    var reader = FrameReader(limit: 2000)
    var offset = 0
    while offset < bytes.byteCount {
        // Pieces of 1…64 bytes, as the input has it.
        let end = min(bytes.byteCount, offset + 1 + Int(bytes.uint8(at: offset) & 63))
        let piece = bytes.extracting(offset..<end)
        offset = end
        do {
            while let frame = try reader.next(in: piece) {
                switch frame {
                case .within(let range): clients.receive(array(piece.extracting(range)))
                case .gathered:
                    precondition(reader.gathered.count <= 2000, "a frame stays within the limit")
                    clients.receive(reader.gathered)
                }
            }
        } catch { return }
    }
}

private struct STUNClients: ~Copyable {
    private var agent: ICELiteAgent
    private let key: STUNKey
    private var now = Instant(nanoseconds: 1_000_000_000)

    init(_ credentials: ICECredentials) {
        key = credentials.key
        agent = ICELiteAgent(credentials, consentTimeout: 10)
    }

    mutating func receive(_ frame: [UInt8]) {
        show(frame, isSigned: false)
        let last = frame.last ?? 0
        // One input in four ends consent now and then.
        now = now + .milliseconds(last & 3 == 3 ? 4000 : 5)
        _ = agent.advance(to: now)
        if last & 4 == 4 { show(signed(frame), isSigned: true) }
    }

    private mutating func show(_ frame: [UInt8], isSigned: Bool) {
        let span = frame.span.bytes
        _ = STUNMessage.isSTUN(span)
        _ = STUNMessage.attributeTypes(in: span)
        if let message = try? STUNMessage(parsing: span) {
            if let range = message.usernameRange { precondition(range.upperBound <= frame.count, "a name lies within") }
            _ = message.software(in: span)
            _ = ICEUsername(of: message, in: span).map { "\($0.local)" }
        }
        var remote = SocketAddress("192.0.2.1", port: UInt16(frame.count % 11)) ?? SocketAddress(storage: .init())
        if frame.count % 3 == 0 { remote = SocketAddress("2001:db8::1", port: 7) ?? remote }
        let tuple = ICETuple(socket: 1, remote: remote, transport: .tcp)
        var reply = [UInt8](repeating: 0, count: ICELiteAgent.maximumReplyLength)
        var mutable = reply.mutableSpan
        var raw = mutable.mutableBytes
        let answer = agent.receive(span, from: tuple, now: now, into: &raw)
        precondition(answer.verdict != .accepted || isSigned, "nobody guesses the integrity")
        precondition(answer.verdict == .accepted || answer.replyLength <= frame.count, "no amplification")
        if answer.replyLength > 0 {
            let isMessage = (try? STUNMessage(parsing: Array(reply[..<answer.replyLength]).span.bytes)) != nil
            precondition(isMessage, "what is answered can be read")
        }
        let selected = agent.selectedTuple
        precondition(
            (selected != nil) == (agent.state == .connected || agent.state == .completed), "state and selection")
        precondition(agent.tuples.count <= ICELiteAgent.maximumTuples, "tuples are bounded")
        if frame.count % 7 == 0 { _ = agent.receiveMedia(from: tuple) }
        if frame.count % 13 == 0 { _ = agent.remove(tuple) }
    }

    /// The attributes of a frame as a check to this agent, with integrity and fingerprint.
    private func signed(_ frame: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 2100)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        guard var stun = STUNBuilder(.request, STUNTransactionID(high: 1, low: 2), into: &raw) else { return [] }
        stun.username("ladle:x", into: &raw)
        var input = FuzzInput(Array(frame.dropFirst(STUNMessage.headLength)).span.bytes)
        while !input.isAtEnd {
            let type = input.word()
            let value = input.datagram()
            if type == STUNAttributeType.messageIntegrity || type == STUNAttributeType.fingerprint { continue }
            stun.attribute(type, value.span.bytes, into: &raw)
            // What fills an attribute up.
            for _ in 0..<(4 - value.count % 4) % 4 { _ = input.byte() }
        }
        stun.messageIntegrity(key, into: &raw)
        stun.fingerprint(into: &raw)
        let length = stun.length
        return Array(bytes[..<length])
    }
}

/// Checks as clients send them (their integrity is made by the target), an answer with an address, and what is empty, unknown or
/// cut off.
enum STUNSeeds {
    static let all: [[UInt8]] = [
        stream([check([]), check([[0x00, 0x25, 0, 0]]), check([[0xC0, 0x01, 0, 4, 0, 0, 0, 5]])]),
        // The role that is ours, a type that nobody knows, and a number that is lower than the last.
        stream([
            check([[0x80, 0x29, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]]), check([[0x7F, 0xFE, 0, 3, 1, 2, 3, 0]]),
            check([[0xC0, 0x01, 0, 4, 0, 0, 0, 4]]),
        ]),
        stream([
            message(0x0101, [0x00, 0x20, 0, 8, 0, 1, 0xA1, 0x47, 0xE1, 0x12, 0xA6, 0x43]),
            message(0x0111, [0x00, 0x09, 0, 4, 0, 0, 4, 1]), message(0x0011, []), [], [0, 1],
        ]),
    ]

    /// With a priority, and last an attribute whose last byte makes the target sign it.
    private static func check(_ attributes: [[UInt8]]) -> [UInt8] {
        message(
            1,
            [0x00, 0x24, 0, 4, 0x6E, 0, 1, 0xFF] + attributes.flatMap(\.self) + [0x80, 0x22, 0, 4, 0x61, 0x62, 0, 4])
    }

    private static func message(_ type: UInt16, _ attributes: [UInt8]) -> [UInt8] {
        [UInt8(type >> 8), UInt8(type & 0xFF), 0, UInt8(attributes.count), 0x21, 0x12, 0xA4, 0x42] + Array(1...12)
            + attributes
    }

    private static func stream(_ frames: [[UInt8]]) -> [UInt8] { frames.flatMap { [0, UInt8($0.count)] + $0 } }
}
