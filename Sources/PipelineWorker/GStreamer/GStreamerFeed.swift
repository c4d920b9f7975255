import Base
import GStreamer
import Glibc
import LibAV
import PipelineControl

/// The feeding thread of an ingest that GStreamer runs: builds, starts, hears what comes, then hands its frames on.
///
/// What comes faster than it is wanted waits in the pipeline. What comes in real time is thrown away until somebody
/// wants it, and then begins with a fresh key frame.
final class GStreamerFeed {
    /// A file's decoder, or a device, that brings nothing for so long brings nothing.
    private static let patience = Duration.seconds(15)
    /// How long a track may come behind the other's first frame: one that something feeds, and one that nothing does
    /// (yet: demuxers make their outputs as they find tracks).
    private static let patienceForSecond = Duration.seconds(10)
    private static let patienceForLink = Duration.seconds(2)
    /// In the middle: a pipeline that stands still for so long has locked itself up.
    private static let patienceInBetween = Duration.seconds(60)
    /// How often errors, ends and wishes for key frames are looked for when nothing comes.
    private static let step = Duration.milliseconds(10)

    private let job: IngestJob
    private let plan: GStreamerPlan
    private let name: String
    private let descriptor: Int32?
    private let exchange: IngestExchange
    private let choice: BranchChoice
    private let reach = Reach()
    private var warnings: Mishaps
    /// A demuxer has said that no outputs will follow.
    private var hasAllPads = false
    /// Tracks that are not played, and why.
    private var leftOut: [String] = []
    /// What runs now.
    private var current: GStreamerRound?
    private var absence = Absence()

    /// Files are read ahead as libav's are, so that the seam of a loop is covered; other sources only a little, for the
    /// sake of answers to key frame requests and of the age of what is live.
    static func limits(_ plan: GStreamerPlan) -> IngestExchange.Limits {
        IngestExchange.Limits(lookahead: plan.input == nil ? .milliseconds(150) : .milliseconds(500))
    }

    /// Runs to the end; what happens is told through the exchange. The descriptor is closed.
    static func run(
        _ job: IngestJob, plan: GStreamerPlan, name: String, descriptor: Int32?, exchange: IngestExchange
    ) {
        var feed: GStreamerFeed?
        do throws(PipelineFailure) {
            feed = try GStreamerFeed(job, plan, name: name, descriptor: descriptor, exchange: exchange)
            try feed?.run()
        } catch {
            exchange.tell(.failed(error))
        }
        // Told before: stopping takes as long as a device or a server takes.
        feed?.current = nil
        if let descriptor { close(descriptor) }
    }

    private init(
        _ job: IngestJob, _ plan: GStreamerPlan, name: String, descriptor: Int32?, exchange: IngestExchange
    ) throws(PipelineFailure) {
        (self.job, self.plan, self.name) = (job, plan, name)
        (self.descriptor, self.exchange) = (descriptor, exchange)
        warnings = Mishaps(subject: name)
        choice = try BranchChoice(plan, name: name, wish: job.videoCodec, codecs: job.routerCodecs)
    }

    private func run() throws(PipelineFailure) {
        guard let round = try openFirst() else { return }
        let tracks = try describe(round)
        absence.end()
        let duration = plan.seconds ?? (round.isLive ? nil : round.duration?.seconds)
        if round.isLive { round.dropUntilWanted() }
        exchange.tell(
            .opened(OpenedSource(durationSeconds: job.loop ? nil : duration, tracks: tracks, leftOut: leftOut)))
        guard let wires = exchange.awaitWire(tracks: tracks.count) else { return }
        if round.isLive { round.beginAnew() }
        do throws(LibAVError) {
            var outputs: [Int: TrackOutput] = [:]
            for wire in wires where tracks.indices.contains(wire.track) {
                guard let packetizer = round.sinks[wire.track].packetizer else { continue }
                outputs[wire.track] = try TrackOutput(
                    packetizer, clockRate: tracks[wire.track].codec.clockRate, wire: wire, exchange: exchange)
            }
            play(round, outputs)
        } catch {
            throw PipelineFailure(code: .media, message: "\(name): \(error)")
        }
    }

    // MARK: Opening

    private func makeRound() throws(PipelineFailure) -> GStreamerRound {
        let round = try GStreamerRound(plan, choice, name: name, descriptor: descriptor, reach: reach)
        current = round
        return round
    }

    /// A round that has brought something, tried for as long as the job wants; nil: nobody wants it any more.
    private func openFirst() throws(PipelineFailure) -> GStreamerRound? {
        while true {
            do throws(PipelineFailure) {
                let round = try makeRound()
                return try awaitFirst(round) ? round : nil
            } catch {
                current = nil
                // What is wrong with a description is so the next time, too.
                guard job.retry.allowsRetry(hasOpened: false), PlanCheck.complaints(about: plan).isEmpty else {
                    throw error
                }
                guard absence.wait(after: error, exchange) else { return nil }
            }
        }
    }

    /// The same tracks again, from a fresh pipeline; nil: nobody wants them any more.
    private func comeBack(after failure: PipelineFailure, with tracks: [GStreamerTrack]) -> GStreamerRound? {
        var failure = failure
        current = nil
        while absence.wait(after: failure, exchange) {
            do throws(PipelineFailure) {
                let round = try makeRound()
                guard try awaitFirst(round) else { return nil }
                if round.goOn(with: tracks) {
                    if round.isLive { round.beginAnew() }
                    return round
                }
                failure = PipelineFailure(code: .media, message: "\(name): only a part of it has come back")
            } catch {
                failure = error
            }
            current = nil
        }
        return nil
    }

    /// Waits until each appsink has brought something or never will. False: nobody wants it any more.
    private func awaitFirst(_ round: GStreamerRound) throws(PipelineFailure) -> Bool {
        let started = MonotonicClock.now
        var first: Instant?
        while !exchange.isStopped {
            try hear(round, code: .cannotOpen)
            let now = MonotonicClock.now
            if round.sinks.allSatisfy({ $0.head != nil || $0.hasEnded }) { break }
            if round.sinks.contains(where: { $0.head != nil }) {
                let since = first ?? now
                first = since
                let isCutOff = now - since > Self.patienceForSecond || round.restIsCutOff
                if isCutOff, hasAllPads || now - since > Self.patienceForLink { break }
            } else if now - started > Self.patience {
                throw PipelineFailure(
                    code: .cannotOpen,
                    message: "\(name): nothing came out of it within \(Self.patience.components.seconds) s")
            }
            round.fill(waiting: Self.step)
        }
        if exchange.isStopped { return false }
        for sink in round.sinks where sink.head == nil { leaveOut(sink, sink.absence) }
        round.keepOnlyStarted()
        guard !round.sinks.isEmpty else {
            try hear(round, code: .noPlayableTrack)
            throw PipelineFailure(
                code: .noPlayableTrack, message: "\(name) ended before any picture or sound came out of it")
        }
        return true
    }

    private func describe(_ round: GStreamerRound) throws(PipelineFailure) -> [SourceTrack] {
        for sink in round.sinks {
            guard let refusal = sink.decide(choice) else { continue }
            leaveOut(sink, refusal)
            round.drop(sink)
        }
        guard !round.sinks.isEmpty else {
            throw PipelineFailure(
                code: .noPlayableTrack, message: "\(name) can't be played: \(leftOut.joined(separator: "; "))")
        }
        var tracks: [SourceTrack] = []
        for sink in round.sinks {
            guard let codec = sink.codec else { continue }
            tracks.append(
                SourceTrack(
                    index: tracks.count, kind: sink.kind,
                    description: sink.describe(file: plan.input == nil ? nil : name),
                    treatment: sink.encoder == nil ? .copy : .transcode, reason: sink.reason, codec: codec,
                    answersKeyFrameRequests: sink.kind == .video && sink.encoder != nil))
        }
        return tracks
    }

    private func leaveOut(_ sink: GStreamerTrack, _ why: String) {
        leftOut.append("\(sink.kind == .video ? "picture" : "sound"): \(why)")
        log("\(name): left out the \(leftOut.last ?? "")")
    }

    /// What the pipeline has to say.
    private func hear(_ round: GStreamerRound, code: PipelineFailure.Code) throws(PipelineFailure) {
        while let message = round.built.pipeline.nextMessage() {
            switch message {
            case .error(let error):
                var words = round.built.words(of: error)
                if words.contains("not-negotiated") {
                    words += "; \(choice.wanted(round.sinks.map(\.kind)))"
                }
                throw PipelineFailure(code: code, message: "\(name): \(words)")
            // A link of the text that waited for an output, which will not come any more.
            case .warning(let error) where error.kind == .link: hasAllPads = true
            case .warning(let error): warnings.note(round.built.words(of: error))
            case .end: break
            }
        }
    }

    // MARK: Playing

    private func play(_ first: GStreamerRound, _ outputs: [Int: TrackOutput]) {
        var round = first
        var clock = RoundClock(limit: plan.seconds.map { .nanoseconds(Int64($0 * 1e9)) })
        while true {
            do throws(PipelineFailure) {
                guard try playRound(round, outputs, &clock) else { return }
                guard job.loop, clock.hasPlayed, !round.isLive else { break }
                // A fresh pipeline: not every element can begin again, and every one can be made again. The old one
                // reads the file no more before it is rewound.
                round.stop()
                guard rewind() else { break }
                clock.beginRound()
                let next = try makeRound()
                _ = next.goOn(with: round.sinks)
                round = next
            } catch {
                round.stop()
                guard job.retry.allowsRetry(hasOpened: true) else {
                    exchange.tell(.failed(error))
                    return
                }
                guard let next = comeBack(after: error, with: round.sinks) else { return }
                // Media time has gone on with the clock.
                let now = exchange.position(at: MonotonicClock.now) ?? .zero
                clock.beginRound(notBefore: now + LivePace.margin)
                round = next
            }
        }
        guard clock.hasEverPlayed else {
            exchange.tell(.failed(PipelineFailure(code: .media, message: "\(name): nothing in it could be sent")))
            return
        }
        exchange.end(at: clock.end)
    }

    /// The file from its beginning; false when it is none that can be read again.
    private func rewind() -> Bool {
        guard let descriptor else { return true }
        guard lseek(descriptor, 0, Int32(SEEK_SET)) == 0 else {
            log("\(name): can't be played again: it can't be sought in")
            return false
        }
        return true
    }

    /// To the end of all tracks. False: nobody wants more.
    private func playRound(
        _ round: GStreamerRound, _ outputs: [Int: TrackOutput], _ clock: inout RoundClock
    ) throws(PipelineFailure) -> Bool {
        var since = MonotonicClock.now
        while !exchange.isStopped {
            try hear(round, code: .media)
            for (index, output) in outputs where output.isKeyFrameWanted { round.sinks[index].requestKeyFrame() }
            round.fill(waiting: Self.step)
            // While a track lags behind, the others wait where they are, not in a push: it could not come meanwhile.
            guard let index = round.earliest, !round.isAnyBehind || !exchange.isFarAhead(track: index) else {
                if round.sinks.allSatisfy(\.hasEnded) {
                    // A source that fails ends its streams, too; why was said before.
                    try hear(round, code: .media)
                    return true
                }
                guard MonotonicClock.now - since < Self.patienceInBetween else {
                    throw PipelineFailure(
                        code: .media,
                        message: "\(name): nothing came out of it for \(Self.patienceInBetween.components.seconds) s")
                }
                continue
            }
            guard let frame = round.sinks[index].take() else { continue }
            guard let time = clock.time(of: frame, track: index, startsAtOnce: round.start) else {
                round.sinks[index].end()
                continue
            }
            guard let output = outputs[index] else { continue }
            guard try send(frame, at: time, of: round.sinks[index], to: output) else { return false }
            clock.note(frame, at: time, track: index)
            since = MonotonicClock.now
            if let away = absence.end() {
                log("\(name) brings media again after \(SourceTrouble.seconds(away))")
                exchange.tell(.resumed)
            }
        }
        return false
    }

    private func send(
        _ frame: AppSink.Sample, at time: Duration, of sink: GStreamerTrack, to output: TrackOutput
    ) throws(PipelineFailure) -> Bool {
        do throws(LibAVError) {
            guard let bytes = sink.prepared(frame) else { return true }
            let packet = try Packet(
                copying: bytes, presentation: time, duration: frame.duration, isKey: frame.isKey)
            return try output.send(packet, at: time, duration: frame.duration)
        } catch {
            throw PipelineFailure(code: .media, message: "\(name): \(error)")
        }
    }
}

/// From running times of each round to media time: zero at the first frame, running on through all rounds.
struct RoundClock {
    private let limit: Duration?
    private var offset = Duration.zero
    private var origin: Duration?
    private var last: [Int: (time: Duration, duration: Duration)] = [:]
    /// Where the last of all tracks ends so far.
    private(set) var end = Duration.zero
    private(set) var hasPlayed = false
    private(set) var hasEverPlayed = false

    /// - Parameter limit: how long a round lasts at most.
    init(limit: Duration?) { self.limit = limit }

    /// Nil: it is behind the round's end.
    mutating func time(of frame: AppSink.Sample, track: Int, startsAtOnce start: Duration?) -> Duration? {
        let next = last[track].map { $0.time + $0.duration } ?? .zero
        guard let running = frame.time else { return next }
        let zero = origin ?? start ?? running
        origin = zero
        let time = max(.zero, running - zero)
        if let limit, time >= limit { return nil }
        return offset + time
    }

    mutating func note(_ frame: AppSink.Sample, at time: Duration, track: Int) {
        let usual = last[track].map { time - $0.time } ?? .milliseconds(20)
        let duration = frame.duration > .zero ? frame.duration : max(.zero, min(usual, .seconds(1)))
        last[track] = (time, duration)
        end = max(end, limit.map { min($0 + offset, time + duration) } ?? time + duration)
        (hasPlayed, hasEverPlayed) = (true, true)
    }

    /// - Parameter time: where it begins at the earliest.
    mutating func beginRound(notBefore time: Duration = .zero) {
        end = max(end, time)
        offset = end
        origin = nil
        hasPlayed = false
        last = [:]
    }
}
