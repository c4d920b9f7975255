import Base
import RTCP

extension MediaEngine {
    /// A consumer's receiver needs a key frame.
    mutating func requestKeyFrame(by consumer: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[consumer].isActive, transports[consumers[consumer].transport].isConnected else { return }
        for place in consumers[consumer].senders.indices {
            requestKeyFrame(bySender: consumers[consumer].senders[place], now: now, into: &out)
        }
    }

    /// The receiver of one outgoing stream asks.
    mutating func requestKeyFrame(bySender index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[senders[index].consumer].isActive, transports[senders[index].transport].isConnected else {
            return
        }
        if let wish = senders[index].wish { requestKeyFrame(of: wish.stream, now: now, into: &out) }
        // A stream of which nothing is wanted is not asked.
        if consumers[senders[index].consumer].layers != nil, senders[index].forwarder.flow == .stopped { return }
        requestKeyFrame(of: senders[index].stream, now: now, into: &out)
    }

    /// Asks the source for a key frame, or remembers that it has to be asked. Nothing happens before its stream was
    /// seen, nor when the source has not signalled a way to ask.
    /// - Parameter isForced: The producer's own delay does not hold.
    mutating func requestKeyFrame(
        of index: SlabIndex, isForced: Bool = false, now: Instant, into out: inout Outbox
    ) {
        guard streams[index].detectsKeyFrames || streams[index].kind == .video,
            !producers[streams[index].producer].paused,
            streams[index].keyFrameFeedback != .none, let ssrc = streams[index].reception?.ssrc
        else { return }
        let isDue =
            isForced ? streams[index].requester.force(now: now) : streams[index].requester.request(now: now)
        if isDue {
            sendKeyFrameRequest(of: index, ssrc: ssrc, now: now, into: &out)
        }
        if let deadline = streams[index].requester.deadline { arm(deadline) }
    }

    /// Sends the requests that were kept.
    mutating func advanceKeyFrameRequest(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard streams[index].requester.advance(to: now), let ssrc = streams[index].reception?.ssrc else { return }
        sendKeyFrameRequest(of: index, ssrc: ssrc, now: now, into: &out)
    }

    /// The sender's SSRC is that of the media: GStreamer looks there.
    private mutating func sendKeyFrameRequest(
        of index: SlabIndex, ssrc: UInt32, now: Instant, into out: inout Outbox
    ) {
        if let link = producers[streams[index].producer].link {
            streams[index].pliCount += 1
            if link.wantKeyFrame(streams[index].encodingIndex) { linkNotes.append(LinkNote(link: link, way: .up)) }
            return
        }
        var buffer = InlineArray<32, UInt8>(repeating: 0)
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        var rtcp = RTCPBuilder()
        switch streams[index].keyFrameFeedback {
        case .none: return
        case .pli:
            streams[index].pliCount += 1
            trace(.pli, ssrc: ssrc, toSourceOf: index, now: now, into: &out)
            rtcp.pictureLoss(senderSSRC: ssrc, mediaSSRC: ssrc, into: &bytes)
        case .fir:
            streams[index].firCount += 1
            trace(.fir, ssrc: ssrc, toSourceOf: index, now: now, into: &out)
            streams[index].firSequence &+= 1
            rtcp.fullIntraRequest(
                senderSSRC: ssrc, mediaSSRC: ssrc, sequence: streams[index].firSequence, into: &bytes)
        }
        let compound = bytes.bytes.extracting(0..<rtcp.length)
        if !sendRTCP(compound, by: streams[index].transport, now: now, into: &out) {
            streams[index].requester.postpone()
        }
    }

    /// One compound, when the transport knows where to. False: no room in the outbox.
    mutating func sendRTCP(
        _ compound: RawSpan, by transport: SlabIndex, now: Instant, into out: inout Outbox
    ) -> Bool {
        guard let path = transports[transport].link.feedbackPath else { return true }
        guard transports[transport].security != nil else {
            guard out.send(compound, to: path.remote, on: path.socket) else { return false }
            transports[transport].sent.count(compound.byteCount, now: now)
            return true
        }
        switch out.send(compound, under: &transports[transport].security, to: path.remote, on: path.socket) {
        case .sent(let size): transports[transport].sent.count(size, now: now)
        case .unprotected: transports[transport].drops.unprotected += 1
        case .full: return false
        }
        return true
    }
}
