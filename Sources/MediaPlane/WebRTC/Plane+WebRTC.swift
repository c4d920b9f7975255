import Base
import MediaCore
import SFU

extension Plane {
    /// Binds the sockets that all WebRTC transports of a worker share: UDP and TCP at each address, on one port. The order
    /// is that of the candidates' ranks.
    /// - Parameter port: 0: the system chooses, one for each address.
    /// - Throws: Which address and port can't be had, and why.
    mutating func listen(
        _ configuration: MediaPlaneConfiguration, port: UInt16
    ) throws(MediaCoreError) -> [WebRTCListener] {
        var listeners: [WebRTCListener] = []
        for listen in configuration.webRTCListens {
            guard let address = SocketAddress(listen.ip, port: port) else {
                throw MediaCoreError(
                    .invalid, name: "TypeError", message: "webRTCAddresses: '\(listen.ip)' is no literal address")
            }
            listeners += try self.listen(at: address, told: listen.told)
        }
        return listeners
    }

    /// Ports that the system chooses for UDP may be somebody's for TCP.
    private static let attempts = 16

    private mutating func listen(
        at address: SocketAddress, told: String
    ) throws(MediaCoreError) -> [WebRTCListener] {
        var attempt = 1
        while true {
            let udp: UDPSocket
            do { udp = try UDPSocket.bind(to: address, isIPv6Only: true) } catch {
                throw Self.refused("UDP", address, error)
            }
            let tcp: TCPListener
            do { tcp = try TCPListener.listen(on: udp.local) } catch {
                attempt += 1
                guard address.port == 0, error.isTaken, attempt <= Self.attempts else {
                    throw Self.refused("TCP", udp.local, error)
                }
                continue
            }
            let port = udp.local.port
            let ids = (try sockets.insert(udp, hasOneRemote: false), try connections.insert(tcp))
            return [
                WebRTCListener(LocalEndpoint(socket: ids.0, address: told, port: port), .udp),
                WebRTCListener(LocalEndpoint(socket: ids.1, address: told, port: port), .tcp),
            ]
        }
    }

    private static func refused(_ transport: String, _ address: SocketAddress, _ error: SocketError) -> MediaCoreError {
        MediaCoreError(
            .failed, name: "Error",
            message: "\(transport) port \(address) for WebRTC can't be had: \(error)"
                + (error.isTaken ? "; another program has it, so choose another webrtc port" : ""))
    }
}
