import Base
import ORTC

// Consumers of types simulcast and svc: which layers they aim at, and how they get from one to another.
//
//     reconsider:  what is there, what is wanted  →  target
//         same stream                             →  the filter aims at it
//         another stream, nothing is running      →  the sender reads that one, and starts there
//         another stream, something is running    →  a wish: the sender goes on, until in a flush `adopt` finds a group
//                                                    of pictures to begin with, cached or just begun
extension MediaEngine {
    /// What a consumer's packets go through; nil for one without layers.
    func layerRewriter(of consumer: SlabIndex, firstSequence: UInt16) -> LayerRewriter {
        let parameters = consumers[consumer].rtpParameters
        return LayerRewriter(
            isSVC: consumers[consumer].type == .svc, isKSVC: consumers[consumer].layers?.isKSVC ?? false,
            clockRate: parameters.codecs.first?.clockRate ?? 90_000, firstSequence: firstSequence)
    }

    /// Whether something goes out now, as far as layers tell.
    func isForwarding(_ consumer: SlabIndex) -> Bool {
        guard let layers = consumers[consumer].layers else { return true }
        return layers.isSVC || layers.current != nil
    }

    // MARK: - Aiming

    /// Looks anew at which layers a consumer should get. Nothing happens to others, nor to paused ones.
    /// - Parameter isForced: The wish itself has changed.
    mutating func reconsider(_ index: SlabIndex, isForced: Bool = false, now: Instant, into out: inout Outbox) {
        guard let layers = consumers[index].layers, consumers[index].isActive else { return }
        let transport = consumers[index].transport
        guard transports[transport].bandwidth.outgoing != nil else {
            settle(index, now: now, into: &out)
            return
        }
        // Others on the path have a say: they are bothered when the spatial layer would be another one.
        let wanted = LayerLimit.upTo(layers.preference.preferred)
        let target = LayerChoice(layers.preference, limit: wanted).target(layerStates(of: index, now: now))
        guard isForced || target?.spatialLayer != layers.target?.spatialLayer else { return }
        distributeBandwidth(of: transport, now: now, into: &out)
    }

    /// Aims at what can be had within the consumer's limit.
    mutating func settle(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard let layers = consumers[index].layers, let sender = consumers[index].senders.first,
            consumers[index].isActive, transports[consumers[index].transport].isConnected
        else { return }
        let choice = LayerChoice(layers.preference, limit: consumers[index].share.limit)
        let target = choice.target(layerStates(of: index, now: now))
        guard target != layers.target else { return }
        guard let target else {
            senders[sender].stop()
            forgetTarget(of: index, into: &out)
            return
        }
        consumers[index].layers?.target = target
        if layers.isSVC {
            let needsKeyFrame = senders[sender].forwarder.layers?.aim(at: target) ?? false
            if senders[sender].forwarder.flow == .stopped {
                startSender(sender, now: now, into: &out)
            } else if needsKeyFrame {
                requestKeyFrame(of: senders[sender].stream, now: now, into: &out)
            }
        } else {
            if layers.reference == nil { consumers[index].layers?.reference = Int(target.spatialLayer) }
            aim(sender, at: target, of: consumers[index].producer, now: now, into: &out)
        }
    }

    private mutating func aim(
        _ sender: SlabIndex, at target: ConsumerLayers, of producer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let stream = producers[producer].streams[Int(target.spatialLayer)]
        if senders[sender].stream == stream {
            withdrawWish(of: sender)
            _ = senders[sender].forwarder.layers?.aim(at: target)
            if senders[sender].forwarder.flow == .stopped { startSender(sender, now: now, into: &out) }
        } else if senders[sender].forwarder.flow == .running {
            wish(sender, for: stream, now: now, into: &out)
        } else {
            withdrawWish(of: sender)
            attach(sender, to: stream)
            _ = senders[sender].forwarder.layers?.aim(at: target)
            startSender(sender, now: now, into: &out)
        }
    }

    /// Paused, or nothing is left: it is told when something had been forwarded.
    mutating func forgetTarget(of index: SlabIndex, into out: inout Outbox) {
        guard let layers = consumers[index].layers else { return }
        for sender in consumers[index].senders { withdrawWish(of: sender) }
        consumers[index].layers?.target = nil
        consumers[index].layers?.current = nil
        if layers.current != nil { out.report(.consumerLayers(consumers[index].id, nil)) }
    }

    // MARK: - From stream to stream

    /// Asks for a key frame of another stream, unless a cached one will do; the sender reads its own until then.
    private mutating func wish(
        _ sender: SlabIndex, for stream: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        if senders[sender].wish?.stream == stream { return }
        withdrawWish(of: sender)
        senders[sender].wish = LayerWish(stream: stream, since: now)
        streams[stream].candidates.append(sender)
        if cachedGroup(of: stream, for: sender, now: now) != nil {
            wake(stream, at: now)
        } else {
            requestKeyFrame(of: stream, now: now, into: &out)
        }
    }

    mutating func withdrawWish(of sender: SlabIndex) {
        guard let wish = senders[sender].wish else { return }
        senders[sender].wish = nil
        if streams.contains(wish.stream) { streams[wish.stream].candidates.removeAll { $0 == sender } }
    }

    /// What a candidate may begin with now; nil: it has to wait.
    private func cachedGroup(of stream: SlabIndex, for sender: SlabIndex, now: Instant) -> GOPCache.Start? {
        guard let wish = senders[sender].wish, let gop = streams[stream].gop.start(in: streams[stream].log, now: now)
        else { return nil }
        // Just come, or nothing else is to be had.
        if gop.arrival >= wish.since || streams[senders[sender].stream].isDead { return gop }
        let available = transports[senders[sender].transport].bandwidth.outgoing?.availableBitrate
        let isWorthwhile = configuration.cachedSwitch.isWorthwhile(
            age: now - gop.arrival, bytes: streams[stream].log.head - gop.position, bitsPerSecond: available)
        return isWorthwhile ? gop : nil
    }

    /// A flush takes over those who waited for this stream. What their old one still has goes out before.
    /// True: the outbox is full.
    mutating func adopt(into stream: SlabIndex, now: Instant, into out: inout Outbox) -> Bool {
        var place = 0
        while place < streams[stream].candidates.count {
            let sender = streams[stream].candidates[place]
            guard cachedGroup(of: stream, for: sender, now: now) != nil else {
                place += 1
                continue
            }
            if serve(sender, of: senders[sender].stream, live: true, now: now, into: &out) { return true }
            streams[stream].candidates.remove(at: place)
            senders[sender].wish = nil
            attach(sender, to: stream)
            if let target = consumers[senders[sender].consumer].layers?.target {
                _ = senders[sender].forwarder.layers?.aim(at: target)
            }
            // Losses of the other stream say nothing about this one.
            senders[sender].reports.streamChanged()
            _ = startAtKeyFrame(sender, stream, now: now)
        }
        return false
    }

    /// Lets a sender read another stream, from a beginning of its own.
    private mutating func attach(_ sender: SlabIndex, to stream: SlabIndex) {
        guard senders[sender].stream != stream else { return }
        detach(sender)
        senders[sender].stream = stream
        senders[sender].catchUp.end()
        senders[sender].forwarder.forgetPlace()
        streams[stream].senders.append(sender)
    }

    /// What brings a stream's timestamps onto the line of a sender's receiver; nil: nobody knows.
    func timestampOffset(of stream: SlabIndex, for sender: SlabIndex) -> UInt32? {
        let consumer = senders[sender].consumer
        guard let layers = consumers[consumer].layers, !layers.isSVC, let place = layers.reference else { return 0 }
        let reference = producers[consumers[consumer].producer].streams[place]
        if reference == stream { return 0 }
        guard let line = streams[stream].senderLine, let to = streams[reference].senderLine else { return nil }
        return line.offset(to: to)
    }

    // MARK: - What is told

    /// Packets went out: if these are of other layers than before, that is an event, and of another stream a score.
    mutating func reportLayers(of sender: SlabIndex, now: Instant, into out: inout Outbox) {
        let consumer = senders[sender].consumer
        if senders[sender].forwarder.layers?.takeMissedClimb() ?? false {
            requestKeyFrame(of: senders[sender].stream, now: now, into: &out)
        }
        guard let current = senders[sender].forwarder.layers?.current, let layers = consumers[consumer].layers,
            current != layers.current
        else { return }
        consumers[consumer].layers?.current = current
        if layers.beginning == nil { consumers[consumer].layers?.beginning = now }
        out.report(.consumerLayers(consumers[consumer].id, current))
        guard !layers.isSVC, layers.current?.spatialLayer != current.spatialLayer else { return }
        out.report(.consumerScore(consumers[consumer].id, score(of: consumer)))
    }
}
