import Base
import ICE
import STUN
import TestSupport
import Testing

/// A check as a client sends it, and what can be wrong with it.
struct Check {
    var fragment = Client.fragment
    var password = Client.password
    /// Nil: the fragment, a colon, and some of the client's.
    var username: String?
    var hasUsername = true
    var hasIntegrity = true
    var hasFingerprint = true
    var isControlled = false
    var priority: UInt32? = 0x6E00_01FF
    var usesCandidate = false
    var nomination: UInt32?
    var method = STUNMethod.binding
    var kind = STUNClass.request

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1000)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        guard var stun = STUNBuilder(kind, method: method, STUNTransactionID(high: 1, low: 2), into: &raw) else {
            return []
        }
        if hasUsername { stun.username(username ?? "\(fragment):qRst", into: &raw) }
        if isControlled { stun.controlled(9, into: &raw) } else { stun.controlling(9, into: &raw) }
        if usesCandidate { stun.useCandidate(into: &raw) }
        if let nomination { stun.nomination(nomination, into: &raw) }
        if let priority { stun.priority(priority, into: &raw) }
        if hasIntegrity { stun.messageIntegrity(STUNKey(password), into: &raw) }
        if hasFingerprint { stun.fingerprint(into: &raw) }
        let length = stun.length
        return Array(bytes[..<length])
    }
}

/// An agent and those who talk to it.
struct Client: ~Copyable {
    static let fragment = "0123456789abcdefghijklmnopqrstuv"
    static let password = "vutsrqponmlkjihgfedcba9876543210"

    var agent: ICELiteAgent
    var clock = VirtualClock()
    /// What came back last; empty: nothing.
    var reply: [UInt8] = []

    init(consentTimeout: Int = 30) throws {
        let credentials = try #require(ICECredentials(usernameFragment: Self.fragment, password: Self.password))
        agent = ICELiteAgent(credentials, consentTimeout: consentTimeout)
    }

    @discardableResult
    mutating func send(_ check: Check = Check(), from tuple: ICETuple) -> ICEAnswer { send(check.bytes, from: tuple) }

    mutating func send(_ bytes: [UInt8], from tuple: ICETuple) -> ICEAnswer {
        var buffer = [UInt8](repeating: 0, count: ICELiteAgent.maximumReplyLength)
        var span = buffer.mutableSpan
        var raw = span.mutableBytes
        let answer = agent.receive(bytes.span.bytes, from: tuple, now: clock.now, into: &raw)
        reply = Array(buffer[..<answer.replyLength])
        return answer
    }
}

extension ICETuple {
    /// Number 1 has port 5001, and so on.
    static func udp(_ number: UInt16, ip: String = "192.0.2.7", socket: UInt32 = 1) throws -> ICETuple {
        ICETuple(socket: socket, remote: try #require(SocketAddress(ip, port: 5000 + number)), transport: .udp)
    }

    static func tcp(_ number: UInt16, socket: UInt32) throws -> ICETuple {
        var tuple = try udp(number, socket: socket)
        tuple.transport = .tcp
        return tuple
    }
}

extension ICEAnswer {
    var list: [ICEEvent] { Array(events) }
}
