import Glibc

/// UDP ports of this machine for a player.
enum PortPair {
    /// An even port and the odd one after it, both free now (RFC 3550 §11); players that know no rtcp attribute use them.
    static func free() throws -> (rtp: UInt16, rtcp: UInt16) {
        for _ in 0..<200 {
            // Below the range that systems hand out by themselves (32768 and up on Linux).
            let rtp = UInt16.random(in: 10_000...16_000) * 2
            if isFree(rtp), isFree(rtp + 1) { return (rtp, rtp + 1) }
        }
        throw GatewayRefusal(status: 0, message: "no free pair of UDP ports between 20000 and 32001 on this machine")
    }

    /// Whether nobody listens there, found out by binding; the socket is closed again.
    static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
