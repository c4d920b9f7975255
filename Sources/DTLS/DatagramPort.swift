import COpenSSL

/// The edge between a session and the library's input and output (a BIO): one datagram in, any number out.
///
/// It also keeps the copies of a flight that retransmission needs. The library's own timer reads the wall clock, which
/// nobody can hand in; so it is told that its timer is due at once, `copies.count` times, right after it has written a
/// flight. It then writes the flight again and again, each time under new record sequence numbers as RFC 6347 §4.2.4 wants
/// (a receiver drops an old number as a replay, so bytes that were sent once are of no use when the answer to them was
/// lost). Those copies wait here until our clock says that they go.
///
/// A class, because the library calls back with its address.
final class DatagramPort {
    /// What the library reads next, as a whole.
    private var arrived: [UInt8]?
    /// What it wrote, a datagram each.
    private var written: [[UInt8]] = []
    /// The flight that was written last, once more in each element: datagrams.
    private(set) var copies: [[[UInt8]]] = []
    /// How many flights that wait for an answer were begun.
    private(set) var flightCount = 0
    /// What is written belongs to the last copy.
    private var isCopying = false
    let maximumDatagramLength: Int

    init(maximumDatagramLength: Int) { self.maximumDatagramLength = maximumDatagramLength }

    func offer(_ datagram: [UInt8]) { arrived = datagram }

    /// Before each call of the library.
    func prepare() { isCopying = false }

    func takeWritten() -> [[UInt8]] {
        defer { written = [] }
        return written
    }

    func forgetCopies() { copies = [] }

    // MARK: - What the library calls

    /// Nothing is left over of a datagram that is longer than the library's room, as with a socket.
    fileprivate func read(into room: UnsafeMutableRawBufferPointer) -> Int? {
        isCopying = false
        guard let datagram = arrived else { return nil }
        arrived = nil
        return datagram.withUnsafeBytes { bytes in
            let count = min(bytes.count, room.count)
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            return count
        }
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer) {
        // An alert belongs to no flight.
        let isAlert = bytes.first == 21
        guard isCopying, !isAlert, var copy = copies.popLast() else { return written.append(Array(bytes)) }
        // The library sends each record of a copy alone; together they need fewer datagrams.
        if let last = copy.last, last.count + bytes.count <= maximumDatagramLength {
            copy[copy.count - 1] += bytes
        } else {
            copy.append(Array(bytes))
        }
        copies.append(copy)
    }

    /// - Parameter last: What the timer was set to before; 0: a flight begins.
    /// - Returns: In how many microseconds the timer is due.
    fileprivate func timer(last: UInt32) -> UInt32 {
        if last == 0 {
            flightCount += 1
            copies = []
            isCopying = false
        } else {
            // Beyond the last copy only if the wall clock jumped by an hour.
            if copies.count == Retransmission.count { copies.removeLast() }
            copies.append([])
            isCopying = true
        }
        // Anything under 15 ms counts as due. 4,000 s are never reached: a flight is given up after half a minute.
        return copies.count < Retransmission.count ? 1 : 4_000_000_000
    }
}

// MARK: - The library's side

extension DatagramPort {
    /// A BIO whose data is a port. `nonisolated(unsafe)`: made once, and then only read by the library.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams") else { return nil }
        BIO_meth_set_create(method) { bio in
            BIO_set_init(bio, 1)
            return 1
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            DatagramPort.of(bio)?.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        BIO_meth_set_read(method) { bio, room, count in
            BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY)
            let room = UnsafeMutableRawBufferPointer(start: room, count: Int(count))
            if let read = DatagramPort.of(bio)?.read(into: room) { return Int32(read) }
            BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            return -1
        }
        // 0 to all that it doesn't know: a 1 would claim that the kernel encrypts.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    /// The port lives as long as the connection that frees the BIO; nobody else calls it.
    private static func of(_ bio: OpaquePointer?) -> DatagramPort? {
        guard let bio, let data = BIO_get_data(bio) else { return nil }
        return Unmanaged<DatagramPort>.fromOpaque(data).takeUnretainedValue()
    }

    /// Hands input, output and timer of an SSL to this port, which must live as long as that.
    func attach(to ssl: OpaquePointer) throws(DTLSError) {
        guard let method = Self.method, let bio = BIO_new(method) else { throw .openSSL("BIO_new") }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        // For both directions: the SSL owns the one reference.
        SSL_set_bio(ssl, bio, bio)
        DTLS_set_timer_cb(ssl) { ssl, last in
            DatagramPort.of(SSL_get_rbio(ssl))?.timer(last: last) ?? 4_000_000_000
        }
    }
}
