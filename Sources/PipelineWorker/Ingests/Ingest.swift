import Base
import Glibc
import LibAV
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
        /// Says goodbye to a server.
        case closing(PipelineProgress, until: Instant)
        case over
    }

    /// Goodbyes take a round trip; nobody waits longer for them.
    private static let patienceAtClosing = Duration.milliseconds(400)
    /// More packets at once would flood the receiver's buffer when a backlog goes out: 200 KiB hold about 150.
    private static let mostPackets = 48
    /// A listener to the reports shall see at least this often that an interruption lasts.
    private static let interruptionInterval = Duration.seconds(4)

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
    /// By the real clock: while sending moves back again and again, media time stands still.
    private var lastProgress = Instant(nanoseconds: 0)
    private var movedBack = MovedBack()
    private var mediaDeadline = Instant.distantFuture
    /// For a live source.
    private var pace: LivePace?
    private var isNetwork = false
    private var isClosed = false
    private var interruption: (what: SourceInterruption, retry: Instant?, said: Instant)?

    var deadline: Instant {
        guard let interruption else { return mediaDeadline }
        return min(mediaDeadline, interruption.said + Self.interruptionInterval)
    }

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
        case .network(let source):
            if let descriptor { close(descriptor) }
            let access = try NetworkFeed.access(to: source)
            let isLive = access.flow == .live
            exchange = IngestExchange(waiter: waiter, limits: IngestExchange.Limits(isLive: isLive))
            if isLive { pace = LivePace() }
            isNetwork = true
            let exchange = exchange
            startThread("feed") { NetworkFeed.run(job, access: access, exchange: exchange) }
        case .gstreamer(let plan, let name):
            guard plan.input == nil || descriptor != nil else {
                throw PipelineFailure(code: .protocolError, message: "no open descriptor came with \(name)")
            }
            exchange = IngestExchange(waiter: waiter, limits: GStreamerFeed.limits(plan))
            let exchange = exchange
            startThread("feed") {
                GStreamerFeed.run(job, plan: plan, name: name, descriptor: descriptor, exchange: exchange)
            }
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
            begin(at: MonotonicClock.now)
        default:
            throw PipelineFailure(
                code: .protocolError, message: "\(command.name) does not fit an ingest that is \(stateName)")
        }
    }

    private func begin(at now: Instant) {
        // A live source has gone on since its first frame: what came meanwhile goes out at once.
        let position = pace == nil ? .zero : max(.zero, (exchange.livePosition(at: now) ?? .zero) - LivePace.margin)
        let clock = PacingClock(
            start: now - position, wallNanoseconds: MonotonicClock.wallNanoseconds - position.nanoseconds)
        _ = exchange.takeArrivals()
        exchange.note(clock)
        state = .playing(clock)
        (lastProgress, mediaDeadline) = (now, now)
    }

    private var stateName: String {
        switch state {
        case .opening: "opening its source"
        case .offered: "waiting for send"
        case .priming: "preparing"
        case .ready: "waiting for play"
        case .playing: "playing"
        case .closing: "closing its source"
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
        for news in exchange.takeNews() { try hear(news, now) }
        if case .closing(let progress, let until) = state {
            guard isClosed || now >= until else { return nil }
            state = .over
            return progress
        }
        repeatInterruption(now)
        if isFinishing { return end(now) }
        guard case .playing(var clock) = state else { return nil }
        for sender in senders where sender.receiveFeedback(feedback, now: now) && canAnswer.contains(sender.track) {
            exchange.requestKeyFrame(track: sender.track)
        }
        follow(&clock, now)
        let batch = exchange.take(
            upTo: clock.position(at: now) + Self.sendAhead, packets: pace == nil ? .max : Self.mostPackets)
        for item in batch.items { send(item, &clock) }
        state = .playing(clock)
        exchange.note(clock)
        let position = clock.position(at: now)
        if let end = batch.end, batch.next == nil, batch.items.isEmpty, position >= end { return self.end(now) }
        report(clock, position, now)
        // Without anything queued, a push nudges; a lone end is waited for.
        let next =
            [batch.next ?? batch.end] + senders.map(\.reportDue)
        mediaDeadline = next.compactMap(\.self).min().map { clock.due($0) - .milliseconds(1) } ?? .distantFuture
        if hasSaidRunning { mediaDeadline = min(mediaDeadline, lastProgress + .seconds(1)) }
        if !batch.items.isEmpty, batch.next == nil { mediaDeadline = now }
        // A backlog goes out in portions.
        if !batch.items.isEmpty, mediaDeadline < now { mediaDeadline = now + .milliseconds(1) }
        return nil
    }

    /// Lets due times follow a live source.
    private func follow(_ clock: inout PacingClock, _ now: Instant) {
        guard pace != nil else { return }
        for frame in exchange.takeArrivals() {
            pace?.note(slack: clock.due(frame.time) - frame.arrival, track: frame.track, at: frame.arrival)
        }
        clock.move(by: pace?.advance(to: now) ?? .zero)
    }

    private func repeatInterruption(_ now: Instant) {
        guard let (what, retry, said) = interruption, now >= said + Self.interruptionInterval else { return }
        say(what, retry: retry, now)
    }

    private func say(_ interruption: SourceInterruption, retry: Instant?, _ now: Instant) {
        self.interruption = (interruption, retry, now)
        var said = interruption
        // Nil while a try is under way.
        said.retrySeconds = retry.flatMap { $0 > now ? ($0 - now).seconds : nil }
        channel.send(.interrupted(said))
    }

    private func hear(_ news: IngestExchange.News, _ now: Instant) throws(PipelineFailure) {
        switch (news, state) {
        case (.closed, _): isClosed = true
        case (.failed, .closing): isClosed = true
        case (.interrupted(let what, let retry), _):
            pace?.reset()
            if !isFinishing { say(what, retry: retry, now) }
        case (.resumed, _):
            pace?.reset()
            interruption = nil
            if hasSaidRunning { channel.send(.resumed) }
        case (.failed(let failure), _): throw failure
        case (.opened(let source), .opening):
            state = .offered(source)
            interruption = nil
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
        // A live source's late frames are caught up; its due times follow all of them together.
        if pace == nil, let lateness = clock.noteSending(item.time, at: now) {
            movedBack.note(lateness, at: now)
        }
        sender.send(item, clock: clock, position: clock.position(at: now))
        if !hasSaidRunning {
            hasSaidRunning = true
            channel.send(.running)
        }
    }

    private func report(_ clock: PacingClock, _ position: Duration, _ now: Instant) {
        for sender in senders {
            if let due = sender.reportDue, due <= position { sender.report(clock: clock, position: position) }
        }
        guard hasSaidRunning, now >= lastProgress + .seconds(1) else { return }
        channel.send(.progress(progress(at: position, over: now - lastProgress, isLast: false)))
        lastProgress = now
    }

    private func progress(at position: Duration, over interval: Duration, isLast: Bool) -> PipelineProgress {
        return PipelineProgress(
            seconds: max(0, position.seconds), tracks: senders.map { $0.progress(over: interval, isLast: isLast) })
    }

    private func end(_ now: Instant) -> PipelineProgress? {
        exchange.stop()
        sayBye()
        var position = Duration.zero
        if case .playing(let clock) = state { position = clock.position(at: now) }
        let account = progress(at: position, over: position, isLast: true)
        if isNetwork, !isClosed {
            // Whatever breaks now is wanted.
            LibAVLog.silence()
            let until = now + Self.patienceAtClosing
            state = .closing(account, until: until)
            (interruption, mediaDeadline) = (nil, until)
            return nil
        }
        state = .over
        return account
    }

    private func sayBye() {
        guard case .playing(let clock) = state else { return }
        let position = clock.position(at: MonotonicClock.now)
        for sender in senders { sender.sayBye(clock: clock, position: position) }
    }
}
