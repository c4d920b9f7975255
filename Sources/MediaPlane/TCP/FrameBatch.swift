import Base
import CLinux
import Glibc

/// Datagrams for one connection that leave with one system call, each with its length in front (RFC 4571). One per worker,
/// reused.
struct FrameBatch: ~Copyable {
    /// Two pieces a frame, and the kernel takes 1,024.
    static let capacity = 256
    static let headLength = 2

    private let heads: UnsafeMutablePointer<UInt16>
    /// Head and datagram by turns.
    private let pieces: UnsafeMutablePointer<iovec>
    private let owners: UnsafeMutablePointer<SlabIndex?>
    private(set) var count = 0

    init() {
        heads = .allocate(capacity: Self.capacity)
        heads.initialize(repeating: 0, count: Self.capacity)
        pieces = .allocate(capacity: 2 * Self.capacity)
        for place in 0..<Self.capacity {
            (pieces + 2 * place).initialize(to: iovec(iov_base: heads + place, iov_len: Self.headLength))
            (pieces + 2 * place + 1).initialize(to: iovec())
        }
        owners = .allocate(capacity: Self.capacity)
        owners.initialize(repeating: nil, count: Self.capacity)
    }

    // All of it is trivial: nothing to take down.
    deinit {
        heads.deallocate()
        pieces.deallocate()
        owners.deallocate()
    }

    var isFull: Bool { count == Self.capacity }

    /// There must be room; the datagram must stay where it is until `removeAll`.
    /// - Parameter datagram: 65,535 bytes at most.
    /// - Parameter owner: The outgoing stream whose packet it is.
    mutating func add(_ datagram: UnsafeRawBufferPointer, of owner: SlabIndex?) {
        precondition(count < Self.capacity && datagram.count <= 0xFFFF, "no room was asked for")
        heads[count] = UInt16(datagram.count).bigEndian
        // The kernel only reads through it.
        pieces[2 * count + 1] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: datagram.baseAddress), iov_len: datagram.count)
        owners[count] = owner
        count += 1
    }

    mutating func removeAll() { count = 0 }

    /// Bytes of a frame with its head.
    func length(_ place: Int) -> Int { Self.headLength + datagramLength(place) }

    func datagramLength(_ place: Int) -> Int {
        precondition(place < count)
        return pieces[2 * place + 1].iov_len
    }

    func owner(_ place: Int) -> SlabIndex? {
        precondition(place < count)
        return owners[place]
    }

    /// Hands over the bytes of a frame, its head included, in one or two parts.
    /// - Parameter start: How many of them are left out.
    func withBytes(of place: Int, from start: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        precondition(place < count && start <= length(place))
        var left = start
        for piece in pieces + 2 * place..<pieces + 2 * place + 2 {
            let bytes = UnsafeRawBufferPointer(start: piece.pointee.iov_base, count: piece.pointee.iov_len)
            let skipped = min(left, bytes.count)
            left -= skipped
            if skipped < bytes.count { body(UnsafeRawBufferPointer(rebasing: bytes[skipped...])) }
        }
    }

    /// Bytes that the kernel took, or a negated errno.
    func send(on descriptor: Int32) -> Int {
        while true {
            let result = Int(ladle_tcp_send(descriptor, pieces, 2 * count))
            if result != -Int(EINTR) { return result }
        }
    }
}
