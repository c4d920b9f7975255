import Base
import DTLS
import ICE
import SRTP

// What ICE and DTLS want done, in their order.
extension MediaEngine {
    mutating func apply(_ events: ICEEvents, of link: SlabIndex, now: Instant, into out: inout Outbox) {
        if events.isEmpty { return }
        for event in events {
            switch event {
            case .tupleAdded(let tuple): webRTCByTuple[tuple] = link
            case .tupleRemoved(let tuple): webRTCByTuple[tuple] = nil
            case .tupleSelected(let tuple): tupleSelected(tuple, of: link, now: now, into: &out)
            case .fragmentRetired(let fragment): webRTCByFragment[fragment] = nil
            case .stateChanged(let state):
                out.report(.iceState(transports[webRTCLinks[link].transport].id, state))
                switch state {
                case .connected, .completed: beginHandshake(of: link, now: now, into: &out)
                case .disconnected, .new: break
                }
                followPath(of: link, now: now, into: &out)
            }
        }
    }

    mutating func tupleSelected(_ tuple: ICETuple, of link: SlabIndex, now: Instant, into out: inout Outbox) {
        let id = transports[webRTCLinks[link].transport].id
        out.report(.iceSelectedTuple(id, webRTCLinks[link].endpointTuple(tuple)))
        followPath(of: link, now: now, into: &out)
    }

    /// Nobody said who the remote side is yet: then it may say hello first, as browsers do whose check was quicker than
    /// their signaling.
    private mutating func beginHandshake(of link: SlabIndex, now: Instant, into out: inout Outbox) {
        guard case .new = webRTCLinks[link].dtls.state else { return }
        var effects: [DTLSEffect] = []
        webRTCLinks[link].dtls.start(as: webRTCLinks[link].role ?? .server, now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    mutating func apply(_ effects: [DTLSEffect], of link: SlabIndex, now: Instant, into out: inout Outbox) {
        for effect in effects {
            switch effect {
            case .transmit(let bytes):
                if transmit(bytes, of: link, into: &out) {
                    transports[webRTCLinks[link].transport].sent.count(bytes.count, now: now)
                }
            case .received(let data):
                guard let sctp = transports[webRTCLinks[link].transport].sctp else {
                    transports[webRTCLinks[link].transport].drops.unknownKind += 1
                    continue
                }
                receiveSCTP(data.span.bytes, sctp, now: now, into: &out)
            case .changed(let state):
                if case .connected(let connection) = state { takeKeys(connection.keys, of: link) }
                out.report(.dtlsState(transports[webRTCLinks[link].transport].id, state))
                followPath(of: link, now: now, into: &out)
            }
        }
        if let deadline = webRTCLinks[link].dtls.nextDeadline { arm(deadline) }
    }

    /// False: there is no way there now, or no room. The handshake's timer tries again.
    @discardableResult
    mutating func transmit(_ bytes: [UInt8], of link: SlabIndex, into out: inout Outbox) -> Bool {
        guard let tuple = webRTCLinks[link].agent.selectedTuple else { return false }
        return out.send(bytes.span.bytes, to: tuple.remote, on: SocketID(tuple.socket))
    }

    private mutating func takeKeys(_ keys: SRTPKeyingMaterial, of link: SlabIndex) {
        // Names and lengths of the two targets are the same; the handshake has brought them, so they are right.
        guard let suite = SRTPCryptoSuite(rawValue: keys.profile.rawValue),
            let local = try? SRTPMasterKey(suite, keys.local), let remote = try? SRTPMasterKey(suite, keys.remote)
        else { return }
        transports[webRTCLinks[link].transport].secure(
            TransportSecurity(own: local, remote: remote, backend: configuration.srtpBackend))
    }

    /// Media go where ICE says, once DTLS has brought the keys, and nowhere when the remote side is gone.
    private mutating func followPath(of link: SlabIndex, now: Instant, into out: inout Outbox) {
        let index = webRTCLinks[link].transport
        let wasConnected = transports[index].isConnected
        transports[index].link.select(webRTCLinks[link].mediaPath)
        switch (wasConnected, transports[index].isConnected) {
        case (false, true): becameConnected(index, now: now, into: &out)
        case (true, false): becameDisconnected(index, into: &out)
        case (true, true), (false, false): break
        }
    }

    /// mediasoup's order to its consumers: they stop, have no layers, and start with a key frame when it is back.
    private mutating func becameDisconnected(_ index: SlabIndex, into out: inout Outbox) {
        transports[index].reportTimer = nil
        for position in transports[index].consumers.indices {
            let consumer = transports[index].consumers[position]
            for sender in consumers[consumer].senders { senders[sender].stop() }
            bandwidthFreed(by: consumer)
            forgetTarget(of: consumer, into: &out)
        }
    }
}
