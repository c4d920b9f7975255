import Base

/// A TCP connection that can't be one of a client of ours any more.
public enum FrameError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A frame larger than allowed: close the connection.
    case oversized(limit: Int, got: Int)

    public var description: String {
        switch self {
        case .oversized(let limit, let got): "a frame of \(got) bytes where \(limit) are allowed"
        }
    }
}

/// Cuts the bytes of a TCP connection into frames (RFC 4571, as ICE uses it for STUN, DTLS and SRTP alike, RFC 6544 §3):
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
///     |            length             |  packet …
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
///
///     while let frame = try reader.next(in: bytes) {
///         switch frame {
///         case .within(let range): receive(bytes.extracting(range))
///         case .gathered: receive(reader.gathered.span.bytes)
///         }
///     }
///
/// What lies whole in the bytes of one read stays there; only a frame that comes in pieces is copied, and only as much
/// is kept as was sent. Empty frames are passed over.
public struct FrameReader: Sendable {
    public enum Frame: Sendable, Hashable {
        /// In the bytes that were handed in.
        case within(Range<Int>)
        /// In `gathered`, until `next` is called again.
        case gathered
    }

    /// Bytes of the length before each frame.
    public static let headLength = 2

    private let limit: Int
    /// Read of the bytes that are handed in at present.
    private var offset = 0
    /// A frame that came in pieces, without its length.
    public private(set) var gathered: [UInt8] = []
    /// What is known of the length of the frame that has begun.
    private var head = Head.none

    private enum Head {
        case none
        /// Its first byte.
        case half(UInt8)
        case whole(Int)
        /// The frame in `gathered` was handed out.
        case done
    }

    /// - Parameter limit: Bytes of the largest frame. A DTLS record has 18,445 at most (RFC 6347 §4.1), media have 1,500.
    public init(limit: Int = 18_445) { self.limit = limit }

    /// The next frame, or nil when all bytes are used up: then the next ones may be handed in. Until then they must be the
    /// same. After an error the connection is lost.
    public mutating func next(in bytes: RawSpan) throws(FrameError) -> Frame? {
        if case .done = head {
            gathered.removeAll(keepingCapacity: true)
            head = .none
        }
        while offset < bytes.byteCount {
            switch head {
            case .none, .done:
                guard offset + 1 < bytes.byteCount else {
                    head = .half(bytes.uint8(at: offset))
                    offset += 1
                    continue
                }
                let count = try checked(bytes.uint16(at: offset))
                offset += Self.headLength
                if offset + count <= bytes.byteCount {
                    defer { offset += count }
                    if count > 0 { return .within(offset..<offset + count) }
                } else {
                    head = .whole(count)
                }
            case .half(let first):
                let count = try checked(UInt16(first) << 8 | UInt16(bytes.uint8(at: offset)))
                offset += 1
                head = count > 0 ? .whole(count) : .none
            case .whole(let count):
                let part = min(count - gathered.count, bytes.byteCount - offset)
                // Copied before the pointer is given back.
                bytes.extracting(offset..<offset + part).withUnsafeBytes { gathered.append(contentsOf: $0) }
                offset += part
                guard gathered.count == count else { continue }
                head = .done
                return .gathered
            }
        }
        offset = 0
        return nil
    }

    private func checked(_ count: UInt16) throws(FrameError) -> Int {
        guard count <= limit else { throw .oversized(limit: limit, got: Int(count)) }
        return Int(count)
    }
}
