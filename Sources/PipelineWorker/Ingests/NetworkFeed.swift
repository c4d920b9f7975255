import Base
import Glibc
import LibAV
import PipelineControl

/// The feeding thread of an ingest from a network: opens, decides, plays; and opens again when the source fails.
///
/// What is on the wire stands through all of that: each track keeps its output, so sequence numbers run on, and media
/// time goes on by the clock that media is sent by.
final class NetworkFeed {
    /// How one opening of the source ended.
    enum Ending {
        /// Nobody wants more.
        case stopped
        /// The source is over.
        case finished
        /// It shall be opened again, if the policy allows it.
        case failed(PipelineFailure)
        /// It would not help to open it again.
        case hopeless(PipelineFailure)
        /// One who was awaited came and left, or was turned away.
        case left(String)
    }

    let job: IngestJob
    let access: NetworkAccess
    let exchange: IngestExchange
    /// As `opened` told; empty before.
    var offered: [SourceTrack] = []
    /// By position among the offered tracks; set once the plan is known.
    var outputs: [Int: TrackOutput] = [:]
    /// Media time up to which something was made.
    var end = Duration.zero
    private var absence = Absence()
    /// What the last opening that went well took.
    private var usualOpening: Duration?

    /// What a job's address means. A bad one fails at once.
    static func access(to source: NetworkSource) throws(PipelineFailure) -> NetworkAccess {
        do throws(SourceAddress.Refusal) {
            let access = try NetworkAccess(source)
            Discretion.keep(secretsOf: access.address)
            return access
        } catch {
            throw PipelineFailure(code: .cannotOpen, message: error.description)
        }
    }

    /// Runs to the end; what happens is told through the exchange.
    static func run(_ job: IngestJob, access: NetworkAccess, exchange: IngestExchange) {
        let feed = NetworkFeed(job, access: access, exchange: exchange)
        do throws(PipelineFailure) {
            if try feed.run() { exchange.end(at: feed.end) }
        } catch {
            exchange.tell(.failed(error))
        }
        exchange.tell(.closed)
    }

    private init(_ job: IngestJob, access: NetworkAccess, exchange: IngestExchange) {
        (self.job, self.access, self.exchange) = (job, access, exchange)
    }

    var name: String { access.address.description }
    var isStopped: Bool { exchange.isStopped }
    var hasOpened: Bool { !offered.isEmpty }
    /// Nil while it brings something.
    var awaySince: Instant? { absence.since }

    /// False: stopped from outside.
    private func run() throws(PipelineFailure) -> Bool {
        while true {
            if access.isAwaited { sayWaiting() }
            let ending = access.flow == .live ? try playLive() : try playPulled()
            switch ending {
            case .stopped: return false
            case .finished: return true
            case .left(let reason):
                log(reason)
                if hasOpened, job.retry == .never { return true }
                absence.begin()
            case .hopeless(let failure): throw failure
            case .failed(let failure):
                guard mayRetry else { throw failure }
                guard waitForRetry(after: failure) else { return false }
            }
            if isStopped { return false }
        }
    }

    // MARK: Coming and going

    var mayRetry: Bool { job.retry.allowsRetry(hasOpened: hasOpened) }

    private func sayWaiting() {
        let who = access.address.scheme == .udp ? "a sender" : "a publisher"
        exchange.tell(.interrupted(SourceInterruption(reason: "waits for \(who) on \(name)", attempts: 0), retry: nil))
    }

    /// False: stop.
    func waitForRetry(after failure: PipelineFailure) -> Bool { absence.wait(after: failure, exchange) }

    /// Media comes again.
    func noteReturn() {
        guard let time = absence.end() else { return }
        log("\(name) brings media again after \(SourceTrouble.seconds(time))")
        exchange.tell(.resumed)
    }

    // MARK: Opening

    enum Opening {
        case open(Input)
        case ended(Ending)
    }

    /// Connects, or waits for one who does.
    func open() -> Opening {
        _ = LibAVLog.takeComplaints()
        let began = MonotonicClock.now
        let patience =
            usualOpening.map { NetworkAccess.retryPatience(usual: $0, away: began - (awaySince ?? began)) }
            ?? NetworkAccess.connectPatience
        do throws(LibAVError) {
            let input = try Input(
                access.input(isReturn: hasOpened, patience: patience), interrupt: exchange.interrupt)
            usualOpening = MonotonicClock.now - began
            if isStopped { return .ended(.stopped) }
            if hasWrongKey(LibAVLog.takeComplaints()) {
                return .ended(.left("\(name): one who wanted to publish under another key was turned away"))
            }
            return .open(input)
        } catch {
            if isStopped { return .ended(.stopped) }
            let trouble = SourceTrouble(access.address, complaints: LibAVLog.takeComplaints())
            let failure = trouble.opening(
                error, isOverdue: exchange.interrupt.isOverdue, patience: patience)
            // A listener outlives those who come and can't speak.
            if access.isAwaited, error.systemError.map({ !Self.localErrors.contains($0) }) ?? true {
                return pauseAfterVisitor("\(failure.message); the next one is waited for")
            }
            return .ended(.failed(failure))
        }
    }

    /// Nobody shall be able to keep us busy by coming again and again.
    private func pauseAfterVisitor(_ reason: String) -> Opening {
        exchange.pause(until: MonotonicClock.now + RetrySchedule.shortest) ? .ended(.left(reason)) : .ended(.stopped)
    }

    /// The machine itself says no to listening.
    private static let localErrors: Set<Int32> = [EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL]

    /// libav's RTMP server takes everybody and only warns.
    private func hasWrongKey(_ complaints: [String]) -> Bool {
        access.address.scheme == .rtmp && access.source.listens
            && complaints.contains { $0.contains("Unexpected stream ") || $0.contains("App field don't match") }
    }

    /// Why an open source ended. `error` nil: it said so itself.
    func ending(of error: LibAVError?) -> Ending {
        if isStopped { return .stopped }
        let trouble = SourceTrouble(access.address, complaints: LibAVLog.takeComplaints())
        let reason =
            error.map { trouble.reading($0, isOverdue: exchange.interrupt.isOverdue, patience: access.readPatience) }
            ?? "\(name): the stream ended"
        if access.isAwaited { return .left(reason) }
        return .failed(PipelineFailure(code: hasOpened ? .media : .cannotOpen, message: reason))
    }

    // MARK: Deciding

    /// What becomes of each track; tells `opened` at the first time.
    func decide(_ choice: TrackChoice, input: Input, probe: SourceProbe) throws(PipelineFailure) -> [TrackPlan] {
        var wire: [SourceTrack.Kind: TrackCodec] = [:]
        for track in offered { wire[track.kind] = track.codec }
        let (plans, leftOut) = try choice.decide(job: job, probe: probe, wire: wire)
        if !hasOpened {
            offered = plans.enumerated().map { $1.offered(as: $0) }
            let isEndless = access.flow == .live || job.loop
            exchange.tell(
                .opened(
                    OpenedSource(
                        durationSeconds: isEndless ? nil : input.duration?.seconds, tracks: offered,
                        format: input.formatName, leftOut: leftOut)))
            absence.end()
        }
        return plans
    }

    /// Makes an output for every track that is sent.
    func makeOutputs(_ wires: [WireTrack]) throws(LibAVError) {
        for wire in wires {
            guard let track = offered.first(where: { $0.index == wire.track }),
                let packetizer = RTPPacketizer.Codec(mimeType: track.codec.mimeType)
            else { continue }
            outputs[wire.track] = try TrackOutput(
                packetizer, clockRate: track.codec.clockRate, wire: wire, exchange: exchange)
        }
    }

    /// What sends each stream, by the stream's index.
    func feeds(for plans: [TrackPlan], timeline: Timeline) throws(LibAVError) -> [Int: any TrackFeed] {
        var feeds: [Int: any TrackFeed] = [:]
        for plan in plans {
            let kind: SourceTrack.Kind = plan.stream.parameters.kind == .video ? .video : .audio
            guard let track = offered.first(where: { $0.kind == kind }), let output = outputs[track.index] else {
                continue
            }
            feeds[plan.stream.index] = try plan.feed(into: output, timeline: timeline)
        }
        return feeds
    }

    var framesMade: Int { outputs.values.reduce(0) { $0 + $1.frames } }
}

extension RTPPacketizer.Codec {
    init?(mimeType: String) {
        switch mimeType.lowercased() {
        case "video/vp8": self = .vp8
        case "video/vp9": self = .vp9
        case "video/h264": self = .h264
        case "audio/opus": self = .opus
        default: return nil
        }
    }
}
