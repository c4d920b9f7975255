import Base
import LibAV

/// Decodes sound and encodes it as Opus, 48 kHz stereo, without losing its place in time.
final class AudioTranscodeFeed: TrackFeed {
    private static let rate: Int64 = 48_000
    /// Half of what people notice: smaller errors are rounding of containers that count in milliseconds.
    private static let tolerance: Int64 = 960
    /// A longer hole stays one: silence for it would only be work.
    private static let longestSilence: Int64 = rate
    static let bitrateBitsPerSecond = 96_000

    private let stream: InputStream
    private let output: TrackOutput
    private let timeline: Timeline
    private let decoder: Decoder
    private let resampler = Resampler()
    private let encoder: Encoder
    private var mishaps: Mishaps
    /// Samples that wait for a whole frame, left and right in turn.
    private var waiting: [Float] = []
    /// Media time of the first waiting sample, in samples.
    private var start: Int64?
    private var last: Duration?

    init(_ plan: TrackPlan, output: TrackOutput, timeline: Timeline) throws(LibAVError) {
        stream = plan.stream
        self.output = output
        self.timeline = timeline
        decoder = try Decoder(plan.stream, threads: 1)
        encoder = try Encoder(opusBitrateBitsPerSecond: Self.bitrateBitsPerSecond)
        mishaps = Mishaps(subject: plan.stream.description)
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
        waiting += try resampler.resample(nil)
        let frame = encoder.frameSize * 2
        if !waiting.isEmpty, frame > 0 {
            waiting += Array(repeating: 0, count: (frame - waiting.count % frame) % frame)
        }
        guard try encodeWaiting() else { return false }
        try encoder.send(nil)
        return try drainEncoder()
    }

    private func drainDecoder() throws(LibAVError) -> Bool {
        while true {
            let frame: Frame?
            do throws(LibAVError) {
                frame = try decoder.receive()
            } catch {
                mishaps.note("sound can't be decoded: \(error.cause)")
                return true
            }
            guard let frame else { return true }
            guard try send(frame) else { return false }
        }
    }

    private func send(_ frame: Frame) throws(LibAVError) -> Bool {
        guard frame.sampleCount > 0, frame.sampleRate > 0 else { return true }
        let expected = start.map { $0 + Int64(waiting.count / 2 + resampler.delay) }
        var skipped = 0
        let length = Duration.nanoseconds(Int64(frame.sampleCount) * 1_000_000_000 / Int64(frame.sampleRate))
        let time = timeline.time(of: frame.presentation, track: stream.index, after: last, usual: length)
        last = time
        let target = Self.samples(time)
        if let expected {
            let gap = target - expected
            if gap > Self.longestSilence {
                guard try jump(to: target) else { return false }
            } else if gap > Self.tolerance {
                waiting += Array(repeating: 0, count: Int(gap) * 2)
            } else if gap < -Self.tolerance {
                skipped = Int(-gap) * 2
            }
        } else {
            start = target
        }
        waiting += try resampler.resample(frame).dropFirst(skipped)
        timeline.noteEnd(Self.time((start ?? 0) + Int64(waiting.count / 2)))
        return try encodeWaiting()
    }

    /// Ends what waits with silence and goes on at another place.
    private func jump(to target: Int64) throws(LibAVError) -> Bool {
        waiting += try resampler.resample(nil)
        let frame = encoder.frameSize * 2
        waiting += Array(repeating: 0, count: (frame - waiting.count % frame) % frame)
        guard try encodeWaiting() else { return false }
        start = max(target, start ?? target)
        return true
    }

    private func encodeWaiting() throws(LibAVError) -> Bool {
        let frame = encoder.frameSize * 2
        guard frame > 0, var start else { return true }
        var used = 0
        while waiting.count - used >= frame {
            let samples = try Frame(interleaved: waiting[used..<used + frame])
            samples.presentation = Self.time(start)
            try encoder.send(samples)
            used += frame
            start += Int64(frame / 2)
            guard try drainEncoder() else { return false }
        }
        waiting.removeFirst(used)
        self.start = start
        return true
    }

    private func drainEncoder() throws(LibAVError) -> Bool {
        while let packet = try encoder.receive() {
            // The encoder's look-ahead is already in the packet's time.
            guard try output.send(packet, at: packet.presentation ?? .zero, duration: .milliseconds(20)) else {
                return false
            }
        }
        return true
    }

    private static func samples(_ time: Duration) -> Int64 {
        let (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return seconds * rate + (rest * rate + (rest < 0 ? -500_000_000 : 500_000_000)) / 1_000_000_000
    }

    private static func time(_ samples: Int64) -> Duration {
        let (seconds, rest) = samples.quotientAndRemainder(dividingBy: rate)
        return .seconds(seconds) + .nanoseconds(rest * 1_000_000_000 / rate)
    }
}
