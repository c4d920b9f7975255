import MediaCore
import Negotiation
import SDP

// The core's transport in the words of descriptions, and the other way round.

extension LocalTransport {
    /// - Parameter ice: After a restart others than the transport began with.
    init(_ transport: WebRTCTransportDescription, ice: ICEParameters? = nil) {
        let ice = ice ?? transport.iceParameters
        let fingerprints = transport.dtlsParameters.fingerprints.map {
            FingerprintAttribute(algorithm: $0.algorithm, value: $0.value)
        }
        let usual = fingerprints.filter { $0.algorithm == "sha-256" }
        self.init(
            credentials: ICECredentials(usernameFragment: ice.usernameFragment, password: ice.password),
            candidates: transport.iceCandidates.map { candidate in
                CandidateAttribute(
                    foundation: candidate.foundation, transport: candidate.transportProtocol.rawValue,
                    priority: candidate.priority, address: candidate.address, port: candidate.port,
                    tcpType: candidate.transportProtocol == .tcp ? "passive" : nil)
            },
            // One that every client knows is enough; old ones stumble over several.
            fingerprints: usual.isEmpty ? fingerprints : usual)
    }
}

extension DTLSParameters {
    init(_ remote: RemoteTransport) {
        self.init(
            role: remote.isDTLSClient ? .client : .server,
            fingerprints: remote.fingerprints.map { DTLSFingerprint(algorithm: $0.algorithm, value: $0.value) })
    }
}

extension WebRTCDescription {
    /// Which section a mid names; what has none is named by its number.
    func place(of mid: String) -> Int {
        media.firstIndex { $0.mid == mid } ?? Int(mid) ?? 0
    }

    /// Of the `o=` line (RFC 9429 §5.2.1).
    static func newSessionID() -> UInt64 { UInt64.random(in: 1..<(1 << 63)) }
}
