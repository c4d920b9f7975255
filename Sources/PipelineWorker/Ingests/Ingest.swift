import Base
import Glibc
import PipelineControl

/// The main thread's side of an ingest: answers the daemon, paces and sends.
final class Ingest: PipelineMachine {
    private enum State {
        /// The feeding thread looks into the source.
        case opening
        /// `opened` was said; `send` is awaited.
        case offered(OpenedSource)
        /// The first frames are being prepared.
        case priming(OpenedSource)
        /// `ready` was said; `play` is awaited.
        case ready(OpenedSource)
        case playing(PacingClock)
        case over
    }

    /// What is due within this goes out at once: one wake-up serves sound and picture.
    private static let sendAhead = Duration.milliseconds(3)

    private let channel: ControlChannel
    private let exchange: IngestExchange
    private let feedback = ReceiveBatch()
    private var state = State.opening
    private var senders: [TrackSender] = []
    private var canAnswer: Set<Int> = []
    private var isFinishing = false
    private var hasSaidRunning = false
    private var lastProgress = Duration.zero
    private(set) var deadline = Instant.distantFuture

    init(
        _ job: IngestJob, descriptor: Int32?, channel: ControlChannel, waiter: Waiter
    ) throws(PipelineFailure) {
        self.channel = channel
        switch job.source {
        case .file(let name):
            guard let descriptor else {
                throw PipelineFailure(code: .protocolError, message: "no open descriptor came with \(name)")
            }
            exchange = IngestExchange(waiter: waiter, limits: IngestExchange.Limits())
            let exchange = exchange
            startThread("feed") { FileFeed.run(job, name: name, descriptor: descriptor, exchange: exchange) }
        case .gstreamer(let plan, let name):
            guard plan.input == nil || descriptor != nil else {
                throw PipelineFailure(code: .protocolError, message: "no open descriptor came with \(name)")
            }
            exchange = IngestExchange(waiter: waiter, limits: GStreamerFeed.limits(plan))
            let exchange = exchange
            startThread("feed") {
                GStreamerFeed.run(job, plan: plan, name: name, descriptor: descriptor, exchange: exchange)
            }
        case .network:
            throw PipelineFailure(code: .protocolError, message: "no such source yet")
        case .test(let source):
            if let descriptor { close(descriptor) }
            // Drawn as it goes: a short way ahead answers key frame requests soon.
            exchange = IngestExchange(
                waiter: waiter, limits: IngestExchange.Limits(lookahead: .milliseconds(250)))
            let exchange = exchange
            startThread("feed") { TestFeed.run(job, source: source, exchange: exchange) }
        }
    }

    var descriptors: [Int32] { senders.flatMap(\.descriptors) }

    // MARK: Commands

    func receive(_ command: PipelineCommand) throws(PipelineFailure) {
        switch (command, state) {
        case (.send(let tracks), .offered(let source)):
            try start(tracks, of: source)
            state = .priming(source)
        case (.play, .ready):
            let now = MonotonicClock.now
            state = .playing(PacingClock(start: now, wallNanoseconds: MonotonicClock.wallNanoseconds))
            deadline = now
        default:
            throw PipelineFailure(
                code: .protocolError, message: "\(command.name) does not fit an ingest that is \(stateName)")
        }
    }

    private var stateName: String {
        switch state {
        case .opening: "opening its source"
        case .offered: "waiting for send"
        case .priming: "preparing"
        case .ready: "waiting for play"
        case .playing: "playing"
        case .over: "over"
        }
    }

    private func start(_ tracks: [SendTrack], of source: OpenedSource) throws(PipelineFailure) {
        guard !tracks.isEmpty else {
            throw PipelineFailure(code: .protocolError, message: "send names no track")
        }
        for send in tracks {
            guard let track = source.tracks.first(where: { $0.index == send.index }) else {
                throw PipelineFailure(
                    code: .protocolError, message: "send names track \(send.index), which the source does not have")
            }
            guard !senders.contains(where: { $0.track == send.index }) else {
                throw PipelineFailure(code: .protocolError, message: "send names track \(send.index) twice")
            }
            guard send.payloadType < 128 else {
                throw PipelineFailure(
                    code: .protocolError, message: "send gives track \(send.index) the payload type \(send.payloadType)"
                )
            }
            senders.append(try TrackSender(send, clockRate: track.codec.clockRate))
            if track.answersKeyFrameRequests { canAnswer.insert(send.index) }
        }
        exchange.start(senders.map(\.wire))
    }

    func finish() { isFinishing = true }

    func abandon() {
        exchange.stop()
        sayBye()
        state = .over
    }

    // MARK: Turns

    func turn(now: Instant) throws(PipelineFailure) -> PipelineProgress? {
        for news in exchange.takeNews() { try hear(news) }
        if isFinishing { return end(now) }
        guard case .playing(var clock) = state else { return nil }
        for sender in senders where sender.receiveFeedback(feedback, now: now) && canAnswer.contains(sender.track) {
            exchange.requestKeyFrame(track: sender.track)
        }
        let batch = exchange.take(upTo: clock.position(at: now) + Self.sendAhead)
        for item in batch.items { send(item, &clock) }
        state = .playing(clock)
        let position = clock.position(at: now)
        if let end = batch.end, batch.next == nil, batch.items.isEmpty, position >= end { return self.end(now) }
        report(clock, position)
        // Without anything queued, a push nudges; a lone end is waited for.
        let next =
            [batch.next ?? batch.end, hasSaidRunning ? lastProgress + .seconds(1) : nil] + senders.map(\.reportDue)
        deadline = next.compactMap(\.self).min().map { clock.due($0) - .milliseconds(1) } ?? .distantFuture
        if !batch.items.isEmpty, batch.next == nil { deadline = now }
        return nil
    }

    private func hear(_ news: IngestExchange.News) throws(PipelineFailure) {
        switch (news, state) {
        case (.failed(let failure), _): throw failure
        case (.opened(let source), .opening):
            state = .offered(source)
            channel.send(.opened(source))
        case (.primed, .priming(let source)):
            state = .ready(source)
            channel.send(.ready)
        default: break
        }
    }

    private func send(_ item: SendItem, _ clock: inout PacingClock) {
        guard let sender = senders.first(where: { $0.track == item.track }) else { return }
        let now = MonotonicClock.now
        if let lateness = clock.noteSending(item.time, at: now) {
            log("media comes \(Int(lateness.seconds * 1000)) ms late from the source: sending moves back by that")
        }
        sender.send(item, clock: clock, position: clock.position(at: now))
        if !hasSaidRunning {
            hasSaidRunning = true
            channel.send(.running)
        }
    }

    private func report(_ clock: PacingClock, _ position: Duration) {
        for sender in senders {
            if let due = sender.reportDue, due <= position { sender.report(clock: clock, position: position) }
        }
        guard hasSaidRunning, position >= lastProgress + .seconds(1) else { return }
        channel.send(.progress(progress(at: position, isLast: false)))
        lastProgress = position
    }

    private func progress(at position: Duration, isLast: Bool) -> PipelineProgress {
        let interval = isLast ? position : position - lastProgress
        return PipelineProgress(
            seconds: max(0, position.seconds), tracks: senders.map { $0.progress(over: interval, isLast: isLast) })
    }

    private func end(_ now: Instant) -> PipelineProgress {
        exchange.stop()
        sayBye()
        var position = Duration.zero
        if case .playing(let clock) = state { position = clock.position(at: now) }
        state = .over
        return progress(at: position, isLast: true)
    }

    private func sayBye() {
        guard case .playing(let clock) = state else { return }
        let position = clock.position(at: MonotonicClock.now)
        for sender in senders { sender.sayBye(clock: clock, position: position) }
    }
}
