import Base
import MediaCore
import SFU

extension Plane {
    /// Binds the sockets that all WebRTC transports of a worker share.
    /// - Throws: Which address and port can't be had, and why.
    mutating func listen(
        _ configuration: MediaPlaneConfiguration, port: UInt16
    ) throws(MediaCoreError) -> [WebRTCListener] {
        guard let address = SocketAddress(configuration.listenIP, port: port) else {
            throw MediaCoreError(
                .invalid, name: "TypeError", message: "listenIP: '\(configuration.listenIP)' is no literal address")
        }
        let socket: UDPSocket
        do { socket = try UDPSocket.bind(to: address) } catch {
            throw MediaCoreError(
                .failed, name: "Error",
                message: "UDP port \(address) for WebRTC can't be had: \(error)"
                    + (error.isTaken ? "; another program has it, so choose another webrtc port" : ""))
        }
        let bound = socket.local.port
        let id = try sockets.insert(socket, hasOneRemote: false)
        let local = LocalEndpoint(
            socket: id, address: configuration.announcedAddress ?? configuration.listenIP, port: bound)
        return [WebRTCListener(local, .udp)]
    }
}
