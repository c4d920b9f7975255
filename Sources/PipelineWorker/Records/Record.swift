import Base
import Glibc
import LibAV
import PipelineControl
import RTCP
import RTP

/// The main thread's side of a recording: receives, puts in order, and hands frames to the writer.
final class Record: PipelineMachine {
    private enum State {
        /// `listening` was said; `receive` is awaited.
        case listening
        /// `ready` was said at this moment; media is awaited.
        case waiting(since: Instant)
        /// Header and first frames are with the writer.
        case recording
        /// The writer ends the file.
        case draining(since: Instant)
    }

    /// How long media, and a key frame, may take once everything is ready.
    static let patience = Duration.seconds(5)
    /// 8 MiB: more than a second of a good picture that comes all at once.
    private static let receiveBuffer: Int32 = 8 << 20
    /// Matroska ends a cluster each time, MP4 a fragment, whose head is far longer.
    private var flushInterval: Duration { job.container == .mp4 ? .milliseconds(500) : .milliseconds(300) }

    private let job: RecordJob
    private var name: String { job.fileName }
    private let channel: ControlChannel
    private let socket: UDPSocket
    private let writer: RecordWriter
    private let batch = ReceiveBatch()
    private var state = State.listening
    private var synchronizer = StreamSynchronizer()
    private var timeline = RecordTimeline()
    private var feedback: RecordFeedback?
    private var tracks: [RecordTrack] = []
    private var sizes: [Int: PictureSize] = [:]
    private var setups: [Int: [UInt8]] = [:]
    /// By track, its position in the file; those that came too late for the header have none.
    private var places: [Int: Int] = [:]
    /// Tracks that are in the header without their size.
    private var sizeless: Set<Int> = []
    private var isFinishing = false
    private var hasSaidRunning = false
    private var lastProgress: Instant?
    private var lastFlush = Instant(nanoseconds: 0)
    private(set) var deadline = Instant.distantFuture

    init(
        _ job: RecordJob, descriptor: Int32?, channel: ControlChannel, waiter: Waiter
    ) throws(PipelineFailure) {
        self.job = job
        self.channel = channel
        guard let descriptor else {
            throw PipelineFailure(code: .protocolError, message: "no open descriptor came with \(job.fileName)")
        }
        guard let address = SocketAddress(job.listenIP, port: 0) else {
            close(descriptor)
            throw PipelineFailure(code: .protocolError, message: "\(job.listenIP) is no address to listen on")
        }
        guard let socket = UDPSocket.bound(to: address, receiveBuffer: Self.receiveBuffer),
            let port = socket.localPort
        else {
            let cause = String(cString: strerror(errno))
            close(descriptor)
            throw PipelineFailure(code: .media, message: "can't listen on \(job.listenIP): \(cause)")
        }
        if let plan = job.plan, let complaint = PlanCheck.refusal(of: plan, name: job.fileName) {
            close(descriptor)
            throw complaint
        }
        self.socket = socket
        writer = RecordWriter(job, descriptor: descriptor, waiter: waiter)
        channel.send(.listening(port: port))
    }

    var descriptors: [Int32] { [socket.descriptor] }

    // MARK: Commands

    func receive(_ command: PipelineCommand) throws(PipelineFailure) {
        switch (command, state) {
        case (.receive(let plan), .listening): try prepare(plan)
        case (.endTrack(let id), .waiting), (.endTrack(let id), .recording):
            guard let track = tracks.first(where: { $0.plan.id == id }) else {
                throw PipelineFailure(
                    code: .protocolError, message: "endTrack names \(id), which \(name) does not have")
            }
            track.noteEnding(at: MonotonicClock.now)
        // The track ended while everything was ending.
        case (.endTrack, .draining): break
        default:
            throw PipelineFailure(
                code: .protocolError, message: "\(command.name) does not fit the recording \(name) at this point")
        }
    }

    private func prepare(_ plan: ReceivePlan) throws(PipelineFailure) {
        guard let address = SocketAddress(plan.ip, port: plan.port), plan.port != 0 else {
            throw PipelineFailure(code: .protocolError, message: "\(plan.ip) port \(plan.port) is no address for RTCP")
        }
        guard !plan.tracks.isEmpty else {
            throw PipelineFailure(code: .protocolError, message: "receive names no track for \(name)")
        }
        for (position, track) in plan.tracks.enumerated() {
            guard !tracks.contains(where: { $0.plan.ssrc == track.ssrc || $0.plan.id == track.id }) else {
                throw PipelineFailure(
                    code: .protocolError, message: "receive names track \(track.id) or SSRC \(track.ssrc) twice")
            }
            tracks.append(try RecordTrack(track, position: position, synchronizer: &synchronizer))
        }
        feedback = RecordFeedback(socket: socket, address: address)
        let now = MonotonicClock.now
        state = .waiting(since: now)
        deadline = now
        channel.send(.ready)
    }

    func finish() { isFinishing = true }

    func abandon() {
        writer.giveUp()
        // The file so far shall be as good as it can be, but a hung disk shall not hold us.
        let limit = MonotonicClock.now + .seconds(1)
        while case .open = writer.condition, MonotonicClock.now < limit { usleep(5000) }
    }

    // MARK: Turns

    func turn(now: Instant) throws(PipelineFailure) -> PipelineProgress? {
        switch writer.condition {
        case .failed(let failure): throw failure
        case .finished:
            if let failure = leftOutPicture { throw failure }
            return progress(at: now, isLast: true)
        case .open where !hasSaidRunning:
            hasSaidRunning = true
            lastProgress = now
            channel.send(.running)
        case .open, .closed: break
        }
        if case .draining(let since) = state {
            try drain(since: since, now)
            return nil
        }
        // What has come before the end was told still belongs into the file.
        receiveDatagrams(now)
        for track in tracks where !track.hasEnded { take(track.advance(to: now, &synchronizer), of: track, at: now) }
        for track in tracks where track.isOver(at: now) { take(track.end(&synchronizer), of: track, at: now) }
        let isLastAwaited = tracks.contains { $0.isEnding && !$0.hasEnded }
        if isFinishing ? !isLastAwaited : !tracks.isEmpty && tracks.allSatisfy(\.hasEnded) {
            try end(now)
            return nil
        }
        try write(now)
        feedback?.turn(tracks, at: now)
        tellProgress(now)
        if !tracks.isEmpty { plan(now) }
        return nil
    }

    /// Everything that is due within a tenth of a second is looked at then: nothing here is more urgent.
    private func plan(_ now: Instant) {
        let holes = tracks.filter { !$0.hasEnded }.compactMap(\.nextDeadline).min() ?? .distantFuture
        deadline = max(now + .milliseconds(1), min(holes, now + .milliseconds(100)))
    }

    private func receiveDatagrams(_ now: Instant) {
        // 32 batches: 2,048 packets, then the rest of the turn has its turn.
        for _ in 0..<32 {
            guard batch.receive(from: socket, { receive($0, at: now) }) else { break }
        }
    }

    private func receive(_ datagram: RawSpan, at now: Instant) {
        switch PacketKind.of(datagram) {
        case .rtp:
            guard let header = try? RTPHeader(parsing: datagram),
                let track = tracks.first(where: { $0.plan.ssrc == header.ssrc })
            else { return }
            take(track.receive(datagram, header, at: now, &synchronizer), of: track, at: now)
        case .rtcp: feedback?.receive(datagram, tracks, &synchronizer, at: now)
        case .other: break
        }
    }

    // MARK: Frames

    private func take(_ units: [AccessUnit], of track: RecordTrack, at now: Instant) {
        for unit in units {
            if track.isVideo, unit.isKeyFrame, sizes[track.position] == nil {
                guard let size = PictureSize.of(unit.bytes, codec: track.codec) else { continue }
                sizes[track.position] = size
                if track.codec == .h264 { setups[track.position] = H264Stream(extradata: unit.bytes).annexB }
            }
            // Before its first key frame, a picture has nothing to show.
            if track.isVideo, sizes[track.position] == nil { continue }
            timeline.hold(unit, track: track.position)
        }
    }

    /// Writes what can be written; decides whether the file can begin, or never will.
    private func write(_ now: Instant, isLast: Bool = false) throws(PipelineFailure) {
        if !timeline.hasBegun {
            try begin(now, isLast: isLast)
            guard timeline.hasBegun else { return }
        }
        for frame in timeline.takePending() { try write(frame) }
        if now - lastFlush >= flushInterval {
            lastFlush = now
            writer.flush()
        }
    }

    private func write(_ frame: RecordTimeline.Pending) throws(PipelineFailure) {
        let track = tracks[frame.track]
        guard let place = places[frame.track], let time = synchronizer.time(of: frame.unit.timestamp, on: track.stream),
            var placed = timeline.place(frame, at: time, isVideo: track.isVideo)
        else { return }
        placed.track = place
        if sizeless.remove(frame.track) != nil { placed.size = sizes[frame.track] }
        try writer.write(placed)
        track.frames += 1
    }

    private func begin(_ now: Instant, isLast: Bool) throws(PipelineFailure) {
        guard case .waiting(let since) = state else { return }
        let videos = tracks.filter { $0.isVideo && (!$0.hasEnded || sizes[$0.position] != nil) }
        let isRipe = videos.allSatisfy { sizes[$0.position] != nil } && !timeline.pending.isEmpty
        let isLate = now - since >= Self.patience
        guard isRipe || ((isLast || isLate) && !timeline.pending.isEmpty) else {
            if isLate || timeline.pendingBytes > RecordWriter.mostWaiting { throw missing(videos) }
            return
        }
        timeline.noteRipe(at: now)
        let areSynchronized = tracks.allSatisfy {
            $0.hasEnded || $0.packets == 0 || synchronizer.isSynchronized($0.stream)
        }
        let hasAll = tracks.allSatisfy { $0.hasEnded || $0.packets > 0 }
        let isPatient = timeline.ripeSince.map { now - $0 < RecordTimeline.patience } ?? true
        if isPatient, !isLast, !isLate, !(areSynchronized && hasAll) { return }
        let frames = timeline.begin(isVideo: { tracks[$0].isVideo }) {
            synchronizer.time(of: $0.unit.timestamp, on: tracks[$0.track].stream)
        }
        state = .recording
        writer.open(layOut())
        for frame in frames { try write(frame) }
    }

    /// Gives each track its place in the file; pictures that have not begun get one where they can come later.
    private func layOut() -> [ContainerTrack] {
        var laidOut: [ContainerTrack] = []
        for track in tracks {
            if track.isVideo, sizes[track.position] == nil {
                let cause = track.packets == 0 ? "nothing came on" : "no key frame came on"
                let canJoin = !track.hasEnded && canBeginLate(track)
                log(
                    "\(name) begins without a picture: \(cause) the \(track.subject); "
                        + (canJoin ? "it is taken in when it comes" : "what comes of it later is left out"))
                guard canJoin else { continue }
                sizeless.insert(track.position)
            }
            places[track.position] = laidOut.count
            laidOut.append(containerTrack(track))
        }
        return laidOut
    }

    /// Whether a header can be written before the first key frame: H264 needs its parameter sets there, MP4 the size.
    private func canBeginLate(_ track: RecordTrack) -> Bool {
        job.plan == nil && job.container != .mp4 && (track.codec == .vp8 || track.codec == .vp9)
    }

    /// GStreamer's muxers take nobody in once they run. A picture that came too late for them must not be missed in silence.
    private var leftOutPicture: PipelineFailure? {
        guard job.plan != nil,
            let track = tracks.first(where: { $0.isVideo && $0.packets > 0 && places[$0.position] == nil })
        else { return nil }
        return PipelineFailure(
            code: .noKeyFrame,
            message: "\(name) is in order, but without its picture: no key frame came on the \(track.subject) in"
                + " time, and GStreamer takes in no picture later")
    }

    private func containerTrack(_ track: RecordTrack) -> ContainerTrack {
        let size = sizes[track.position] ?? PictureSize(width: 0, height: 0)
        let codec: ContainerTrack.Codec
        switch track.codec {
        case .vp8: codec = .vp8
        case .vp9: codec = .vp9
        case .h264: codec = .h264
        // No container is offered H265 or AV1: such producers are refused before.
        case .opus, .h265, .av1, .other: return ContainerTrack(opusChannels: 2)
        }
        return ContainerTrack(
            video: codec, width: size.width, height: size.height, bitDepth: size.bitDepth,
            setup: setups[track.position] ?? [])
    }

    /// Says which track has kept the recording from beginning.
    private func missing(_ videos: [RecordTrack]) -> PipelineFailure {
        let seconds = Self.patience.components.seconds
        if let silent = videos.first(where: { $0.packets == 0 })
            ?? (tracks.allSatisfy { $0.packets == 0 } ? tracks.first : nil)
        {
            return PipelineFailure(
                code: .noMedia, message: "nothing came on the \(silent.subject) for \(name) within \(seconds) s")
        }
        if let keyless = videos.first(where: { sizes[$0.position] == nil }) {
            return PipelineFailure(
                code: .noKeyFrame,
                message: "no key frame came on the \(keyless.subject) for \(name) within \(seconds) s, only"
                    + " \(keyless.packets) packets of others")
        }
        return PipelineFailure(
            code: .noMedia, message: "nothing that can be decoded came for \(name) within \(seconds) s")
    }

    // MARK: The end

    private func end(_ now: Instant) throws(PipelineFailure) {
        for track in tracks { take(track.end(&synchronizer), of: track, at: now) }
        try write(now, isLast: true)
        guard timeline.hasBegun else {
            throw PipelineFailure(
                code: tracks.contains { $0.packets > 0 } ? .noKeyFrame : .noMedia,
                message: "\(name) ended before anything came that a recording could begin with")
        }
        writer.finish(at: now)
        state = .draining(since: now)
        deadline = now + .seconds(1)
    }

    private func drain(since: Instant, _ now: Instant) throws(PipelineFailure) {
        deadline = now + .seconds(1)
        guard now - since < Worker.patienceAtEnd else {
            throw PipelineFailure(
                code: .cannotWrite,
                message: "\(name) could not be ended: the disk did not take the rest within"
                    + " \(Worker.patienceAtEnd.components.seconds) s")
        }
    }

    // MARK: Progress

    private func tellProgress(_ now: Instant) {
        guard hasSaidRunning, let last = lastProgress, now - last >= .seconds(1) else { return }
        channel.send(.progress(progress(at: now, isLast: false)))
    }

    private func progress(at now: Instant, isLast: Bool) -> PipelineProgress {
        let interval = isLast ? timeline.end : lastProgress.map { now - $0 } ?? .zero
        lastProgress = now
        return PipelineProgress(
            seconds: timeline.end.seconds, tracks: tracks.map { $0.progress(over: interval, isLast: isLast) },
            fileBytes: writer.fileBytes)
    }
}
