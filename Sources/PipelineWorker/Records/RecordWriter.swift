import Base
import Glibc
import LibAV
import PipelineControl

/// One frame for the file.
struct FileFrame: Sendable {
    /// Position among the tracks of the recording.
    var track: Int
    var bytes: [UInt8]
    /// Since the start of the file.
    var time: Duration
    /// Zero when not known.
    var duration: Duration
    var isKey: Bool
    /// With the first picture of a track that was opened without knowing its size.
    var size: PictureSize?
}

/// Writes the file on a thread of its own: a disk that takes its time must not cost packets.
///
/// All verbs come from the main thread and never wait.
final class RecordWriter: Sendable {
    /// What may wait to be written. Half a minute of a good picture: a disk that is further behind won't catch up.
    static let mostWaiting = 64 << 20
    /// What waits at the end is written for so long; then the index must follow, while somebody still waits for it.
    static let timeForRest = Duration.seconds(3)

    enum Condition: Sendable {
        /// The header is not written yet.
        case closed
        /// Header and first frames are in the file.
        case open
        case finished
        case failed(PipelineFailure)
    }

    private enum Job: Sendable {
        case open([ContainerTrack])
        case write(FileFrame)
        case flush
        case finish
        case giveUp
    }

    private struct State {
        var jobs = Fifo<Job>()
        var waiting = 0
        var condition = Condition.closed
        var fileBytes = 0
        /// Frames are written until then; nil: as long as it takes.
        var lastWrite: Instant?
    }

    private let state = Monitor(State())
    private let job: RecordJob
    private var name: String { job.fileName }
    private let waiter: Waiter

    /// - Parameter descriptor: open for writing; belongs to the writer from now on.
    init(_ job: RecordJob, descriptor: Int32, waiter: Waiter) {
        self.job = job
        self.waiter = waiter
        startThread("writer") { self.run(descriptor) }
    }

    var condition: Condition { state.update { $0.condition } }
    var fileBytes: Int { state.update { $0.fileBytes } }

    func open(_ tracks: [ContainerTrack]) { add(.open(tracks)) }
    /// Brings what was written into the file.
    func flush() { add(.flush) }
    /// Ends the file in order, without what a slow disk doesn't take in time.
    func finish(at now: Instant) {
        state.update { state in
            state.lastWrite = now + Self.timeForRest
            state.jobs.append(.finish)
        }
    }
    /// Lets the file be as it is.
    func giveUp() { add(.giveUp) }

    func write(_ frame: FileFrame) throws(PipelineFailure) {
        let isTooMuch = state.update { state in
            if state.waiting > Self.mostWaiting { return true }
            state.waiting += frame.bytes.count
            state.jobs.append(.write(frame))
            return false
        }
        if isTooMuch {
            throw PipelineFailure(
                code: .cannotWrite,
                message: "\(name) can't be written fast enough: \(Self.mostWaiting >> 20) MiB wait for the disk")
        }
    }

    private func add(_ job: Job) { state.update { $0.jobs.append(job) } }

    // MARK: The writing thread

    private func run(_ descriptor: Int32) {
        defer {
            close(descriptor)
            waiter.nudge()
        }
        do throws(PipelineFailure) {
            if try loop(descriptor) { state.update { $0.condition = .finished } }
        } catch {
            state.update { $0.condition = .failed(error) }
        }
    }

    /// - Returns: whether the file was ended in order.
    private func loop(_ descriptor: Int32) throws(PipelineFailure) -> Bool {
        var file: (any RecordingFile)?
        var isFirst = true
        /// From when to when frames were left out.
        var lost: ClosedRange<Duration>?
        while true {
            let (job, lastWrite) = state.wait { state in
                state.jobs.removeFirst().map { ($0, state.lastWrite) }
            }
            switch job {
            case .open(let tracks):
                file = try RecordingFiles.open(job: self.job, descriptor: descriptor, tracks: tracks)
            case .write(let frame):
                state.update { $0.waiting -= frame.bytes.count }
                if let lastWrite, MonotonicClock.now >= lastWrite {
                    let from = lost?.lowerBound ?? frame.time
                    lost = min(from, frame.time)...max(lost?.upperBound ?? from, frame.time + frame.duration)
                    continue
                }
                try file?.write(frame)
                if isFirst, file != nil {
                    isFirst = false
                    try file?.flush()
                    state.update { $0.condition = .open }
                    waiter.nudge()
                }
            case .flush: if lost == nil { try file?.flush() }
            case .finish:
                try file?.finish()
                state.update { $0.fileBytes = file?.size ?? 0 }
                if let lost {
                    let seconds = Double(Int((lost.upperBound - lost.lowerBound).seconds * 10)) / 10
                    throw PipelineFailure(
                        code: .cannotWrite,
                        message:
                            "\(name) is in order, but without its last \(seconds) s: the disk was too slow for them")
                }
                return true
            case .giveUp:
                // What is in memory may still be worth having.
                try? file?.finish()
                return false
            }
            state.update { $0.fileBytes = file?.size ?? 0 }
        }
    }
}
