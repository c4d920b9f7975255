/// Why a key or a packet was refused. Numbers are byte counts.
public enum SRTPError: Error, Sendable, Hashable, CustomStringConvertible {
    case wrongKeyLength(needed: Int, got: Int)
    case badBase64
    /// The packet ends before what its header, its tag and its index need.
    case truncated(needed: Int, got: Int)
    case badVersion(UInt8)
    /// More than the scratch area holds.
    case oversized(capacity: Int, got: Int)
    /// The tag is another one: a forgery, a damaged packet, or another key.
    case authenticationFailed
    /// A packet with this index was there before.
    case replayed
    /// From so far back that it can't be told from a replay.
    case tooOld
    /// RTCP that is authenticated only: what is negotiated here is always encrypted.
    case unencrypted
    /// All indexes under this key are used up (2⁴⁸ RTP or 2³¹ RTCP packets): another key is needed.
    case indexesUsedUp
    /// The library refused to work; its own number for that, if it has one.
    case backend(SRTPBackend, code: UInt32)

    public var description: String {
        switch self {
        case .wrongKeyLength(let needed, let got): "SRTP key of \(got) bytes where the suite needs \(needed)"
        case .badBase64: "SRTP key that is not base64"
        case .truncated(let needed, let got): "SRTP packet of \(got) bytes that needs \(needed)"
        case .badVersion(let version): "SRTP packet of version \(version), not 2"
        case .oversized(let capacity, let got): "SRTP packet of \(got) bytes where \(capacity) have room"
        case .authenticationFailed: "SRTP packet whose authentication tag is wrong: another key, or not from the peer"
        case .replayed: "SRTP packet that was there before"
        case .tooOld: "SRTP packet from before the replay window"
        case .unencrypted: "RTCP packet that is not encrypted"
        case .indexesUsedUp: "all packet indexes under this SRTP key are used up"
        case .backend(let backend, let code): "\(backend.rawValue) refused to work, code \(code)"
        }
    }
}
