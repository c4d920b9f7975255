import Base
import Glibc

/// XOR-MAPPED-ADDRESS (RFC 8489 §14.2): masked with the cookie and the transaction, so that no translator on the way takes
/// the bytes for an address and changes them.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |0 0 0 0 0 0 0 0|    family     |     port ^ cookie's 16 bits   |  family: 1 IPv4, 2 IPv6
///     |              address ^ cookie (^ transaction ID) …
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
extension SocketAddress {
    private static let portMask = UInt16(STUNMessage.cookie >> 16)

    /// Nil: an unknown family, or a length that is another family's. The caller has checked that `count` bytes are there.
    init?(xored bytes: RawSpan, at offset: Int, _ count: Int, _ transaction: STUNTransactionID) {
        guard count == 8 || count == 20 else { return nil }
        var address = sockaddr_in6()
        switch (bytes.uint8(at: offset + 1), count) {
        case (1, 8):
            address.sin6_family = sa_family_t(AF_INET)
            // Where a `sockaddr_in` has its address, as `SocketAddress` knows.
            address.sin6_flowinfo = (bytes.uint32(at: offset + 4) ^ STUNMessage.cookie).bigEndian
        case (2, 20):
            address.sin6_family = sa_family_t(AF_INET6)
            let first = bytes.uint64(at: offset + 4) ^ Self.addressMask(transaction)
            let second = bytes.uint64(at: offset + 12) ^ transaction.low
            // 16 bytes of a plain value; the pointer does not leave.
            withUnsafeMutableBytes(of: &address.sin6_addr) { raw in
                raw.storeBytes(of: first.bigEndian, as: UInt64.self)
                raw.storeBytes(of: second.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        default: return nil
        }
        address.sin6_port = (bytes.uint16(at: offset + 2) ^ Self.portMask).bigEndian
        self.init(storage: address)
    }

    /// Of the attribute's value.
    var xoredLength: Int { isIPv4 ? 8 : 20 }

    /// The caller has made room for `xoredLength` bytes.
    func writeXored(_ transaction: STUNTransactionID, at offset: Int, into buffer: inout MutableRawSpan) {
        buffer.store(UInt8(0), at: offset)
        buffer.store(UInt8(isIPv4 ? 1 : 2), at: offset + 1)
        buffer.store(port ^ Self.portMask, at: offset + 2)
        if isIPv4 {
            buffer.store(UInt32(bigEndian: storage.sin6_flowinfo) ^ STUNMessage.cookie, at: offset + 4)
            return
        }
        // 16 bytes of a plain value; the pointer does not leave.
        let (first, second) = withUnsafeBytes(of: storage.sin6_addr) { raw in
            (
                UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        buffer.store(first ^ Self.addressMask(transaction), at: offset + 4)
        buffer.store(second ^ transaction.low, at: offset + 12)
    }

    private static func addressMask(_ transaction: STUNTransactionID) -> UInt64 {
        UInt64(STUNMessage.cookie) << 32 | UInt64(transaction.high)
    }
}
