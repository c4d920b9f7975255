import Base

/// What of a datagram the library gets to see: whole records that can be something.
///
/// OpenSSL drops what it can't authenticate, with one exception: a record under a cipher that is too short for it. Of such
/// it makes an internal error, sends a fatal alert and is done with the session, so whoever can spoof an address could end
/// a call with 14 bytes (RFC 6347 §4.1.2.7 wants them ignored). Hence they end here; also those for keys that don't exist
/// yet, which the library keeps until they do.
enum RecordFilter {
    /// Type, version, epoch, sequence number and length:
    ///
    ///      0      1  2    3  4    5  6  7  8  9 10   11 12
    ///     +------+-------+-------+------------------+-------+----------+
    ///     | type |version| epoch | sequence number  |length | fragment |
    ///     +------+-------+-------+------------------+-------+----------+
    static let headerLength = 13
    /// The explicit nonce and the tag of AES-GCM, the only cipher that is negotiated, and a byte of content (RFC 5288 §3).
    private static let shortestEncrypted = 8 + 16 + 1
    /// The largest record that there may be.
    static let longestDatagram = headerLength + 16_384 + 2048

    /// - Returns: The records that may pass, back to back; often all of them, often none.
    static func admit(_ datagram: RawSpan) -> [UInt8] {
        guard datagram.byteCount <= longestDatagram else { return [] }
        var admitted: [UInt8] = []
        var start = 0
        while start + headerLength <= datagram.byteCount {
            let length = Int(datagram.uint16(at: start + 11))
            let end = start + headerLength + length
            guard end <= datagram.byteCount else { break }
            if datagram.uint16(at: start + 3) == 0 || length >= shortestEncrypted {
                // The bytes are copied while the span is borrowed.
                datagram.extracting(start..<end).withUnsafeBytes { admitted += $0 }
            }
            start = end
        }
        return admitted
    }
}
