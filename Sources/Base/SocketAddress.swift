import Glibc

/// An IPv4 or IPv6 address with its port, laid out as the kernel reads it: `msg_name` may point straight at it.
public struct SocketAddress: Sendable {
    /// Large enough for both families; for IPv4 its first 16 bytes are a `sockaddr_in`.
    public var storage: sockaddr_in6

    @inlinable
    public init(storage: sockaddr_in6) { self.storage = storage }

    /// Parses a literal address; host names are refused (nil).
    public init?(_ ip: String, port: UInt16) {
        storage = sockaddr_in6()
        var v4 = in_addr()
        if inet_pton(AF_INET, ip, &v4) == 1 {
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.storeBytes(
                    of: sockaddr_in(
                        sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian, sin_addr: v4,
                        sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)), as: sockaddr_in.self)
            }
            return
        }
        guard inet_pton(AF_INET6, ip, &storage.sin6_addr) == 1 else { return nil }
        storage.sin6_family = sa_family_t(AF_INET6)
        storage.sin6_port = port.bigEndian
    }

    @inlinable
    public var isIPv4: Bool { storage.sin6_family == sa_family_t(AF_INET) }

    /// The length to give to the kernel.
    @inlinable
    public var length: socklen_t {
        socklen_t(isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
    }

    /// Both families keep the port at the same place.
    @inlinable
    public var port: UInt16 {
        get { UInt16(bigEndian: storage.sin6_port) }
        set { storage.sin6_port = newValue.bigEndian }
    }

    /// The address without the port, as text.
    public var ip: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            withUnsafeBytes(of: storage) { bytes in
                // The address lies 4 bytes in for IPv4 and 8 bytes in for IPv6 (family, port, flow label).
                let address = bytes.baseAddress.map { $0 + (isIPv4 ? 4 : 8) }
                guard let address,
                    let written = inet_ntop(
                        isIPv4 ? AF_INET : AF_INET6, address, text.baseAddress, socklen_t(text.count))
                else { return "" }
                return String(cString: written)
            }
        }
    }
}

extension SocketAddress: Hashable {
    @inlinable
    public static func == (a: SocketAddress, b: SocketAddress) -> Bool {
        guard a.storage.sin6_family == b.storage.sin6_family, a.storage.sin6_port == b.storage.sin6_port else {
            return false
        }
        // `sin6_flowinfo` is where IPv4 keeps its address.
        if a.isIPv4 { return a.storage.sin6_flowinfo == b.storage.sin6_flowinfo }
        return withUnsafeBytes(of: a.storage.sin6_addr) { x in
            withUnsafeBytes(of: b.storage.sin6_addr) { y in x.elementsEqual(y) }
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(storage.sin6_port)
        if isIPv4 {
            hasher.combine(storage.sin6_flowinfo)
        } else {
            withUnsafeBytes(of: storage.sin6_addr) { hasher.combine(bytes: $0) }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    public var description: String { isIPv4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
