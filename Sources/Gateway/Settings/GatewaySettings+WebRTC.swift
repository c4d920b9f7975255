import Base
import MediaPlane

// What the settings of WebRTC come to.
extension GatewaySettings {
    /// Where WebRTC transports are reached, and what clients are told.
    var webRTCListens: [ListenAddress] {
        let addresses =
            webRTCAddresses.isEmpty
            ? [ListenAddress(rtpIP, announced: announcedAddress)] : webRTCAddresses.map { ListenAddress($0) }
        return addresses.enumerated().map { place, address in
            var address = address
            if webRTCAnnouncedAddresses.indices.contains(place) { address.announced = webRTCAnnouncedAddresses[place] }
            return address
        }
    }

    var webRTCCertificateFiles: CertificateFiles? {
        webRTCCertificate.map { CertificateFiles(certificate: $0, key: webRTCKey ?? $0) }
    }

    /// The key whose value can't go with the others, and why; nil: they fit.
    var webRTCContradiction: (key: String, message: String)? {
        let wanted = max(webRTCAddresses.count, 1)
        if !webRTCAnnouncedAddresses.isEmpty, webRTCAnnouncedAddresses.count != wanted {
            return (
                "webrtc.announcedAddresses",
                "there are \(webRTCAnnouncedAddresses.count) for \(wanted) of webrtc.addresses; name one for each, in "
                    + "their order"
            )
        }
        if Set(webRTCAddresses).count < webRTCAddresses.count {
            return ("webrtc.addresses", "one of them stands there twice")
        }
        if !webRTCAddresses.isEmpty, let address = unreachableListen {
            return ("webrtc.addresses", Self.unreachable(address))
        }
        if webRTCKey != nil, webRTCCertificate == nil {
            return ("webrtc.key", "needs webrtc.certificate, the certificate that it belongs to")
        }
        let workers = mediaPlane.workerCount
        if let port = webRTCPort, port > 0, Int(port) + workers - 1 > 65_535 {
            return (
                "webrtc.port",
                "\(workers) workers have \(workers) ports from \(port) on, which ends beyond 65535; choose a lower one"
            )
        }
        return nil
    }

    /// For those who use RTP alone this is no reason not to start.
    var webRTCWarning: (key: String, message: String)? {
        guard webRTCAddresses.isEmpty, let address = unreachableListen else { return nil }
        return ("rtp.address", Self.unreachable(address))
    }

    /// Every address of this machine, and no word which.
    private var unreachableListen: String? {
        webRTCListens.first { ["0.0.0.0", "::"].contains($0.ip) && $0.announced == nil }?.ip
    }

    private static func unreachable(_ address: String) -> String {
        "WebRTC clients can't be told \(address), which is no place to send to; name an address of this machine in "
            + "webrtc.addresses, or what clients reach it by in webrtc.announcedAddresses"
    }

    /// "44444", or "44444-44447" for several workers.
    var webRTCPortsText: String {
        guard let port = webRTCPort else { return "" }
        let last = Int(port) + mediaPlane.workerCount - 1
        return port == 0 || last == Int(port) ? "\(port)" : "\(port)-\(last)"
    }
}
