import Base
import Events
import MediaCore

/// What a WebRTC transport of a room is asked to be.
public struct WebRTCTransportRequest: Sendable, Hashable {
    /// Its client sends: its tracks are to be in step with each other.
    public var producing: Bool
    /// Its client receives.
    public var consuming: Bool
    public var enableUDP: Bool
    public var enableTCP: Bool
    public var iceConsentTimeout: Duration
    /// Bits per second.
    public var initialAvailableOutgoingBitrate: Int64?
    /// For data channels; nil: there are none.
    public var sctp: SCTPOptions?

    public init(
        producing: Bool = false, consuming: Bool = false, enableUDP: Bool = true, enableTCP: Bool = true,
        iceConsentTimeout: Duration = .seconds(20), initialAvailableOutgoingBitrate: Int64? = 1_000_000,
        sctp: SCTPOptions? = nil
    ) {
        self.sctp = sctp
        self.producing = producing
        self.consuming = consuming
        self.enableUDP = enableUDP
        self.enableTCP = enableTCP
        self.iceConsentTimeout = iceConsentTimeout
        self.initialAvailableOutgoingBitrate = initialAvailableOutgoingBitrate
    }
}

/// How far a client's connection has come.
public struct WebRTCStates: Sendable, Hashable {
    public var producing: Bool
    public var consuming: Bool
    public var ice = ICEState.new
    public var dtls = DTLSState.new
    /// Why DTLS failed, for people.
    public var reason: String?
    /// ICE has chosen a way: the transport's tuple has both sides.
    public var hasPath = false
}

extension Room {
    public func createWebRTCTransport(
        for member: String, _ request: WebRTCTransportRequest = WebRTCTransportRequest()
    ) async throws(ControlError) -> WebRTCTransportDescription {
        try checkOpen()
        let options = WebRTCTransportOptions(
            enableUDP: request.enableUDP, enableTCP: request.enableTCP, iceConsentTimeout: request.iceConsentTimeout,
            initialAvailableOutgoingBitrate: request.initialAvailableOutgoingBitrate,
            cname: request.producing ? try broadcaster(member).cname : nil, sctp: request.sctp)
        _ = try broadcaster(member)
        let made: WebRTCTransportDescription
        do { made = try await core.createWebRTCTransport(on: router, options) } catch { throw ControlError(error) }

        guard isOpen, broadcasters[member] != nil else {
            // It left while its transport was being made.
            await core.close(made.id)
            throw .notFound("broadcaster with id \"\(member)\" does not exist")
        }
        let address = made.iceCandidates.first
        let transport = RoomTransport(
            id: made.id, broadcaster: member, comedia: false,
            tuple: TransportTuple(
                localAddress: address?.address ?? "", localPort: address?.port ?? 0,
                isTCP: address?.transportProtocol == .tcp), rtcpTuple: nil,
            webRTC: WebRTCStates(producing: request.producing, consuming: request.consuming),
            sctp: made.sctpParameters)
        transports[made.id] = keep(transport)
        events.publish(
            .transportCreated(
                subject(of: transport), ip: transport.tuple.localAddress, port: transport.tuple.localPort,
                rtcpPort: nil, comedia: false))
        apply(objects.register(.transport(made.id), self))
        return made
    }

    /// Says who the client is. Returns at once, whatever the network does.
    /// - Returns: Our role, client or server.
    @discardableResult
    public func connect(
        _ id: TransportID, of member: String, _ remote: DTLSParameters
    ) async throws(ControlError) -> DTLSParameters.Role {
        _ = try transport(id, of: member)
        do { return try await core.connect(id, remote) } catch { throw ControlError(error) }
    }

    /// New credentials for a client whose network has changed.
    public func restartICE(_ id: TransportID, of member: String) async throws(ControlError) -> ICEParameters {
        _ = try transport(id, of: member)
        do { return try await core.restartICE(id) } catch { throw ControlError(error) }
    }

    /// Asks the client to send no more than this. Bits per second; 0: no limit.
    public func setMaxIncomingBitrate(
        _ bitrate: Int64, of id: TransportID, of member: String
    ) async throws(ControlError) {
        _ = try transport(id, of: member)
        do { try await core.setMaxIncomingBitrate(bitrate, of: id) } catch { throw ControlError(error) }
    }

    /// The highest layers that a consumer's receiver wants.
    @discardableResult
    public func setPreferredLayers(
        _ layers: WantedLayers, of id: ConsumerID, of member: String
    ) async throws(ControlError) -> ForwardedLayers? {
        _ = try consumer(id, of: member)
        do { return try await core.setPreferredLayers(layers, of: id) } catch { throw ControlError(error) }
    }

    /// 1…255.
    public func setPriority(_ priority: Int, of id: ConsumerID, of member: String) async throws(ControlError) {
        _ = try consumer(id, of: member)
        do { try await core.setPriority(priority, of: id) } catch { throw ControlError(error) }
    }

    // MARK: - What the core says

    func apply(selected tuple: TransportTuple, of id: TransportID) {
        transports[id]?.value.tuple = tuple
        transports[id]?.value.webRTC?.hasPath = true
        guard let transport = transports[id]?.value, let ip = tuple.remoteIP, let port = tuple.remotePort else {
            return
        }
        events.publish(
            .transportPath(
                subject(of: transport), localIP: tuple.localAddress, localPort: tuple.localPort, remoteIP: ip,
                remotePort: port, transportProtocol: tuple.isTCP ? "tcp" : "udp"))
    }

    func apply(ice state: ICEState, of id: TransportID) {
        guard transports[id]?.value.webRTC != nil, transports[id]?.value.webRTC?.ice != state else { return }
        transports[id]?.value.webRTC?.ice = state
        publishState(of: id)
    }

    func apply(dtls state: DTLSState, reason: String?, of id: TransportID) {
        guard transports[id]?.value.webRTC != nil, transports[id]?.value.webRTC?.dtls != state else { return }
        transports[id]?.value.webRTC?.dtls = state
        transports[id]?.value.webRTC?.reason = reason
        publishState(of: id)
        if state == .connected, let transport = transports[id]?.value {
            publishConnected(transport, transport.tuple, rtcp: false)
        }
    }

    private func publishState(of id: TransportID) {
        guard let transport = transports[id]?.value, let states = transport.webRTC else { return }
        events.publish(
            .transportState(
                subject(of: transport), ice: states.ice.rawValue, dtls: states.dtls.rawValue, reason: states.reason))
        tell(transport.broadcaster, .transportState(id, states))
    }
}
