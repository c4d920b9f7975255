import Base
import DTLS
import ICE

// Commands of WebRTC transports.
extension MediaEngine {
    /// On an error the driver keeps the sockets of the setup and closes them itself.
    public mutating func createWebRTCTransport(
        _ setup: WebRTCTransportSetup, now: Instant
    ) throws(SFUError) -> WebRTCTransportState {
        let method = "router.createWebRtcTransport"
        let own = setup.listeners.filter(\.isOwn).map(\.local.socket)
        let router = try checkNewTransport(setup.id, on: setup.router, own, method: method)
        guard !setup.listeners.isEmpty else { throw .invalid("no socket to listen on [method:\(method)]") }
        let identity = try dtlsIdentity(now: now)
        let index = transports.insert(Transport(setup, router: router))
        transports[index].ceiling = IngressCeiling(configuration.ingress)
        let link = webRTCLinks.insert(WebRTCLink(setup, transport: index, identity: identity, random: &random))
        transports[index].webRTC = link
        if let sctp = setup.sctp {
            do throws(SFUError) {
                try addSCTP(
                    sctp, to: index, isDataChannel: true, packetLength: webRTCLinks[link].dtls.maximumDataLength)
            } catch {
                _ = webRTCLinks.remove(link)
                _ = transports.remove(index)
                throw error
            }
        }
        register(index)
        for socket in own { transportBySocket[socket] = index }
        webRTCByFragment[webRTCLinks[link].agent.credentials.usernameFragment] = link
        return webRTCState(of: link, identity)
    }

    /// Says who the remote side is. Once only. Answers before anything is known of the way there.
    /// - Parameter fingerprint: Of its certificate; the algorithm's name as signaling has it.
    /// - Returns: Our role.
    public mutating func connectWebRTC(
        _ id: TransportID, role: RemoteDTLSRole, fingerprint: (algorithm: String, value: String), now: Instant,
        into out: inout Outbox
    ) throws(SFUError) -> DTLSRole {
        let method = "webRtcTransport.connect"
        let link = try webRTCLink(id, method)
        guard webRTCLinks[link].role == nil else {
            throw SFUError(.conflict, "connect() already called [method:\(method)]")
        }
        guard let algorithm = DTLSFingerprint.Algorithm(rawValue: fingerprint.algorithm) else {
            throw .invalid("invalid fingerprint algorithm '\(fingerprint.algorithm)' [method:\(method)]")
        }
        let own: DTLSRole = role == .client ? .server : .client
        webRTCLinks[link].role = own
        var effects: [DTLSEffect] = []
        webRTCLinks[link].dtls.setRemoteFingerprint(
            DTLSFingerprint(algorithm, fingerprint.value), into: &effects)
        switch webRTCLinks[link].agent.state {
        // A server that began by itself and is in the midst of it stays one only if it is told to be.
        case .connected, .completed: webRTCLinks[link].dtls.start(as: own, now: now, into: &effects)
        case .new, .disconnected: break
        }
        apply(effects, of: link, now: now, into: &out)
        return own
    }

    /// New credentials; the old ones are good until the remote side uses the new ones.
    public mutating func restartICE(
        _ id: TransportID, now: Instant
    ) throws(SFUError) -> (usernameFragment: String, password: String) {
        let link = try webRTCLink(id, "webRtcTransport.restartIce")
        // Two accesses to the engine's properties: the generator is copied out and back.
        var generator = random
        let retired = webRTCLinks[link].agent.restart(using: &generator, now: now)
        random = generator
        if let retired { webRTCByFragment[retired] = nil }
        let credentials = webRTCLinks[link].agent.credentials
        webRTCByFragment[credentials.usernameFragment] = link
        return (credentials.usernameFragment.description, credentials.password)
    }

    /// What a WebRTC transport tells its remote side; nil for an unknown one.
    public func webRTCState(of id: TransportID) -> WebRTCTransportState? {
        guard let index = transportByID[id], let link = transports[index].webRTC, let identity else { return nil }
        return webRTCState(of: link, identity)
    }

    private func webRTCState(of link: SlabIndex, _ identity: DTLSIdentity) -> WebRTCTransportState {
        let credentials = webRTCLinks[link].agent.credentials
        return WebRTCTransportState(
            id: transports[webRTCLinks[link].transport].id,
            usernameFragment: credentials.usernameFragment.description, password: credentials.password,
            candidates: webRTCLinks[link].candidates, dtlsRole: webRTCLinks[link].role,
            fingerprints: identity.fingerprints)
    }

    private func webRTCLink(_ id: TransportID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let link = transports[try index(id, method)].webRTC else { throw .noSuchObject(id.rawValue, method) }
        return link
    }

    /// The configured one, or one that is made now and kept.
    private mutating func dtlsIdentity(now: Instant) throws(SFUError) -> DTLSIdentity {
        if let identity { return identity }
        do {
            let made = try DTLSIdentity(unixSeconds: Int(clock.unixNanoseconds(at: now) / 1_000_000_000))
            identity = made
            return made
        } catch { throw SFUError(.failed, "no certificate can be made: \(error)") }
    }

    // MARK: - Time and end

    /// Consent that has run out, handshakes that were not answered.
    mutating func advanceWebRTC(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let link = transports[index].webRTC, let deadline = webRTCLinks[link].nextDeadline, deadline <= now
        else { return }
        apply(webRTCLinks[link].agent.advance(to: now), of: link, now: now, into: &out)
        var effects: [DTLSEffect] = []
        webRTCLinks[link].dtls.advance(to: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    func webRTCDeadline(of index: SlabIndex) -> Instant? {
        transports[index].webRTC.flatMap { webRTCLinks[$0].nextDeadline }
    }

    /// A transport closes: its remote side is told goodbye, and nobody finds it any more.
    mutating func removeWebRTC(_ link: SlabIndex, into out: inout Outbox) {
        var effects: [DTLSEffect] = []
        webRTCLinks[link].dtls.close(into: &effects)
        for case .transmit(let bytes) in effects { transmit(bytes, of: link, into: &out) }
        for tuple in webRTCLinks[link].agent.tuples { webRTCByTuple[tuple] = nil }
        for fragment in webRTCLinks[link].agent.usernameFragments { webRTCByFragment[fragment] = nil }
        _ = webRTCLinks.remove(link)
    }
}
