import Base
import CLinux
import Glibc
import ICE

/// One client's TCP connection: its frames in pieces, and what the kernel has not taken yet (RFC 4571). Closed with its
/// owner.
struct TCPConnection: ~Copyable {
    let descriptor: Int32
    let remote: SocketAddress
    let listener: SlabIndex
    /// Media have 1,500 bytes, records of DTLS as many as fit into a datagram. What is longer is another protocol: the first
    /// two letters of HTTP are a length of 18,245, and TLS begins with one of 5,635.
    private(set) var reader = FrameReader(limit: 4096)
    private(set) var waiting = WaitingFrames()
    /// Whether the engine has known it as the way to a client, ever.
    var hasBeenKnown = false
    /// When that was so last; at first, when it was made.
    var known: Instant
    /// Whether the loop tells when there is room again.
    var isWatchedForRoom = false

    /// What the kernel may hold beyond what is under way, in bytes: some 60 ms of 8 Mbit/s.
    static let unsentInKernel: Int32 = 64 << 10

    init(descriptor: Int32, remote: SocketAddress, listener: SlabIndex, now: Instant) {
        self.descriptor = descriptor
        self.remote = remote
        self.listener = listener
        known = now
    }

    deinit { close(descriptor) }

    /// The next frame of what was read; `bytes` must be the same until it is nil.
    mutating func nextFrame(in bytes: RawSpan) throws(FrameError) -> FrameReader.Frame? { try reader.next(in: bytes) }

    // MARK: - Sending

    /// Sends frames that lie in a batch, in their order. What the kernel does not take now waits for it, as long as there is
    /// room; a frame that was begun is finished always, and one that finds no room is left out as a whole.
    /// - Parameter lost: Is told the places of those that were left out, and why.
    mutating func send(_ frames: borrowing FrameBatch, lost: (_ place: Int, _ errno: Int32) -> Void) {
        var next = 0
        if waiting.isEmpty {
            let result = frames.send(on: descriptor)
            if result < 0, result != -Int(EAGAIN), result != -Int(ENOBUFS) {
                // The loop hears of its end as well, and closes it.
                for place in 0..<frames.count { lost(place, Int32(-result)) }
                return
            }
            var taken = max(0, result)
            while next < frames.count, taken >= frames.length(next) {
                taken -= frames.length(next)
                next += 1
            }
            if taken > 0 {
                waiting.append(frames, next, from: taken)
                next += 1
            }
        }
        while next < frames.count {
            if waiting.hasRoom(for: frames.length(next)) {
                waiting.append(frames, next, from: 0)
            } else {
                lost(next, EAGAIN)
            }
            next += 1
        }
    }

    /// Gives the kernel what waits.
    mutating func sendWaiting() { waiting.send(on: descriptor) }
}

/// Frames that wait for the kernel to take them, as bytes.
struct WaitingFrames: ~Copyable {
    /// A quarter of a second at 8 Mbit/s. What is later is worth nothing to real-time media.
    private static let limit = 256 << 10

    private var bytes: [UInt8] = []
    /// How many of them have been sent.
    private var sent = 0

    var isEmpty: Bool { sent == bytes.count }

    func hasRoom(for count: Int) -> Bool { bytes.count - sent + count <= Self.limit }

    /// - Parameter start: How much of the frame, with its length in front, the kernel has.
    mutating func append(_ frames: borrowing FrameBatch, _ place: Int, from start: Int) {
        // Moved to the front only when that frees as much as is moved.
        if sent > bytes.count / 2 {
            bytes.removeSubrange(..<sent)
            sent = 0
        }
        frames.withBytes(of: place, from: start) { bytes.append(contentsOf: $0) }
    }

    mutating func send(on descriptor: Int32) {
        while !isEmpty {
            let result = bytes.withUnsafeMutableBytes { [sent] bytes in
                // The kernel only reads.
                var piece = iovec(iov_base: bytes.baseAddress.map { $0 + sent }, iov_len: bytes.count - sent)
                return Int(ladle_tcp_send(descriptor, &piece, 1))
            }
            if result == -Int(EINTR) { continue }
            guard result > 0 else { return }
            sent += result
        }
        // The memory of a client that was slow once is given back.
        bytes = []
        sent = 0
    }
}
