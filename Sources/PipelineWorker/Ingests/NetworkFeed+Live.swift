import Base
import LibAV
import PipelineControl

extension NetworkFeed {
    /// A stream's clock may begin anew while it is open; steps beyond this are such a beginning.
    private static let largestStep = Duration.seconds(10)
    /// A demuxer that finds nothing but damage this often in a row has lost its way.
    static let mostReadErrors = 32

    /// From connecting to the end of that connection.
    func playLive() throws(PipelineFailure) -> Ending {
        let input: Input
        switch open() {
        case .open(let opened): input = opened
        case .ended(let ending): return ending
        }
        let choice = TrackChoice(of: input, name: name)
        input.select(Set(choice.streams.map(\.index)))
        let probe = SourceProbe(input, streams: choice.streams, depth: .live)
        if isStopped { return .stopped }
        if probe.packets.isEmpty { return ending(of: probe.failure) }
        let plans: [TrackPlan]
        do throws(PipelineFailure) {
            plans = try decide(choice, input: input, probe: probe)
        } catch {
            return access.isAwaited ? .left(error.message) : .failed(error)
        }
        do throws(LibAVError) {
            return try play(plans, from: input, probe: probe)
        } catch {
            return ending(of: error)
        }
    }

    private func play(_ plans: [TrackPlan], from input: Input, probe: SourceProbe) throws(LibAVError) -> Ending {
        let video = plans.first { $0.stream.parameters.kind == .video }?.stream.index
        var backlog = LiveBacklog(video: video)
        for packet in probe.packets { backlog.append(packet) }
        // Nothing may wait in the network while the room is prepared.
        while outputs.isEmpty {
            if isStopped { return .stopped }
            if let wires = exchange.wireIfKnown(tracks: offered.count) {
                try makeOutputs(wires)
                break
            }
            guard let packet = try input.read() else { return ending(of: nil) }
            backlog.append(packet)
        }
        let timeline = makeTimeline(backlog, input: input)
        let feeds = try feeds(for: plans, timeline: timeline)
        input.select(Set(feeds.keys))
        let framesBefore = framesMade
        defer { end = max(end, timeline.end) }
        for packet in backlog.packets {
            if let feed = feeds[packet.streamIndex] { guard try feed.take(packet) else { return .stopped } }
        }
        var errors = 0
        while true {
            if awaySince != nil, framesMade > framesBefore { noteReturn() }
            let packet: Packet?
            do throws(LibAVError) {
                packet = try input.read()
            } catch {
                if isStopped { return .stopped }
                errors += 1
                guard error.isDamage, !exchange.interrupt.isOverdue, errors < Self.mostReadErrors else { throw error }
                continue
            }
            guard let packet else { break }
            errors = 0
            if let feed = feeds[packet.streamIndex] { guard try feed.take(packet) else { return .stopped } }
        }
        for feed in feeds.values { guard try feed.endRound() else { return .stopped } }
        return ending(of: nil)
    }

    /// Media time zero is the first frame of all; after an interruption, media time has gone on with the clock, and the
    /// newest frame is now.
    private func makeTimeline(_ backlog: LiveBacklog, input: Input) -> Timeline {
        let times = backlog.packets.compactMap { $0.presentation ?? $0.decoding }
        let oldest = times.min() ?? .zero
        // By the track that comes latest: the others' last frames wait for it.
        var newest: [Int: Duration] = [:]
        for packet in backlog.packets {
            guard let time = packet.presentation ?? packet.decoding else { continue }
            newest[packet.streamIndex] = max(newest[packet.streamIndex] ?? time, time)
        }
        let span = (newest.values.min() ?? oldest) - oldest
        var start = end
        if let now = exchange.position(at: MonotonicClock.now) {
            start = max(end, now + LivePace.margin - min(span, .seconds(10)))
        }
        return Timeline(origin: oldest, largestStep: Self.largestStep, start: start)
    }
}

/// What a live source has brought before it can be sent: no more than is needed to begin with a picture.
struct LiveBacklog {
    /// A distance of key frames that nobody uses for live media.
    private static let mostBytes = 16 << 20
    /// Without pictures, what is older is not worth hearing any more.
    private static let longestSound = Duration.milliseconds(200)

    private let video: Int?
    private var bytes = 0
    private(set) var packets: [Packet] = []

    /// - Parameter video: the stream that decides where to begin.
    init(video: Int?) { self.video = video }

    mutating func append(_ packet: Packet) {
        packets.append(packet)
        bytes += packet.size
        if packet.streamIndex == video {
            if packet.isKey { drop(before: packet) }
        } else if video == nil, let first = packets.first, let start = first.presentation,
            let time = packet.presentation,
            time - start > Self.longestSound
        {
            remove { $0 === first }
        }
        if bytes > Self.mostBytes { remove { _ in true } }
    }

    /// Pictures before a key frame, and the sound that belongs to them.
    private mutating func drop(before key: Packet) {
        let start = key.presentation ?? key.decoding
        let picture = video
        remove { packet in
            if packet === key { return false }
            if packet.streamIndex == picture { return true }
            guard let start, let time = packet.presentation else { return false }
            return time < start
        }
    }

    private mutating func remove(where isOld: (Packet) -> Bool) {
        packets.removeAll(where: isOld)
        bytes = packets.reduce(0) { $0 + $1.size }
    }
}
