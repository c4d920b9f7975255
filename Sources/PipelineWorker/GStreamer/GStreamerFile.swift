import Base
import GStreamer
import Glibc
import LibAV
import PipelineControl

/// A file that a GStreamer description muxes.
///
/// Its muxer takes frames in the order of time and waits for a track that brings none. So a silent sound is filled with
/// silence; while a picture brings nothing, the sound waits in memory, up to a limit.
final class GStreamerFile: RecordingFile {
    /// More than this is with the muxer only when the disk is slow: then the writer's own queue shall hold it.
    private static let mostAhead = 8 << 20
    /// As much as the writer holds.
    private static let mostWaiting = RecordWriter.mostWaiting
    /// How far the sound may lie behind the picture before silence is put there; and how far behind it is put, so that
    /// sound that is merely late still finds its place.
    private static let silenceAfter = Duration.seconds(2)
    private static let silenceBehind = Duration.seconds(1)
    /// Full band, 20 ms, nothing in it (RFC 6716 §3.1: configuration 31, code 0).
    private static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]
    /// Below what the main thread grants the end of a file, so that our message is the one that is told.
    private static let patienceAtEnd = Duration.milliseconds(4500)

    private final class Track {
        let source: AppSource
        let isSound: Bool
        var last: Duration?

        init(_ source: AppSource, isSound: Bool) { (self.source, self.isSound) = (source, isSound) }
    }

    private let built: PlannedPipeline
    private let name: String
    private let descriptor: Int32
    private var tracks: [Track] = []
    private var mishaps: Mishaps
    private var isFinished = false

    init(
        _ plan: GStreamerPlan, name: String, descriptor: Int32, tracks: [ContainerTrack]
    ) throws(PipelineFailure) {
        (self.name, self.descriptor) = (name, descriptor)
        mishaps = Mishaps(subject: name)
        let codecs = tracks.map(\.branch)
        for codec in codecs where plan.branches[codec] == nil && !plan.branches.isEmpty {
            throw Self.failure(
                "\(name) can't hold \(codec): its description has branches for"
                    + " \(plan.branches.keys.sorted().joined(separator: ", "))")
        }
        guard Set(tracks.map(\.word)).count == tracks.count else {
            throw Self.failure("\(name): a description of GStreamer takes one picture and one sound")
        }
        do throws(PipelineFailure) {
            built = try PlannedPipeline(
                plan, branches: codecs, name: name, descriptor: (PlanWords.output, descriptor), reach: Reach())
        } catch {
            throw Self.failure(error.message)
        }
        for track in tracks {
            guard let element = built.pipeline.element(named: track.word), let caps = Caps(track.caps),
                let source = AppSource(element, caps: caps)
            else { throw Self.failure("\(name) has no appsrc named \(track.word), which gets the frames") }
            self.tracks.append(Track(source, isSound: track.word == PlanWords.audio))
        }
        do throws(GStreamerError) { _ = try built.pipeline.play() } catch {
            throw Self.failure("\(name): \(built.words(of: error))")
        }
    }

    deinit { built.pipeline.stop() }

    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    func write(_ frame: FileFrame) throws(PipelineFailure) {
        guard tracks.indices.contains(frame.track) else { return }
        let track = tracks[frame.track]
        if let last = track.last, frame.time < last {
            mishaps.note("a frame that came too late for its place was left out")
            return
        }
        try hear()
        try push(frame.bytes, to: track, at: frame.time, duration: frame.duration, isKey: frame.isKey)
        if !track.isSound { try fillSilence(upTo: frame.time) }
        try awaitRoom(for: track)
    }

    private func push(
        _ bytes: [UInt8], to track: Track, at time: Duration, duration: Duration, isKey: Bool
    ) throws(PipelineFailure) {
        track.last = time
        guard track.source.push(bytes, at: time, duration: duration, isKey: isKey) else {
            try hear()
            throw Self.failure("\(name) can't be written: the muxer takes nothing any more")
        }
    }

    private func fillSilence(upTo time: Duration) throws(PipelineFailure) {
        for track in tracks where track.isSound {
            guard time - (track.last ?? .zero) > Self.silenceAfter else { continue }
            try push(
                Self.silence, to: track, at: time - Self.silenceBehind, duration: .milliseconds(20), isKey: true)
        }
    }

    /// Holds the writer up while the disk is behind; not while the muxer waits for another track.
    private func awaitRoom(for track: Track) throws(PipelineFailure) {
        var (level, since) = (track.source.bytesWaiting, MonotonicClock.now)
        while level > Self.mostAhead, tracks.allSatisfy({ $0 === track || $0.source.bytesWaiting > 0 }) {
            try hear()
            usleep(5000)
            let now = track.source.bytesWaiting
            if now != level { since = MonotonicClock.now }
            level = now
            guard MonotonicClock.now - since < Worker.patienceAtEnd else {
                throw Self.failure(
                    "\(name) can't be written: the disk has taken nothing for"
                        + " \(Worker.patienceAtEnd.components.seconds) s")
            }
        }
        guard level <= Self.mostWaiting else {
            throw Self.failure(
                "\(name) can't be written: \(Self.mostWaiting >> 20) MiB of one track wait for the other, which brings"
                    + " nothing")
        }
    }

    func flush() throws(PipelineFailure) { try hear() }

    func finish() throws(PipelineFailure) {
        guard !isFinished else { return }
        isFinished = true
        defer { built.pipeline.stop() }
        for track in tracks { track.source.end() }
        let deadline = MonotonicClock.now + Self.patienceAtEnd
        while MonotonicClock.now < deadline {
            switch built.pipeline.nextMessage(waiting: .milliseconds(100)) {
            case .end: return
            case .error(let error): throw failure(error)
            case .warning(let error): mishaps.note(built.words(of: error))
            case nil: break
            }
        }
        throw Self.failure("\(name) could not be ended: the muxer did not come to its end in time")
    }

    private func hear() throws(PipelineFailure) {
        while let message = built.pipeline.nextMessage() {
            switch message {
            case .error(let error): throw failure(error)
            case .warning(let error): mishaps.note(built.words(of: error))
            case .end: break
            }
        }
    }

    private func failure(_ error: GStreamerError) -> PipelineFailure {
        Self.failure("\(name) can't be written: \(built.words(of: error))")
    }

    /// A file's no.
    private static func failure(_ message: String) -> PipelineFailure {
        PipelineFailure(code: .cannotWrite, message: message)
    }
}

extension ContainerTrack {
    /// The codec, as branches are called by.
    fileprivate var branch: String { "\(codec)" }

    /// The name of its appsrc.
    fileprivate var word: String { codec == .opus ? PlanWords.audio : PlanWords.video }

    fileprivate var caps: String {
        // A rate of 0/1 means that it varies; WebM's muxer wants to be told.
        let picture = "width=(int)\(width), height=(int)\(height), framerate=(fraction)0/1"
        switch codec {
        case .vp8: return "video/x-vp8, \(picture)"
        case .vp9: return "video/x-vp9, profile=(string)0, \(picture)"
        case .h264: return "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, \(picture)"
        case .opus:
            let head = setup.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "audio/x-opus, rate=(int)48000, channels=(int)\(channels), channel-mapping-family=(int)0,"
                + " streamheader=(buffer)< \(head) >"
        }
    }
}
