import Base
import Glibc
import LibAV
import PipelineControl

/// The feeding thread of the built-in source: draws, sounds and encodes as it goes.
final class TestFeed {
    private static let rate = 48_000
    private static let samplesPerFrame = 960

    private let source: TestSource
    private let exchange: IngestExchange

    /// Runs to the end; what happens is told through the exchange.
    static func run(_ job: IngestJob, source: TestSource, exchange: IngestExchange) {
        do throws(PipelineFailure) {
            try TestFeed(source, exchange: exchange).run(job)
        } catch {
            exchange.tell(.failed(error))
        }
    }

    private init(_ source: TestSource, exchange: IngestExchange) throws(PipelineFailure) {
        let limits: [(String, Int, ClosedRange<Int>)] = [
            ("width", source.width, 160...3840), ("height", source.height, 90...2160),
            ("frame rate", source.framesPerSecond, 5...60),
        ]
        for (name, value, range) in limits where !range.contains(value) {
            throw PipelineFailure(
                code: .cannotOpen,
                message:
                    "the test source's \(name) of \(value) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        if let seconds = source.seconds, !(seconds > 0 && seconds < 1e9) {
            throw PipelineFailure(code: .cannotOpen, message: "the test source can't last \(seconds) s")
        }
        // 4:2:0 wants even sizes.
        self.source = TestSource(
            width: source.width & ~1, height: source.height & ~1, framesPerSecond: source.framesPerSecond,
            seconds: source.seconds)
        self.exchange = exchange
    }

    private func run(_ job: IngestJob) throws(PipelineFailure) {
        let router = RouterCodecs(codecs: job.routerCodecs)
        let video = router.target(
            wish: job.videoCodec, width: source.width, height: source.height,
            framesPerSecond: Double(source.framesPerSecond))
        var tracks: [SourceTrack] = []
        if let video {
            tracks.append(
                SourceTrack(
                    index: 0, kind: .video,
                    description: "test picture, \(source.width)x\(source.height), \(source.framesPerSecond) fps",
                    treatment: .transcode, reason: "the picture is drawn here and encoded to \(video.name)",
                    codec: video.codec, answersKeyFrameRequests: true))
        }
        if let opus = router.opus {
            tracks.append(
                SourceTrack(
                    index: tracks.count, kind: .audio, description: "test tone, 48000 Hz, 2 channels",
                    treatment: .transcode, reason: "the tone is made here and encoded to Opus", codec: opus,
                    answersKeyFrameRequests: false))
        }
        guard !tracks.isEmpty else {
            throw PipelineFailure(
                code: .noPlayableTrack,
                message: "the test source can't be played: the router carries no Opus, VP8 or H264 Constrained Baseline"
            )
        }
        exchange.tell(.opened(OpenedSource(durationSeconds: job.loop ? nil : source.seconds, tracks: tracks)))
        guard let wires = exchange.awaitWire(tracks: tracks.count) else { return }
        do throws(LibAVError) {
            try play(tracks, wires, video, loop: job.loop)
        } catch {
            throw PipelineFailure(code: .media, message: "test source: \(error)")
        }
    }

    // MARK: Playing

    private func play(
        _ tracks: [SourceTrack], _ wires: [WireTrack], _ plan: VideoPlan?, loop: Bool
    ) throws(LibAVError) {
        var picture: Picture?
        var tone: Tone?
        for wire in wires where tracks.indices.contains(wire.track) {
            if tracks[wire.track].kind == .video, let plan {
                let output = try TrackOutput(plan.packetizer, clockRate: 90_000, wire: wire, exchange: exchange)
                picture = try Picture(source, codec: plan.encoder, output: output)
            } else {
                tone = try Tone(TrackOutput(.opus, clockRate: Self.rate, wire: wire, exchange: exchange))
            }
        }
        let rate = source.framesPerSecond
        let frames = loop ? nil : source.seconds.map { max(1, Int(($0 * Double(rate)).rounded())) }
        var frame = 0
        while frames.map({ frame < $0 }) ?? true {
            // Sound up to the picture's own time, so that both are prepared alike.
            while let next = tone?.position, next * Int64(rate) <= Int64(frame) * Int64(Self.rate) {
                guard try tone?.send() ?? true else { return }
            }
            guard try picture?.send(frame) ?? !exchange.isStopped else { return }
            frame += 1
        }
        let end = Int64(frame) * Int64(Self.rate) / Int64(rate)
        while let next = tone?.position, next < end { guard try tone?.send() ?? true else { return } }
        guard try tone?.finish() ?? true else { return }
        exchange.end(at: .nanoseconds(Int64(frame) * 1_000_000_000 / Int64(rate)))
    }

    /// The drawn track.
    private final class Picture {
        private let pattern: TestPattern
        private let encoder: Encoder
        private let output: TrackOutput

        init(_ source: TestSource, codec: VideoSettings.Codec, output: TrackOutput) throws(LibAVError) {
            pattern = TestPattern(
                width: source.width, height: source.height, framesPerSecond: source.framesPerSecond)
            let rate = Double(source.framesPerSecond)
            encoder = try Encoder(
                VideoSettings(
                    codec: codec, width: source.width, height: source.height, framesPerSecond: rate,
                    bitrateBitsPerSecond: VideoBitrate.sensible(
                        width: source.width, height: source.height, framesPerSecond: rate)))
            self.output = output
        }

        func send(_ number: Int) throws(LibAVError) -> Bool {
            let frame = try pattern.draw(number)
            let rate = Int64(pattern.framesPerSecond)
            frame.presentation = .nanoseconds(Int64(number) * 1_000_000_000 / rate)
            try encoder.send(frame, asKeyFrame: output.isKeyFrameWanted)
            while let packet = try encoder.receive() {
                let time = packet.presentation ?? .zero
                guard try output.send(packet, at: time, duration: .nanoseconds(1_000_000_000 / rate)) else {
                    return false
                }
            }
            return true
        }
    }

    /// The sounding track: 1 kHz for the first tenth of each second.
    private final class Tone {
        private let encoder: Encoder
        private let output: TrackOutput
        /// In samples.
        private(set) var position: Int64 = 0
        /// One second.
        private let wave: [Float]

        init(_ output: TrackOutput) throws(LibAVError) {
            self.output = output
            encoder = try Encoder(opusBitrateBitsPerSecond: AudioTranscodeFeed.bitrateBitsPerSecond)
            let beep = TestFeed.rate / 10
            wave = (0..<TestFeed.rate).map { sample in
                sample < beep ? 0.5 * sinf(2 * .pi * 1000 * Float(sample) / Float(TestFeed.rate)) : 0
            }
        }

        func send() throws(LibAVError) -> Bool {
            let samples = (0..<TestFeed.samplesPerFrame).flatMap { offset in
                let value = wave[(Int(position) + offset) % wave.count]
                return [value, value]
            }
            let frame = try Frame(interleaved: samples)
            // In two parts: nanoseconds times samples would overflow after two days.
            let (seconds, rest) = position.quotientAndRemainder(dividingBy: Int64(TestFeed.rate))
            frame.presentation = .seconds(seconds) + .nanoseconds(rest * 1_000_000_000 / Int64(TestFeed.rate))
            position += Int64(TestFeed.samplesPerFrame)
            try encoder.send(frame)
            return try drain()
        }

        func finish() throws(LibAVError) -> Bool {
            try encoder.send(nil)
            return try drain()
        }

        private func drain() throws(LibAVError) -> Bool {
            while let packet = try encoder.receive() {
                guard try output.send(packet, at: packet.presentation ?? .zero, duration: .milliseconds(20)) else {
                    return false
                }
            }
            return true
        }
    }
}
