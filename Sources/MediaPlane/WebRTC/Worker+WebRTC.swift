import Base
import MediaCore
import ORTC
import SFU

// The vocabulary has candidates and fingerprints of its own.
import enum ICE.ICEProtocol

extension Worker {
    func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) throws(MediaCoreError) -> WebRTCTransportDescription {
        try checkIsUp()
        let now = Self.now()
        var accepts: Set<ICEProtocol> = []
        if options.enableUDP { accepts.insert(.udp) }
        if options.enableTCP { accepts.insert(.tcp) }
        var prefers: Set<ICEProtocol> = []
        if options.preferUDP { prefers.insert(.udp) }
        if options.preferTCP { prefers.insert(.tcp) }
        var listeners = serverListeners
        if listeners.isEmpty {
            let (local, _) = try openEndpoints(rtcpMux: true, hasOneRemote: false, now: now)
            listeners = [WebRTCListener(local, .udp, isOwn: true)]
        }
        do {
            let id = TransportID.random()
            let setup = WebRTCTransportSetup(
                router: router, id: id, listeners: listeners, accepts: accepts, prefers: prefers,
                iceConsentTimeout: Int(options.iceConsentTimeout.components.seconds), cname: options.cname,
                initialAvailableOutgoingBitrate: options.initialAvailableOutgoingBitrate,
                sctp: options.sctp.map(SCTPTransportSetup.init))
            var description = try command { engine, _, now throws(SFUError) in
                WebRTCTransportDescription(try engine.createWebRTCTransport(setup, now: now))
            }
            description.sctpParameters = options.sctp.map { SCTPParameters($0, isDataChannel: true) }
            directory.enter(.transport(id), on: number)
            return description
        } catch {
            for listener in listeners where listener.isOwn { plane.close(listener.local.socket, now: now) }
            throw error
        }
    }

    /// - Returns: Our role.
    func connectWebRTC(_ id: TransportID, _ remote: DTLSParameters) throws(MediaCoreError) -> DTLSParameters.Role {
        guard let fingerprint = remote.fingerprints.first else {
            throw MediaCoreError(
                .invalid, name: "TypeError",
                message: "empty dtlsParameters.fingerprints array [method:webRtcTransport.connect]")
        }
        let role = RemoteDTLSRole(rawValue: remote.role.rawValue) ?? .auto
        let own = try command { engine, outbox, now throws(SFUError) in
            try engine.connectWebRTC(
                id, role: role, fingerprint: (fingerprint.algorithm, fingerprint.value), now: now, into: &outbox)
        }
        return own == .client ? .client : .server
    }

    func restartICE(_ id: TransportID) throws(MediaCoreError) -> ICEParameters {
        let (fragment, password) = try command { engine, _, now throws(SFUError) in
            try engine.restartICE(id, now: now)
        }
        return ICEParameters(usernameFragment: fragment, password: password)
    }
}

extension WebRTCTransportDescription {
    init(_ state: WebRTCTransportState) {
        self.init(
            id: state.id,
            iceParameters: ICEParameters(usernameFragment: state.usernameFragment, password: state.password),
            iceCandidates: state.candidates.map { candidate in
                ICECandidate(
                    foundation: candidate.foundation, priority: candidate.priority, address: candidate.listen.address,
                    port: candidate.listen.port, transportProtocol: candidate.listen.transport == .tcp ? .tcp : .udp)
            },
            dtlsParameters: DTLSParameters(
                role: state.dtlsRole.flatMap { DTLSParameters.Role(rawValue: $0.rawValue) } ?? .auto,
                fingerprints: state.fingerprints.map {
                    DTLSFingerprint(algorithm: $0.algorithm.rawValue, value: $0.value)
                }))
    }
}
