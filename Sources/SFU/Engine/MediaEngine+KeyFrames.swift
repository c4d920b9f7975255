import Base
import RTCP

extension MediaEngine {
    /// A consumer's receiver needs a key frame.
    mutating func requestKeyFrame(by consumer: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[consumer].isActive, transports[consumers[consumer].transport].isConnected else { return }
        requestKeyFrame(of: consumers[consumer].producer, now: now, into: &out)
    }

    /// Asks the source for a key frame, or remembers that it has to be asked. Nothing happens before its stream was
    /// seen, nor when the source has not signalled a way to ask.
    mutating func requestKeyFrame(of index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard producers[index].detectsKeyFrames || producers[index].kind == .video, !producers[index].paused,
            producers[index].keyFrameFeedback != .none, let ssrc = producers[index].stream?.ssrc
        else { return }
        if producers[index].requester.request(now: now) {
            sendKeyFrameRequest(of: index, ssrc: ssrc, now: now, into: &out)
        }
        if let deadline = producers[index].requester.deadline { arm(deadline) }
    }

    /// Sends the requests that were kept.
    mutating func advanceKeyFrameRequest(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard producers[index].requester.advance(to: now), let ssrc = producers[index].stream?.ssrc else { return }
        sendKeyFrameRequest(of: index, ssrc: ssrc, now: now, into: &out)
    }

    /// The sender's SSRC is that of the media: GStreamer looks there.
    private mutating func sendKeyFrameRequest(
        of index: SlabIndex, ssrc: UInt32, now: Instant, into out: inout Outbox
    ) {
        var buffer = InlineArray<32, UInt8>(repeating: 0)
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        var rtcp = RTCPBuilder()
        switch producers[index].keyFrameFeedback {
        case .none: return
        case .pli:
            producers[index].pliCount += 1
            rtcp.pictureLoss(senderSSRC: ssrc, mediaSSRC: ssrc, into: &bytes)
        case .fir:
            producers[index].firCount += 1
            producers[index].firSequence &+= 1
            rtcp.fullIntraRequest(
                senderSSRC: ssrc, mediaSSRC: ssrc, sequence: producers[index].firSequence, into: &bytes)
        }
        let compound = bytes.bytes.extracting(0..<rtcp.length)
        if !sendRTCP(compound, by: producers[index].transport, now: now, into: &out) {
            producers[index].requester.postpone()
        }
    }

    /// One compound, when the transport knows where to. False: no room in the outbox.
    mutating func sendRTCP(
        _ compound: RawSpan, by transport: SlabIndex, now: Instant, into out: inout Outbox
    ) -> Bool {
        guard let path = transports[transport].feedbackPath else { return true }
        guard out.send(compound, to: path.remote, on: path.local.socket) else { return false }
        transports[transport].sent.count(compound.byteCount, now: now)
        return true
    }
}
