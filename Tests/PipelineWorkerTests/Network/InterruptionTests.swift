import Base
import Glibc
import PipelineControl
import TestSupport
import Testing

/// Sources that fail and return: the wire stands through all of it.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"), .serialized)
struct InterruptionTests {
    /// What holds for every track through every interruption.
    private static func expectOneLine(_ watch: WireWatch, rates: [Double]) {
        for (index, (track, rate)) in zip(watch.seen, rates).enumerated() {
            #expect(track.sequenceGaps == 0)
            #expect(track.stepsBack == 0)
            #expect(Set(track.packets.map(\.ssrc)) == [UInt32(1000 + index)])
            #expect(track.reportError(rate: rate) < 0.01, "\(track.reportError(rate: rate)) s")
        }
    }

    /// Media time has gone on by the time of the gap, and pictures begin with a key frame.
    private static func expectReturn(
        _ watch: WireWatch, across moment: Instant, rates: [Double], gap: ClosedRange<Double>
    ) throws {
        for (track, rate) in zip(watch.seen, rates) {
            let (packet, before) = try #require(track.returned(across: moment))
            let pause = (packet.arrival - before.arrival).seconds
            let step = Double(packet.timestamp &- before.timestamp) / rate
            #expect(gap.contains(pause), "\(pause) s")
            // A source that sends its last second again begins with that, soon.
            #expect(abs(step - pause) < 2.5, "a step of \(step) s in a pause of \(pause) s")
            if rate == 90_000 {
                #expect(packet.startsWithParameterSets, "\(packet.payload.prefix(40))")
            }
        }
    }

    @Test(
        .enabled(if: RTSPServer.isInstalled, "gst-rtsp-server's bindings are not installed"),
        arguments: [(CuttingRelay.Cut.closed, 1), (.silent, 10)])
    func `a camera whose network is cut flows again on the same wire`(cut: CuttingRelay.Cut, seconds: Int) async throws
    {
        let clip = try await NetworkPeer.h264.value
        try await onThread {
            let server = try RTSPServer.start(playing: clip.path, video: "h264", audio: "aac")
            let relay = try CuttingRelay(to: try server.port())
            let worker = try WorkerProcess()
            let job = NetworkPeer.job("rtsp://127.0.0.1:\(relay.port)/stream", patience: 2, retry: .onceOpened)
            let (source, watch) = try worker.play(job)
            let rates = source.tracks.map { Double($0.codec.clockRate) }
            sleep(2)
            let began = WireWatch.now
            relay.cut(cut)
            let first = try worker.interrupted()
            #expect(first.reason.hasPrefix("rtsp://127.0.0.1:\(relay.port)/stream: "), "\(first.reason)")
            #expect(first.attempts == 0)
            #expect(first.retrySeconds != nil)
            while (WireWatch.now - began).seconds < Double(seconds) { usleep(10_000) }
            let back = WireWatch.now
            relay.cut(.none)
            try worker.resumed()
            for track in watch.seen.indices { #expect(watch.waitForPacket(after: back, track: track)) }
            let away = watch.seen.compactMap { track in track.packets.first { $0.arrival > back }?.arrival }
                .map { ($0 - back).seconds }
            print("measured: flows \(away) s after the return of a network that was away for \(seconds) s (\(cut))")
            #expect(away.allSatisfy { $0 < 5 })
            sleep(2)
            try worker.send(.finish)
            _ = try worker.finished()
            #expect(worker.exit() == 0)
            Self.expectOneLine(watch, rates: rates)
            try Self.expectReturn(
                watch, across: back, rates: rates, gap: Double(seconds) * 0.5...Double(seconds) + 5)
            // Reports went on all the while.
            let silent = watch.seen[0].reports.filter { $0.arrival > began && $0.arrival < back }
            #expect(silent.count >= seconds - 1, "\(silent.count)")
        }
    }

    @Test func `a description of GStreamer whose source fails is built again on the same wire`() async throws {
        try await onThread {
            // As a camera that is pulled out: it fails after a second and a half, each time.
            let plan = GStreamerPlan(
                launch: """
                    videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1
                      ! identity error-after=45 ! vp8enc deadline=1 cpu-used=8 ! appsink name=video
                    """)
            var job = IngestJob(
                source: .gstreamer(plan, name: "camera"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            job.retry = .onceOpened
            let worker = try WorkerProcess()
            let (_, watch) = try worker.play(job)
            for _ in 0..<2 {
                let interruption = try worker.interrupted()
                #expect(interruption.reason.hasPrefix("camera: "), "\(interruption.reason)")
                #expect(interruption.attempts == 0 && interruption.retrySeconds != nil)
                let failed = WireWatch.now
                try worker.resumed()
                #expect(watch.waitForPacket(after: failed, track: 0))
            }
            try worker.send(.finish)
            _ = try worker.finished()
            #expect(worker.exit() == 0)
            Self.expectOneLine(watch, rates: [90_000])
        }
    }

    @Test func `a description of GStreamer whose source fails is not built again where nobody wants it`() async throws {
        try await onThread {
            let plan = GStreamerPlan(
                launch: """
                    videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1
                      ! identity error-after=30 ! vp8enc deadline=1 cpu-used=8 ! appsink name=video
                    """)
            let worker = try WorkerProcess()
            _ = try worker.play(
                IngestJob(
                    source: .gstreamer(plan, name: "camera"), loop: false, videoCodec: .vp8, routerCodecs: Router.all))
            let failure = try worker.failed()
            #expect(failure.code == .media)
            #expect(failure.message.hasPrefix("camera: "), "\(failure.message)")
        }
    }

    @Test func `when a publisher leaves, the next one is waited for and takes up the wire`() async throws {
        let clip = try await NetworkPeer.h264.value
        try await onThread {
            let url = "rtmp://127.0.0.1:\(try NetworkPeer.freePort())/live/thekey"
            let worker = try WorkerProcess()
            try worker.send(.ingest(NetworkPeer.job(url, listens: true, retry: .onceOpened)))
            let waiting = try worker.interrupted()
            #expect(waiting.reason == "waits for a publisher on \(url.replacing("thekey", with: "•••"))")
            #expect(waiting.attempts == 0 && waiting.retrySeconds == nil)
            // The port opens a moment after the report.
            sleep(1)
            let stranger = try NetworkPeer.publish(clip, "flv", to: url.replacing("thekey", with: "guess"))
            _ = ExternalTool.wait(for: stranger.pid)
            var peer = Optional(try NetworkPeer.publish(clip, "flv", to: url))
            let source = try worker.opened()
            #expect(source.tracks.count == 2)
            let watch = WireWatch(tracks: 2)
            try worker.send(
                .send(
                    source.tracks.map {
                        SendTrack(
                            index: $0.index, ip: "127.0.0.1", port: watch.ports[$0.index], rtcpPort: nil,
                            ssrc: UInt32(1000 + $0.index), payloadType: 100, cname: "test")
                    }))
            try worker.ready()
            try worker.send(.play)
            try worker.running()
            sleep(2)
            peer = nil
            #expect(try worker.interrupted().reason.hasPrefix("waits for a publisher"))
            sleep(1)
            let again = WireWatch.now
            peer = try NetworkPeer.publish(clip, "flv", to: url)
            try worker.resumed()
            sleep(2)
            try worker.send(.finish)
            _ = try worker.finished()
            Self.expectOneLine(watch, rates: [90_000, 48_000])
            try Self.expectReturn(watch, across: again, rates: [90_000, 48_000], gap: 0.5...10)
            #expect(worker.logText.contains("another key was turned away"))
            #expect(!worker.logText.contains("guess"))
            withExtendedLifetime(peer) {}
        }
    }

    @Test func `a publisher who leaves ends an ingest that shall not be retried`() async throws {
        let clip = try await NetworkPeer.h264.value
        try await onThread {
            let url = "rtmp://127.0.0.1:\(try NetworkPeer.freePort())/live/thekey"
            let worker = try WorkerProcess()
            try worker.send(.ingest(NetworkPeer.job(url, listens: true)))
            _ = try worker.interrupted()
            sleep(1)
            var peer = Optional(try NetworkPeer.publish(clip, "flv", to: url))
            let source = try worker.opened()
            let watch = WireWatch(tracks: 2)
            try worker.send(
                .send(
                    source.tracks.map {
                        SendTrack(
                            index: $0.index, ip: "127.0.0.1", port: watch.ports[$0.index], rtcpPort: nil,
                            ssrc: UInt32(1000 + $0.index), payloadType: 100, cname: "test")
                    }))
            try worker.ready()
            try worker.send(.play)
            try worker.running()
            peer = nil
            _ = try worker.finished()
            #expect(worker.exit() == 0)
            withExtendedLifetime(peer) {}
        }
    }

    @Test func `a file that breaks off in the middle goes on where it was`() async throws {
        let clip = try await NetworkPeer.h264.value
        try await onThread {
            let folder = try Folder()
            let path = "\(folder.path)/clip.mp4"
            try ExternalTool.output(
                ["ffmpeg", "-v", "error", "-t", "8", "-i", clip.path, "-c", "copy", "-movflags", "faststart", path])
            // A little faster than it is played, so that most of it is still to come when it breaks off.
            let size = try ExternalTool.output(["cat", path]).count
            let server = try WebServer.start(folder: folder.path, rate: size / 6)
            let relay = try CuttingRelay(to: try server.port())
            let chain = try Chain(
                NetworkPeer.job("http://127.0.0.1:\(relay.port)/clip.mp4", retry: .onceOpened))
            try chain.ingest.send(.play)
            try chain.ingest.running()
            sleep(1)
            relay.cut(.closed)
            sleep(1)
            relay.cut(.none)
            _ = try chain.ingest.interrupted()
            _ = try chain.ingest.finished()
            try chain.record.send(.finish)
            _ = try chain.record.finished()
            let probe = try RecordingProbe(chain.file.path)
            // Each picture once, in order: nothing is lost and nothing comes twice.
            #expect(probe.pictures.count >= 238)
            #expect(probe.numbers == (0..<probe.pictures.count).map { $0 % 120 }, "\(probe.numbers)")
            #expect(probe.decodeErrors == "")
            #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 60 }, "\(probe.skewsInMilliseconds)")
        }
    }

    @Test func `a file of a server without ranges that breaks off fails with a word about it`() async throws {
        let clip = try await NetworkPeer.vp8.value
        try await onThread {
            let folder = try Folder()
            try folder.write(clip.bytes, to: "clip.mkv")
            let server = try WebServer.start(folder: folder.path, hasRanges: false, rate: 150_000)
            let relay = try CuttingRelay(to: try server.port())
            let worker = try WorkerProcess()
            _ = try worker.play(NetworkPeer.job("http://127.0.0.1:\(relay.port)/clip.mkv", retry: .always))
            relay.cut(.closed)
            let failure = try worker.failed()
            #expect(failure.code == .media)
            #expect(failure.message.contains("no ranges"), "\(failure.message)")
        }
    }

    @Test func `a source that is not there yet is tried until it is`() async throws {
        let clip = try await NetworkPeer.vp8.value
        try await onThread {
            let folder = try Folder()
            try folder.write(clip.bytes, to: "clip.mkv")
            let server = try WebServer.start(folder: folder.path)
            let relay = try CuttingRelay(to: try server.port())
            relay.cut(.closed)
            let worker = try WorkerProcess()
            try worker.send(
                .ingest(NetworkPeer.job("http://127.0.0.1:\(relay.port)/clip.mkv", retry: .always)))
            let (first, second) = (try worker.interrupted(), try worker.interrupted())
            #expect(first.reason.contains("connection refused"), "\(first.reason)")
            #expect(second.attempts > first.attempts)
            relay.cut(.none)
            #expect(try worker.opened().tracks.count == 2)
            try worker.send(.finish)
            _ = try worker.finished()
        }
    }
}
