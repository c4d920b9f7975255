import Base
import Glibc
import LibAV

/// Decodes pictures and encodes them for live viewers.
final class VideoTranscodeFeed: TrackFeed {
    /// Faster than 60 fps, with room for times that are rounded to milliseconds.
    private static let shortestFrame = Duration.microseconds(13_300)

    private let stream: InputStream
    private let target: VideoSettings.Codec
    private let output: TrackOutput
    private let timeline: Timeline
    private let decoder: Decoder
    private var scaler: Scaler?
    private var encoder: Encoder?
    private var mishaps: Mishaps
    private var last: Duration?
    private var lastDuration: Duration
    private var lastKeyFrame: Duration?

    init(_ plan: TrackPlan, output: TrackOutput, timeline: Timeline) throws(LibAVError) {
        stream = plan.stream
        target = plan.packetizer == .h264 ? .h264 : .vp8
        self.output = output
        self.timeline = timeline
        decoder = try Decoder(plan.stream)
        mishaps = Mishaps(subject: plan.stream.description)
        lastDuration = plan.stream.frameDuration
    }

    func take(_ packet: Packet) throws(LibAVError) -> Bool {
        do throws(LibAVError) {
            try decoder.send(packet)
        } catch {
            mishaps.note("a packet can't be decoded: \(error.cause)")
        }
        return try drainDecoder()
    }

    func endRound() throws(LibAVError) -> Bool {
        defer { decoder.flush() }
        try? decoder.send(nil)
        return try drainDecoder()
    }

    func finish() throws(LibAVError) -> Bool {
        guard let encoder else { return true }
        try encoder.send(nil)
        return try drainEncoder(encoder)
    }

    private func drainDecoder() throws(LibAVError) -> Bool {
        while true {
            let frame: Frame?
            do throws(LibAVError) {
                frame = try decoder.receive()
            } catch {
                mishaps.note("a picture can't be decoded: \(error.cause)")
                return true
            }
            guard let frame else { return true }
            guard try send(frame) else { return false }
        }
    }

    private func send(_ frame: Frame) throws(LibAVError) -> Bool {
        if frame.duration > .zero { lastDuration = frame.duration }
        let time = timeline.time(of: frame.presentation, track: stream.index, after: last, usual: lastDuration)
        if let last, time < last + Self.shortestFrame { return true }
        last = time
        timeline.noteEnd(time + lastDuration)
        let picture = try prepare(frame)
        picture.presentation = time
        if encoder == nil { encoder = try makeEncoder(like: picture) }
        guard let encoder else { return true }
        // A frame count makes no interval of a file whose frame rate varies: time does.
        var isKey = output.isKeyFrameWanted
        if let lastKeyFrame, time - lastKeyFrame >= .seconds(2) { isKey = true }
        try encoder.send(picture, asKeyFrame: isKey)
        return try drainEncoder(encoder)
    }

    private func drainEncoder(_ encoder: Encoder) throws(LibAVError) -> Bool {
        while let packet = try encoder.receive() {
            let time = packet.presentation ?? last ?? .zero
            if packet.isKey { lastKeyFrame = time }
            guard try output.send(packet, at: time, duration: lastDuration) else { return false }
        }
        return true
    }

    // MARK: Size

    /// Upright, with square pixels, even, and no larger than two cores can encode in time.
    private func prepare(_ frame: Frame) throws(LibAVError) -> Frame {
        let scaler = self.scaler ?? makeScaler(for: frame)
        self.scaler = scaler
        return try scaler.scale(frame).turned(by: stream.rotation)
    }

    private func makeScaler(for frame: Frame) -> Scaler {
        var (width, height) = (Double(frame.width), Double(frame.height))
        let aspect = stream.parameters.pixelAspect
        if aspect.isFinite, aspect > 0.1, aspect < 10 { width *= aspect }
        let shrink = min(1, 1920 / max(width, height), 1080 / min(width, height))
        (width, height) = (width * shrink, height * shrink)
        return Scaler(width: max(2, Int(width) & ~1), height: max(2, Int(height) & ~1))
    }

    private func makeEncoder(like picture: Frame) throws(LibAVError) -> Encoder {
        let rate = min(60, 1 / stream.frameDuration.seconds)
        return try Encoder(
            VideoSettings(
                codec: target, width: picture.width, height: picture.height, framesPerSecond: rate,
                bitrateBitsPerSecond: VideoBitrate.sensible(
                    width: picture.width, height: picture.height, framesPerSecond: rate)))
    }
}

enum VideoBitrate {
    /// 800 kb/s for 640x360 and 2 Mb/s for 1280x720 at 30 fps: detail grows slower than area, and motion slower
    /// than the frame rate.
    static func sensible(width: Int, height: Int, framesPerSecond: Double) -> Int {
        let area = Double(max(1, width * height)) / (640 * 360)
        let motion = max(0.6, min(1.5, (framesPerSecond / 30).squareRoot()))
        let root = cbrt(area)
        return Int(800_000 * root * root * motion)
    }
}
