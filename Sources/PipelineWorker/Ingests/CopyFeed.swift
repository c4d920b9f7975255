import Base
import LibAV

/// Sends coded frames as they are.
final class CopyFeed: TrackFeed {
    private let plan: TrackPlan
    private let output: TrackOutput
    private let timeline: Timeline
    private let annexB: AnnexB?
    private var h264 = H264Stream()
    private var mishaps: Mishaps
    private var last: Duration?
    private var lastDuration: Duration
    /// Decoders can't begin with anything else.
    private var hasKeyFrame: Bool

    init(_ plan: TrackPlan, output: TrackOutput, timeline: Timeline) throws(LibAVError) {
        self.plan = plan
        self.output = output
        self.timeline = timeline
        annexB = plan.packetizer == .h264 ? try AnnexB(plan.stream) : nil
        if plan.packetizer == .h264 { h264 = H264Stream(extradata: plan.stream.parameters.extradata) }
        mishaps = Mishaps(subject: plan.stream.description)
        hasKeyFrame = plan.packetizer == .opus
        lastDuration = plan.packetizer == .opus ? .milliseconds(20) : plan.stream.frameDuration
    }

    func take(_ packet: Packet) throws(LibAVError) -> Bool {
        if packet.isCorrupt, packet.size == 0 {
            mishaps.note("an empty packet was left out")
            return true
        }
        guard let annexB else { return try send(packet) }
        let units: [Packet]
        do throws(LibAVError) {
            units = try annexB.units(of: packet)
        } catch {
            mishaps.note("a broken packet was left out: \(error.cause)")
            return true
        }
        for unit in units {
            let bytes = h264.withParameterSets(unit.bytes)
            let duration = unit.duration
            let whole = try Packet(
                copying: bytes, presentation: unit.presentation ?? unit.decoding, duration: duration, isKey: unit.isKey)
            guard try send(whole) else { return false }
        }
        return true
    }

    private func send(_ packet: Packet) throws(LibAVError) -> Bool {
        if packet.isKey { hasKeyFrame = true }
        guard hasKeyFrame else {
            mishaps.note("a frame before the first key frame was left out")
            return true
        }
        if plan.packetizer == .opus, packet.size > RTPLimits.payload {
            mishaps.note("an Opus packet of \(packet.size) bytes was left out: it fits into no RTP packet")
            return true
        }
        if packet.duration > .zero { lastDuration = packet.duration }
        let time = timeline.time(
            of: packet.presentation ?? packet.decoding, track: plan.stream.index, after: last, usual: lastDuration)
        if let last, time < last { mishaps.note("a frame is older than the one before it") }
        last = time
        timeline.noteEnd(time + lastDuration)
        return try output.send(packet, at: time, duration: lastDuration)
    }

    func endRound() throws(LibAVError) -> Bool { true }

    func finish() throws(LibAVError) -> Bool { true }
}

extension InputStream {
    /// How long one frame stands on average; 1/25 s when the file does not say.
    var frameDuration: Duration {
        guard let frameRate, frameRate.isFinite, frameRate > 0.1, frameRate <= 1000 else { return .milliseconds(40) }
        return .nanoseconds(Int64(1e9 / frameRate))
    }
}
