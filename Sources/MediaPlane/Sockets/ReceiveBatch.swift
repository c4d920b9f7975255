import Base
import CLinux
import Glibc

/// The buffers that one `recvmmsg` fills; one per worker, reused for every socket and every turn.
///
/// With UDP_GRO the kernel joins datagrams of one sender to one message of up to 64 KB, so each slot has that size.
public struct ReceiveBatch: ~Copyable {
    /// Messages a call. Loopback never joins what was sent singly, so this is also the number of datagrams then.
    public static let capacity = 8
    /// The largest UDP payload, rounded up; and 20 cache lines more, so that the slots' first lines, which small
    /// packets use, don't all fall into the same sets of the cache.
    private static let slotSize = 65_536 + 20 * 64

    private let bytes: UnsafeMutableRawPointer
    private let control: UnsafeMutableRawPointer
    private let messages: UnsafeMutablePointer<ladle_mmsghdr>
    private let pieces: UnsafeMutablePointer<iovec>
    private let sources: UnsafeMutablePointer<sockaddr_in6>
    /// Messages of the last call.
    private var count = 0

    public init() {
        let capacity = Self.capacity
        bytes = .allocate(byteCount: capacity * Self.slotSize, alignment: 4096)
        control = .allocate(byteCount: capacity * Int(LADLE_CONTROL_SPACE), alignment: 16)
        messages = .allocate(capacity: capacity)
        pieces = .allocate(capacity: capacity)
        sources = .allocate(capacity: capacity)
        sources.initialize(repeating: sockaddr_in6(), count: capacity)
        for index in 0..<capacity {
            (pieces + index).initialize(to: iovec(iov_base: bytes + index * Self.slotSize, iov_len: 65_536))
            var message = ladle_mmsghdr()
            message.msg_hdr.msg_iov = pieces + index
            message.msg_hdr.msg_iovlen = 1
            message.msg_hdr.msg_name = UnsafeMutableRawPointer(sources + index)
            (messages + index).initialize(to: message)
        }
    }

    deinit {
        bytes.deallocate()
        control.deallocate()
        messages.deallocate()
        pieces.deallocate()
        sources.deallocate()
    }

    /// Reads what waits, `capacity` messages at most. Returns their number, or a negated errno.
    public mutating func receive(from descriptor: Int32) -> Int {
        for index in 0..<Self.capacity {
            // The kernel writes the lengths it used over the ones it may use.
            messages[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            messages[index].msg_hdr.msg_control = control + index * Int(LADLE_CONTROL_SPACE)
            messages[index].msg_hdr.msg_controllen = Int(LADLE_CONTROL_SPACE)
            messages[index].msg_hdr.msg_flags = 0
        }
        let result = Int(ladle_recvmmsg(descriptor, messages, UInt32(Self.capacity)))
        count = max(0, result)
        return result
    }

    /// One message of the last call: one datagram, or several of one sender, all of `segmentSize` but the last.
    public func message(_ index: Int) -> ReceivedMessage {
        precondition(index < count)
        let length = min(Int(messages[index].msg_len), 65_536)
        let joined = Int(ladle_received_segment_size(&messages[index].msg_hdr))
        return ReceivedMessage(
            bytes: UnsafeRawBufferPointer(start: bytes + index * Self.slotSize, count: length),
            segmentSize: joined > 0 ? joined : max(length, 1),
            source: SocketAddress(storage: sources[index]))
    }
}

/// Points into a `ReceiveBatch`; good until its next `receive`.
public struct ReceivedMessage {
    public let bytes: UnsafeRawBufferPointer
    public let segmentSize: Int
    public let source: SocketAddress

    /// How many datagrams it holds; an empty one counts.
    public var datagramCount: Int { max(1, (bytes.count + segmentSize - 1) / segmentSize) }

    public func datagram(_ index: Int) -> UnsafeRawBufferPointer {
        let start = min(index * segmentSize, bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + segmentSize, bytes.count)])
    }
}
