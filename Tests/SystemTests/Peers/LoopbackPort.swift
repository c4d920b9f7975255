import Foundation
import Testing

/// Ports of this machine, for peers that must be told one.
enum LoopbackPort {
    enum Kind: String { case tcp, udp }

    /// One that nobody uses now.
    static func free(_ kind: Kind = .tcp) throws -> UInt16 {
        let type = kind == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = socket(AF_INET, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return try #require(bound(descriptor, to: 0))
    }

    /// Whether somebody listens there (TCP) or has bound it (UDP), without a connection that a peer would take for its client.
    static func isOpen(_ port: UInt16, _ kind: Kind = .tcp) -> Bool {
        let state = kind == .tcp ? "0A" : "07"
        let suffix = ":" + String(UInt32(port) + 0x10000, radix: 16, uppercase: true).dropFirst()
        return ["/proc/net/\(kind.rawValue)", "/proc/net/\(kind.rawValue)6"].contains { table in
            let lines = (try? String(contentsOfFile: table, encoding: .utf8))?.split(separator: "\n").dropFirst() ?? []
            return lines.contains { line in
                let words = line.split(separator: " ")
                return words.count > 3 && words[1].hasSuffix(suffix) && words[3] == state
            }
        }
    }

    /// Binds to loopback; the port it became.
    static func bound(_ descriptor: Int32, to port: UInt16) -> UInt16? {
        var address = loopback(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return isBound ? UInt16(bigEndian: address.sin_port) : nil
    }

    static func connected(_ descriptor: Int32, to port: UInt16) -> Bool {
        var address = loopback(port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
