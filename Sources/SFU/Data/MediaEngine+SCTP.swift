import Base
import DTLS
import ORTC
import SCTP

// The associations of transports: what they take, and what they want done.
extension MediaEngine {
    /// SCTP without DTLS for a new transport that nobody knows yet; without it the transport is gone.
    mutating func addBareSCTP(_ setup: SCTPTransportSetup?, toNew transport: SlabIndex) throws(SFUError) {
        guard let setup else { return }
        do throws(SFUError) {
            try addSCTP(setup, to: transport, isDataChannel: false, packetLength: SCTPSetup.standardPacketLength)
        } catch {
            _ = transports.remove(transport)
            throw error
        }
    }

    /// SCTP for a new transport.
    mutating func addSCTP(
        _ setup: SCTPTransportSetup, to transport: SlabIndex, isDataChannel: Bool, packetLength: Int
    ) throws(SFUError) {
        do {
            let link = try SCTPLink(
                setup, transport: transport, isDataChannel: isDataChannel, packetLength: packetLength, stack: sctp)
            transports[transport].sctp = sctpLinks.insert(link)
            transports[transport].maximumMessage = setup.maximumMessageSize
        } catch { throw SFUError(.failed, "SCTP can't be had: \(error)") }
    }

    /// The transport has become connected: INIT goes out. Once.
    mutating func startSCTP(of transport: SlabIndex, now: Instant, into out: inout Outbox) {
        guard let link = transports[transport].sctp else { return }
        var effects: [SCTPEffect] = []
        sctpLinks[link].association.start(now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    mutating func receiveSCTP(_ packet: RawSpan, _ link: SlabIndex, now: Instant, into out: inout Outbox) {
        var effects: [SCTPEffect] = []
        sctpLinks[link].association.receive(packet, now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    /// A datagram of SCTP as such, on a transport without DTLS.
    mutating func receiveBareSCTP(
        _ datagram: RawSpan, _ transport: SlabIndex, _ link: SlabIndex, on socket: SocketID, from: SocketAddress,
        now: Instant, into out: inout Outbox
    ) {
        switch transports[transport].link.admitRTP(from: from, on: socket) {
        case .accepted: break
        case .foreign:
            transports[transport].drops.foreignSource += 1
            return
        case .early:
            transports[transport].drops.notConnected += 1
            return
        case .latched(let tuple):
            out.report(.transportConnected(transports[transport].id, tuple))
            becameConnected(transport, now: now, into: &out)
        }
        guard isBelowCeiling(datagram.byteCount, transport, now: now) else { return }
        transports[transport].received.count(datagram.byteCount, now: now)
        receiveSCTP(datagram, link, now: now, into: &out)
    }

    // MARK: - Sending

    mutating func send(
        _ message: DataMessage, on link: SlabIndex, for consumer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard let stream = dataConsumers[consumer].stream else { return }
        var effects: [SCTPEffect] = []
        var isFull = false
        do {
            try sctpLinks[link].association.send(
                message.payload.span.bytes, stream: UInt16(clamping: stream.streamID), ppid: message.ppid,
                isOrdered: stream.ordered, reliability(of: stream), now: now, into: &effects)
            count(message, consumer)
            setBuffered(sctpLinks[link].association.bufferedAmount, of: sctpLinks[link].transport, into: &out)
        } catch .bufferFull {
            isFull = true
        } catch {
            // Not connected, or a stream that the remote side does not have yet: lost, as in mediasoup.
        }
        apply(effects, of: link, now: now, into: &out)
        if isFull { out.report(.dataConsumerBufferFull(dataConsumers[consumer].id)) }
    }

    mutating func extendStreams(of link: SlabIndex, to stream: UInt16, now: Instant, into out: inout Outbox) {
        var effects: [SCTPEffect] = []
        sctpLinks[link].association.extend(to: stream, now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    mutating func resetStream(
        _ stream: UInt16, _ direction: SCTPStreamDirection, of link: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        var effects: [SCTPEffect] = []
        sctpLinks[link].association.reset(stream, direction, now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    // MARK: - Time and end

    mutating func advanceSCTP(to now: Instant, into out: inout Outbox) {
        guard let due = sctpTimer, due <= now else { return }
        sctpTimer = nil
        for slot in 0..<sctpLinks.slotCount {
            guard let link = sctpLinks.index(ofSlot: slot), let deadline = sctpLinks[link].deadline else { continue }
            guard deadline <= now else {
                armSCTP(deadline)
                continue
            }
            var effects: [SCTPEffect] = []
            sctpLinks[link].association.advance(to: now, into: &effects)
            apply(effects, of: link, now: now, into: &out)
        }
    }

    private mutating func armSCTP(_ instant: Instant) { sctpTimer = min(sctpTimer ?? instant, instant) }

    /// A transport closes: its remote side is told while there is a way to it.
    mutating func removeSCTP(_ link: SlabIndex, now: Instant, into out: inout Outbox) {
        var effects: [SCTPEffect] = []
        sctpLinks[link].association.close(into: &effects)
        for case .transmit(let packet) in effects { transmit(packet, of: link, now: now, into: &out) }
        _ = sctpLinks.remove(link)
    }

    // MARK: - Effects

    private mutating func apply(_ effects: [SCTPEffect], of link: SlabIndex, now: Instant, into out: inout Outbox) {
        let transport = sctpLinks[link].transport
        for effect in effects {
            switch effect {
            case .transmit(let packet): transmit(packet, of: link, now: now, into: &out)
            case .received(let message): received(message, on: link, now: now, into: &out)
            case .buffered(let amount): setBuffered(amount, of: transport, into: &out)
            case .streamsReset(let streams):
                guard sctpLinks[link].isDataChannel else { continue }
                // A browser's channel closes in both directions (RFC 8831 §6.7).
                for stream in streams { resetStream(stream, .outgoing, of: link, now: now, into: &out) }
            case .changed(let state):
                out.report(.sctpState(transports[transport].id, state))
                if state == .connected { extendAll(of: link, now: now, into: &out) }
            }
        }
        switch sctpLinks[link].association.state {
        case .new, .failed, .closed: sctpLinks[link].deadline = nil
        case .connecting, .connected:
            let isBusy = !effects.isEmpty || sctpLinks[link].association.bufferedAmount > 0
            sctpLinks[link].touch(now, isBusy: isBusy)
            if let deadline = sctpLinks[link].deadline { armSCTP(deadline) }
        }
    }

    /// What data consumers were given before the remote side could be asked.
    private mutating func extendAll(of link: SlabIndex, now: Instant, into out: inout Outbox) {
        let consumers = transports[sctpLinks[link].transport].dataConsumers
        guard let highest = consumers.compactMap({ dataConsumers[$0].stream?.streamID }).max() else { return }
        extendStreams(of: link, to: UInt16(clamping: highest), now: now, into: &out)
    }

    private mutating func received(_ message: SCTPMessage, on link: SlabIndex, now: Instant, into out: inout Outbox) {
        guard message.ppid != DataMessage.control, let producer = sctpLinks[link].producers[message.stream],
            let message = DataMessage(ppid: message.ppid, payload: message.payload)
        else {
            transports[sctpLinks[link].transport].drops.noDataProducer += 1
            return
        }
        take(message, of: producer, now: now, into: &out)
    }

    private mutating func setBuffered(_ amount: Int, of transport: SlabIndex, into out: inout Outbox) {
        for consumer in transports[transport].dataConsumers {
            let before = dataConsumers[consumer].bufferedAmount
            dataConsumers[consumer].bufferedAmount = amount
            let threshold = dataConsumers[consumer].lowThreshold
            if before > threshold, amount <= threshold {
                out.report(.dataConsumerBufferLow(dataConsumers[consumer].id, amount))
            }
        }
    }

    /// False ways are no matter: what does not get through is sent again.
    private mutating func transmit(_ packet: [UInt8], of link: SlabIndex, now: Instant, into out: inout Outbox) {
        let transport = sctpLinks[link].transport
        if let webRTC = transports[transport].webRTC {
            var effects: [DTLSEffect] = []
            // Not connected any more, or not of a length that fits: neither can be helped here.
            try? webRTCLinks[webRTC].dtls.send(packet.span.bytes, into: &effects)
            apply(effects, of: webRTC, now: now, into: &out)
            return
        }
        guard let path = transports[transport].link.rtpPath else { return }
        if out.send(packet.span.bytes, to: path.remote, on: path.socket) {
            transports[transport].sent.count(packet.count, now: now)
        }
    }
}
