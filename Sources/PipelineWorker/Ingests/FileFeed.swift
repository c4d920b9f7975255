import Base
import Glibc
import LibAV
import PipelineControl

/// The feeding thread of an ingest from a file: opens, decides, then reads, decodes and encodes ahead.
final class FileFeed {
    /// A demuxer that finds nothing but damage this often in a row has lost its way.
    private static let mostReadErrors = 32

    private let name: String
    private let descriptor: Int32
    private let exchange: IngestExchange

    /// Runs to the end; what happens is told through the exchange. The descriptor is closed.
    static func run(_ job: IngestJob, name: String, descriptor: Int32, exchange: IngestExchange) {
        let feed = FileFeed(name: name, descriptor: descriptor, exchange: exchange)
        do throws(PipelineFailure) {
            try feed.run(job)
        } catch {
            exchange.tell(.failed(error))
        }
        close(descriptor)
    }

    private init(name: String, descriptor: Int32, exchange: IngestExchange) {
        (self.name, self.descriptor, self.exchange) = (name, descriptor, exchange)
    }

    private func run(_ job: IngestJob) throws(PipelineFailure) {
        let input = try open()
        let choice = TrackChoice(of: input, name: name)
        input.select(Set(choice.streams.map(\.index)))
        let probe = SourceProbe(input, streams: choice.streams)
        let (plans, leftOut) = try choice.decide(job: job, probe: probe)
        exchange.tell(
            .opened(
                OpenedSource(
                    durationSeconds: job.loop ? nil : input.duration?.seconds,
                    tracks: plans.enumerated().map { $1.offered(as: $0) }, format: input.formatName, leftOut: leftOut)))
        guard let wires = exchange.awaitWire(tracks: plans.count) else { return }
        do throws(LibAVError) {
            try play(plans, wires, from: input, probe: probe, loop: job.loop)
        } catch {
            throw PipelineFailure(code: .media, message: "\(name): \(error)")
        }
    }

    // MARK: Opening

    private func open() throws(PipelineFailure) -> Input {
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 {
            throw PipelineFailure(code: .cannotOpen, message: "can't open \(name): the file is empty")
        }
        do throws(LibAVError) {
            return try Input(descriptor: descriptor, name: name)
        } catch {
            throw PipelineFailure(code: .cannotOpen, message: "\(error)")
        }
    }

    // MARK: Playing

    private func play(
        _ plans: [TrackPlan], _ wires: [WireTrack], from first: Input, probe: SourceProbe, loop: Bool
    ) throws(LibAVError) {
        let starts = plans.compactMap { probe.start(of: $0.stream, isDecoded: $0.treatment == .transcode) }
        // Containers with clocks that begin anew get less patience; a lone track may pause as a screen recording does.
        let largestStep = Duration.seconds(first.allowsJumps ? 10 : wires.count > 1 ? 30 : 3600)
        let timeline = Timeline(origin: starts.min() ?? .zero, largestStep: largestStep)
        var feeds: [Int: any TrackFeed] = [:]
        var outputs: [TrackOutput] = []
        for wire in wires where plans.indices.contains(wire.track) {
            let plan = plans[wire.track]
            let output = try TrackOutput(
                plan.packetizer, clockRate: plan.codec.clockRate, wire: wire, exchange: exchange)
            outputs.append(output)
            feeds[plan.stream.index] = try plan.feed(into: output, timeline: timeline)
        }
        first.select(Set(feeds.keys))
        var input = first
        var waiting = probe.packets[...]
        while true {
            let framesBefore = outputs.reduce(0) { $0 + $1.frames }
            guard try playRound(input, waiting, feeds) else { return }
            let hasPlayed = outputs.reduce(0) { $0 + $1.frames } > framesBefore
            guard loop, hasPlayed, let next = beginAgain(feeds) else { break }
            timeline.beginRound()
            (input, waiting) = (next, [])
        }
        for feed in feeds.values { guard try feed.finish() else { return } }
        guard outputs.contains(where: { $0.frames > 0 }) else {
            exchange.tell(
                .failed(PipelineFailure(code: .media, message: "\(name): nothing in it could be decoded or sent")))
            return
        }
        exchange.end(at: timeline.end)
    }

    /// From the first packet to the last. False: nobody wants more.
    private func playRound(
        _ input: Input, _ waiting: ArraySlice<Packet>, _ feeds: [Int: any TrackFeed]
    ) throws(LibAVError) -> Bool {
        for packet in waiting {
            if let feed = feeds[packet.streamIndex] { guard try feed.take(packet) else { return false } }
        }
        var errors = 0
        while errors < Self.mostReadErrors {
            let packet: Packet?
            do throws(LibAVError) {
                packet = try input.read()
            } catch {
                errors += 1
                if errors == 1 { log("\(name): \(error.cause) in the middle: going on behind it") }
                continue
            }
            guard let packet else { break }
            errors = 0
            if let feed = feeds[packet.streamIndex] { guard try feed.take(packet) else { return false } }
        }
        if errors > 0 { log("\(name): ends early: it can't be read any further") }
        for feed in feeds.values { guard try feed.endRound() else { return false } }
        return true
    }

    /// Opens the source anew for the next round; nil when that can't be done, which ends the loop.
    private func beginAgain(_ feeds: [Int: any TrackFeed]) -> Input? {
        guard lseek(descriptor, 0, Int32(SEEK_SET)) == 0 else {
            log("\(name): can't be played again: it can't be sought in")
            return nil
        }
        do throws(LibAVError) {
            let input = try Input(descriptor: descriptor, name: name)
            input.select(Set(feeds.keys))
            return input
        } catch {
            log("\(name): can't be played again: \(error)")
            return nil
        }
    }
}
