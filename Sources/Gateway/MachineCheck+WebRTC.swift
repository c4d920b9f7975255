import Base
import Glibc
import MediaCore
import MediaPlane

extension MachineCheck {
    /// Addresses that are none of this machine's, and files that hold no certificate.
    var webRTCAddressProblems: [String] {
        var problems = settings.webRTCAddresses.compactMap { ip -> String? in
            let isHere = SocketAddress(ip, port: 0).flatMap { try? UDPSocket.bind(to: $0) } != nil
            return isHere ? nil : "webrtc.addresses: \(ip) is no address of this machine"
        }
        if let files = settings.webRTCCertificateFiles {
            do throws(MediaCoreError) { try files.check() } catch { problems.append(error.message) }
        }
        return problems
    }

    public var isWebRTCPortFree: Bool { webRTCPortProblem == nil }

    /// The first port for WebRTC that can't be had now, and who has it. The others are his as well, most likely.
    var webRTCPortProblem: String? {
        guard let port = settings.webRTCPort, port > 0 else { return nil }
        for number in 0..<settings.mediaPlane.workerCount {
            for listen in settings.webRTCListens {
                guard let port = UInt16(exactly: Int(port) + number), let address = SocketAddress(listen.ip, port: port)
                else { continue }
                if let failure = Self.failure(binding: address) { return text(failure, address) }
            }
        }
        return nil
    }

    /// As the media plane does it.
    private static func failure(binding address: SocketAddress) -> (isTCP: Bool, number: Int32)? {
        do throws(SocketError) { _ = try UDPSocket.bind(to: address, isIPv6Only: true) } catch {
            return (false, error.number)
        }
        do throws(SocketError) { _ = try TCPListener.listen(on: address) } catch { return (true, error.number) }
        return nil
    }

    private func text(_ failure: (isTCP: Bool, number: Int32), _ address: SocketAddress) -> String {
        let name = "\(failure.isTCP ? "TCP" : "UDP") port \(address.port) on \(address.ip)"
        guard failure.number == EADDRINUSE else {
            return "webrtc.port: \(name) can't be had: \(String(cString: strerror(failure.number)))"
        }
        let owner = failure.isTCP ? PortOwner.ofListener(port: address.port) : PortOwner.ofUDP(port: address.port)
        let workers = settings.mediaPlane.workerCount
        let all = workers > 1 ? " (\(workers) workers have \(settings.webRTCPortsText))" : ""
        return "webrtc.port: \(name) is taken by \(owner.map(String.init(describing:)) ?? "another process"); "
            + "stop it, or choose another port with --webrtc-port\(all)"
    }
}
