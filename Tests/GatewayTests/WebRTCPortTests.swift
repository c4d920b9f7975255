import Base
import Gateway
import Glibc
import MediaPlane
import Testing

@Suite struct `The port for WebRTC` {
    private func settings(_ port: UInt16) -> GatewaySettings {
        var settings = GatewaySettings()
        settings.listenPort = 0
        settings.mediaWorkers = 1
        settings.webRTCPort = port
        return settings
    }

    @Test func `is checked for UDP and TCP, and who has it is named`() throws {
        let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
        let udp = try UDPSocket.bind(to: loopback)
        let tcp = try TCPListener.listen(on: loopback)
        for (name, port) in [("UDP", udp.local.port), ("TCP", tcp.local.port)] {
            let check = MachineCheck(settings(port))
            #expect(!check.isWebRTCPortFree)
            let line = check.problems.first { $0.hasPrefix("webrtc.port: ") } ?? ""
            #expect(line.hasPrefix("webrtc.port: \(name) port \(port) on 127.0.0.1 is taken by "), "\(line)")
            #expect(line.contains("(pid \(getpid()))") && line.contains("--webrtc-port"), "\(line)")
        }
        #expect(MachineCheck(settings(0)).isWebRTCPortFree)
    }
}
