import Base
import LibAV
import PipelineControl

extension NetworkFeed {
    /// A file or a list of segments: read as it is needed, from its start to its end.
    func playPulled() throws(PipelineFailure) -> Ending {
        let input: Input
        switch open() {
        case .open(let opened): input = opened
        case .ended(let ending): return ending
        }
        let choice = TrackChoice(of: input, name: name)
        input.select(Set(choice.streams.map(\.index)))
        let probe = SourceProbe(input, streams: choice.streams)
        if isStopped { return .stopped }
        if probe.packets.isEmpty, let failure = probe.failure { return nothingRead(failure, of: input) }
        let isFirst = !hasOpened
        let plans = try decide(choice, input: input, probe: probe)
        if isFirst {
            guard let wires = exchange.awaitWire(tracks: offered.count) else { return .stopped }
            do throws(LibAVError) {
                try makeOutputs(wires)
            } catch {
                throw PipelineFailure(code: .media, message: "\(name): \(error)")
            }
        }
        do throws(LibAVError) {
            return try play(plans, from: input, probe: probe)
        } catch {
            return ending(of: error)
        }
    }

    private func play(_ plans: [TrackPlan], from first: Input, probe: SourceProbe) throws(LibAVError) -> Ending {
        let starts = plans.compactMap { probe.start(of: $0.stream, isDecoded: $0.treatment == .transcode) }
        var start = end
        if let now = exchange.position(at: MonotonicClock.now) { start = max(end, now) }
        let timeline = Timeline(
            origin: starts.min() ?? .zero, largestStep: .seconds(first.allowsJumps || plans.count > 1 ? 30 : 3600),
            start: start)
        defer { end = max(end, timeline.end) }
        let feeds = try feeds(for: plans, timeline: timeline)
        first.select(Set(feeds.keys))
        var place = ReadingPlace()
        var input = first
        var waiting = probe.packets[...]
        while true {
            let framesBefore = framesMade
            switch try read(input, waiting, feeds, &place) {
            case .stopped: return .stopped
            case .ended:
                for feed in feeds.values { guard try feed.endRound() else { return .stopped } }
                guard job.loop, framesMade > framesBefore else {
                    for feed in feeds.values { guard try feed.finish() else { return .stopped } }
                    return framesMade > 0 ? .finished : ending(of: nil)
                }
                guard case .open(let next) = open() else { return ending(of: nil) }
                next.select(Set(feeds.keys))
                timeline.beginRound()
                (input, waiting, place) = (next, [], ReadingPlace())
            case .broke(let failure):
                // Where there is no place to go back to, the source goes on with what it brings then.
                guard Self.canGoOn(input) else { return isFile(input) ? brokenOff(failure) : failure }
                switch goOn(after: failure, input, feeds, place) {
                case .open(let next): (input, waiting) = (next, [])
                case .ended(let ending): return ending
                }
            }
        }
    }

    private enum ReadEnding {
        case stopped
        case ended
        case broke(Ending)
    }

    private func read(
        _ input: Input, _ waiting: ArraySlice<Packet>, _ feeds: [Int: any TrackFeed], _ place: inout ReadingPlace
    ) throws(LibAVError) -> ReadEnding {
        for packet in waiting where place.isNew(packet) {
            if let feed = feeds[packet.streamIndex] { guard try feed.take(packet) else { return .stopped } }
        }
        var errors = 0
        while true {
            if isStopped { return .stopped }
            if awaySince != nil { noteReturn() }
            let packet: Packet?
            do throws(LibAVError) {
                packet = try input.read()
            } catch {
                if isStopped { return .stopped }
                errors += 1
                if error.isDamage, !exchange.interrupt.isOverdue, errors < Self.mostReadErrors { continue }
                return .broke(ending(of: error))
            }
            guard let packet else { return hasBroken(input) ? .broke(ending(of: nil)) : .ended }
            errors = 0
            // Half a packet, cut off where the connection broke: it comes whole when reading goes on.
            if packet.isCorrupt, !input.allowsJumps { continue }
            guard place.isNew(packet), let feed = feeds[packet.streamIndex] else { continue }
            guard try feed.take(packet) else { return .stopped }
        }
    }

    /// An end that is none: of a stream without any end, or of a list that could not be renewed.
    private func hasBroken(_ input: Input) -> Bool {
        if input.duration != nil { return false }
        if input.formatName == "hls" {
            return LibAVLog.takeComplaints().contains {
                $0.contains("Failed to reload") || $0.contains("Failed to open")
            }
        }
        return input.size == nil
    }

    /// Whether what broke off can be read on from where it was.
    private static func canGoOn(_ input: Input) -> Bool {
        input.duration != nil && (input.isSeekable || input.formatName == "hls")
    }

    private func nothingRead(_ error: LibAVError, of input: Input) -> Ending {
        // Such a server sends from the start only, and the index is reached behind everything it describes.
        guard input.duration != nil, !input.isSeekable, input.formatName.contains("mp4") else {
            return ending(of: error)
        }
        let message =
            "\(name) can't be read from its start: its index stands at its end, and the server offers no ranges; "
            + "write it with the index in front (ffmpeg -movflags +faststart)"
        return .hopeless(PipelineFailure(code: .cannotOpen, message: message))
    }

    private func isFile(_ input: Input) -> Bool { input.duration != nil || input.size != nil }

    private func brokenOff(_ ending: Ending) -> Ending {
        guard case .failed(var failure) = ending else { return ending }
        failure.message += "; its server can't send the rest alone (no ranges), so it can't be gone on with"
        return .hopeless(failure)
    }

    /// Opens a source again that broke off, at the place where it was.
    private func goOn(
        after ending: Ending, _ input: Input, _ feeds: [Int: any TrackFeed], _ place: ReadingPlace
    ) -> Opening {
        guard case .failed(var failure) = ending else { return .ended(ending) }
        let streams = input.streams.map(\.parameters.codecName)
        while true {
            guard mayRetry else { return .ended(.failed(failure)) }
            guard waitForRetry(after: failure) else { return .ended(.stopped) }
            switch open() {
            case .open(let next):
                guard next.streams.map(\.parameters.codecName) == streams else {
                    let message = "\(name) has become another file meanwhile: start the ingest anew"
                    return .ended(.failed(PipelineFailure(code: .media, message: message)))
                }
                next.select(Set(feeds.keys))
                do throws(LibAVError) {
                    try next.seek(to: max(.zero, place.earliest))
                    return .open(next)
                } catch {
                    guard case .failed(let another) = self.ending(of: error) else { return .ended(.stopped) }
                    failure = another
                }
            case .ended(.failed(let another)): failure = another
            case .ended(let other): return .ended(other)
            }
        }
    }
}

/// How far each stream has been read: what comes a second time after going back is left out.
struct ReadingPlace {
    private var latest: [Int: Duration] = [:]

    /// From where reading must go on for all streams.
    var earliest: Duration { latest.values.min() ?? .zero }

    /// Whether it was not there yet; notes that it is now.
    mutating func isNew(_ packet: Packet) -> Bool {
        guard let time = packet.decoding ?? packet.presentation else { return true }
        if let last = latest[packet.streamIndex], time <= last { return false }
        latest[packet.streamIndex] = time
        return true
    }
}
