import Base

/// The three messages of an ICE check, whole. Each `write` returns the length, or nil when the buffer has no room.
public enum STUNAnswer {
    /// The largest: head, an IPv6 address, integrity, fingerprint.
    public static let maximumLength = 20 + 24 + 24 + 8
    /// A refusal: head, error code, fingerprint.
    public static let refusalLength = 20 + 8 + 8

    /// "I heard you, from there": mediasoup's attributes in its order.
    public static func success(
        to request: STUNMessage, seenFrom address: SocketAddress, _ key: STUNKey, into buffer: inout MutableRawSpan
    ) -> Int? {
        guard var stun = STUNBuilder(.success, method: request.method, request.transaction, into: &buffer),
            stun.xorMappedAddress(address, into: &buffer), stun.messageIntegrity(key, into: &buffer),
            stun.fingerprint(into: &buffer)
        else { return nil }
        return stun.length
    }

    /// Without integrity, as mediasoup has it.
    public static func refusal(
        of request: STUNMessage, _ code: STUNErrorCode, into buffer: inout MutableRawSpan
    ) -> Int? {
        guard var stun = STUNBuilder(.failure, method: request.method, request.transaction, into: &buffer),
            stun.errorCode(code.rawValue, into: &buffer), stun.fingerprint(into: &buffer)
        else { return nil }
        return stun.length
    }
}

/// A check as a full agent sends it (RFC 8445 §7.1).
public struct STUNBindingRequest: Sendable {
    public enum Role: Sendable, Hashable {
        case controlling(UInt64)
        case controlled(UInt64)
    }

    public var transaction: STUNTransactionID
    /// The receiver's fragment, a colon, the sender's own.
    public var username: String
    public var role: Role
    public var priority: UInt32
    public var usesCandidate: Bool
    public var nomination: UInt32?

    public init(
        _ transaction: STUNTransactionID, username: String, role: Role, priority: UInt32, usesCandidate: Bool = false,
        nomination: UInt32? = nil
    ) {
        (self.transaction, self.username, self.role) = (transaction, username, role)
        (self.priority, self.usesCandidate, self.nomination) = (priority, usesCandidate, nomination)
    }

    public func write(_ key: STUNKey, into buffer: inout MutableRawSpan) -> Int? {
        guard var stun = STUNBuilder(.request, transaction, into: &buffer), stun.username(username, into: &buffer)
        else {
            return nil
        }
        switch role {
        case .controlling(let tieBreaker): guard stun.controlling(tieBreaker, into: &buffer) else { return nil }
        case .controlled(let tieBreaker): guard stun.controlled(tieBreaker, into: &buffer) else { return nil }
        }
        if usesCandidate, !stun.useCandidate(into: &buffer) { return nil }
        if let nomination, !stun.nomination(nomination, into: &buffer) { return nil }
        guard stun.priority(priority, into: &buffer), stun.messageIntegrity(key, into: &buffer),
            stun.fingerprint(into: &buffer)
        else { return nil }
        return stun.length
    }
}
