import Base
import PipelineControl
import RTCP
import RTP

/// One stream that a recording receives: from packets to frames that a decoder can use. Belongs to the main thread.
final class RecordTrack {
    /// How often a key frame is asked for while one is missing.
    static let requestInterval = Duration.seconds(1)
    /// The end is told on another way than packets take, and may come before the last ones do. When nothing has come
    /// for so long, nothing is under way: an SFU holds packets for milliseconds, a busy machine for some tens of them.
    static let quiet = Duration.milliseconds(200)
    /// A sender that goes on all the same is not waited for any longer.
    static let longestEnding = Duration.milliseconds(500)

    let plan: ReceiveTrack
    let codec: PayloadCodec
    let position: Int
    let stream: StreamSynchronizer.StreamID
    private var depacketizer: Depacketizer
    private var jitter = JitterBuffer()
    private var statistics: ReceptionStatistics
    private var lastRequest: Instant?
    /// Frames that a decoder could not use: damaged, or behind damage.
    private var leftOut = 0
    /// Frames behind a loss are of no use before the next key frame.
    private var awaitsKeyFrame: Bool
    /// When the end was told, and when the last packet came.
    private var endToldAt: Instant?
    private var lastArrival: Instant?
    private(set) var hasEnded = false
    private(set) var packets = 0
    private(set) var bytes = 0
    private var bytesAtProgress = 0
    var frames = 0

    var isVideo: Bool { codec != .opus }

    /// For messages: which track it is.
    var subject: String { "\(isVideo ? "video" : "audio") track \(plan.id) (\(plan.codec.mimeType))" }

    init(
        _ plan: ReceiveTrack, position: Int, synchronizer: inout StreamSynchronizer
    ) throws(PipelineFailure) {
        self.plan = plan
        self.position = position
        codec = PayloadCodec(mimeType: plan.codec.mimeType)
        guard let depacketizer = Depacketizer(codec: codec) else {
            throw PipelineFailure(
                code: .media,
                message: "track \(plan.id) can't be recorded: \(plan.codec.mimeType) is none of Opus, VP8, VP9, H264")
        }
        guard plan.codec.clockRate > 0 else {
            throw PipelineFailure(
                code: .protocolError, message: "track \(plan.id) has a clock rate of \(plan.codec.clockRate)")
        }
        self.depacketizer = depacketizer
        statistics = ReceptionStatistics(clockRate: plan.codec.clockRate)
        stream = synchronizer.addStream(clockRate: plan.codec.clockRate, cname: plan.cname.isEmpty ? nil : plan.cname)
        awaitsKeyFrame = codec != .opus
    }

    /// A packet of the stream came.
    func receive(
        _ datagram: RawSpan, _ header: RTPHeader, at now: Instant, _ synchronizer: inout StreamSynchronizer
    ) -> [AccessUnit] {
        guard !hasEnded, header.payloadType == plan.payloadType else { return [] }
        packets += 1
        lastArrival = now
        bytes += datagram.byteCount
        statistics.receive(sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, at: now)
        var out: [JitterBuffer.Output] = []
        jitter.receive(datagram.withUnsafeBytes { [UInt8]($0) }, header, at: now, into: &out)
        return take(out, &synchronizer)
    }

    var nextDeadline: Instant? { jitter.nextDeadline }

    func advance(to now: Instant, _ synchronizer: inout StreamSynchronizer) -> [AccessUnit] {
        var out: [JitterBuffer.Output] = []
        jitter.advance(to: now, into: &out)
        return take(out, &synchronizer)
    }

    // MARK: The end

    /// Its source has ended; the last packets may still be under way.
    func noteEnding(at now: Instant) { endToldAt = endToldAt ?? now }

    var isEnding: Bool { endToldAt != nil }

    /// Whether the last packet of a track that is ending must have come.
    func isOver(at now: Instant) -> Bool {
        guard !hasEnded, let told = endToldAt else { return false }
        return now - max(told, lastArrival ?? told) >= Self.quiet || now - told >= Self.longestEnding
    }

    /// Nothing more will come: what still waits goes out.
    func end(_ synchronizer: inout StreamSynchronizer) -> [AccessUnit] {
        guard !hasEnded else { return [] }
        hasEnded = true
        var out: [JitterBuffer.Output] = []
        jitter.flush(into: &out)
        var units = take(out, &synchronizer)
        var last: [AccessUnit] = []
        depacketizer.end(into: &last)
        units += last.filter { isUsable($0) }
        if leftOut > 0 { log("\(subject): \(leftOut) frames were left out, damaged or behind damage") }
        return units
    }

    private func take(_ out: [JitterBuffer.Output], _ synchronizer: inout StreamSynchronizer) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for output in out {
            guard case .packet(let packet) = output else {
                // Told before the packets behind it: a key frame that ends the damage may be among those already.
                awaitsKeyFrame = isVideo
                continue
            }
            var finished: [AccessUnit] = []
            packet.bytes.withUnsafeBytes { bytes in
                let payload = bytes.bytes.extracting(packet.header.payloadRange)
                depacketizer.receive(payload, of: packet.header, index: packet.index, into: &finished)
            }
            units += finished.filter { isUsable($0) }
            // By the packet, not by the frame: the first report may come before the first frame is whole.
            anchor(packet, &synchronizer)
        }
        return units
    }

    private var timestamps = TimestampUnwrapper()

    private func anchor(_ packet: JitterBuffer.Packet, _ synchronizer: inout StreamSynchronizer) {
        guard packet.header.payloadLength > 0 else { return }
        synchronizer.receive(timestamp: timestamps.unwrap(packet.header.timestamp), at: packet.arrival, on: stream)
    }

    private func isUsable(_ unit: AccessUnit) -> Bool {
        guard isVideo else { return true }
        if !unit.isComplete {
            awaitsKeyFrame = true
        } else if unit.isKeyFrame {
            awaitsKeyFrame = false
        } else if depacketizer.needsKeyFrame {
            awaitsKeyFrame = true
        }
        if awaitsKeyFrame { leftOut += 1 }
        return !awaitsKeyFrame
    }

    // MARK: RTCP

    func senderReport(_ ntp: NTPTime, at now: Instant) { statistics.senderReport(ntp, at: now) }

    /// A report block of what came; nil before the first packet.
    func report(at now: Instant) -> ReportBlock? {
        statistics.hasReceived && !hasEnded ? statistics.makeReport(ssrc: plan.ssrc, now: now) : nil
    }

    /// Whether a key frame shall be asked for now.
    func takeKeyFrameRequest(at now: Instant) -> Bool {
        guard isVideo, !hasEnded, packets > 0, awaitsKeyFrame else { return false }
        if let lastRequest, now - lastRequest < Self.requestInterval { return false }
        lastRequest = now
        return true
    }

    /// The account.
    /// - Parameter interval: since the last account; since the start for the last one, whose bitrate is the whole's.
    func progress(over interval: Duration, isLast: Bool) -> PipelineProgress.Track {
        let seconds = interval.seconds
        let bitrate = seconds > 0 ? Double((isLast ? bytes : bytes - bytesAtProgress) * 8) / seconds : 0
        bytesAtProgress = bytes
        return PipelineProgress.Track(
            id: plan.id, packets: packets, bytes: bytes, frames: frames, bitrateBitsPerSecond: Int(bitrate),
            packetsLost: Int(max(0, statistics.packetsLost)))
    }
}
