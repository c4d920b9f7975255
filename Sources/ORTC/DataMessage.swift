/// How messages reach a data producer or leave a data consumer.
public enum DataType: String, Sendable, Hashable {
    case sctp
    /// To and from code of this process.
    case direct
}

/// A message of a data channel.
public struct DataMessage: Sendable, Hashable {
    /// What it is (RFC 8831 §8).
    public var ppid: UInt32
    /// Never empty: an empty message is one byte under a PPID of its own.
    public var payload: [UInt8]

    /// Nil: without payload.
    public init?(ppid: UInt32, payload: [UInt8]) {
        guard !payload.isEmpty else { return nil }
        (self.ppid, self.payload) = (ppid, payload)
    }

    public init(_ text: String) {
        (ppid, payload) = text.isEmpty ? (Self.emptyText, [0x20]) : (Self.text, Array(text.utf8))
    }

    public init(_ bytes: [UInt8]) {
        (ppid, payload) = bytes.isEmpty ? (Self.emptyBytes, [0]) : (Self.bytes, bytes)
    }

    public static let text: UInt32 = 51
    public static let bytes: UInt32 = 53
    public static let emptyText: UInt32 = 56
    public static let emptyBytes: UInt32 = 57
    /// DCEP (RFC 8832), which nobody speaks here.
    public static let control: UInt32 = 50
}
