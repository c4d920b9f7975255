import PipelineControl
import TestSupport
import Testing

/// What a recording makes of paths that are not as kind as loopback.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct PathTests {
    private static let video: UInt32 = 1000
    private static let audio: UInt32 = 1001

    private static func play(
        seconds: Double = 4, rule: @escaping Relay.Rule
    ) async throws -> (recorded: PipelineProgress, probe: RecordingProbe, log: String) {
        try await onThread {
            let job = IngestJob(
                source: .test(TestSource(seconds: seconds)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job, rule: rule)
            let result = try chain.play()
            return (result.recorded, result.probe, chain.record.logText)
        }
    }

    @Test func `a lost packet costs pictures until the key frame that is asked for`() async throws {
        let (recorded, probe, log) = try await Self.play { ssrc, count in
            ssrc == Self.video && count == 60 ? .drop : .pass
        }
        #expect(recorded.tracks[0].packetsLost == 1)
        #expect(probe.decodeErrors == "")
        let missing = Set(0..<120).subtracting(probe.numbers).sorted()
        // One hole; without the request it would last until the next key frame in turn, two seconds.
        #expect(!missing.isEmpty)
        #expect(missing.last.map { $0 - missing[0] + 1 } == missing.count, "\(missing)")
        #expect(missing.count < 45, "\(missing)")
        #expect(log.contains("left out"))
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `packets out of order are put in order`() async throws {
        // Not the last one: nothing would come that it could change places with.
        let (recorded, probe, _) = try await Self.play { _, count in count % 7 == 3 && count < 100 ? .swap : .pass }
        #expect(recorded.tracks.map(\.packetsLost) == [0, 0])
        #expect(probe.numbers == Array(0..<120))
        #expect(probe.decodeErrors == "")
    }

    @Test(arguments: [video, audio])
    func `a longer path for one of them does not part sound and picture`(late: UInt32) async throws {
        let (_, probe, _) = try await Self.play { ssrc, _ in ssrc == late ? .delay(.milliseconds(300)) : .pass }
        // What is still under way when the recording ends is not in it.
        #expect(probe.numbers.count >= 100)
        #expect(probe.numbers == Array(0..<probe.numbers.count))
        #expect(probe.skewsInMilliseconds.count >= 2)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
        #expect(probe.decodeErrors == "")
    }

    @Test func `what is under way when the end is told is in the file`() async throws {
        let (account, probe) = try await onThread {
            let job = IngestJob(
                source: .test(TestSource(seconds: 2)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job) { _, _ in .delay(.milliseconds(120)) }
            try chain.ingest.send(.play)
            _ = try chain.ingest.finished()
            // As the daemon says it: each track, then the end, one right behind the other.
            try chain.record.send(.endTrack("c0"))
            try chain.record.send(.endTrack("c1"))
            try chain.record.send(.finish)
            return (try chain.record.finished(), try RecordingProbe(chain.file.path))
        }
        #expect(probe.numbers == Array(0..<60))
        #expect(account.seconds >= 2)
    }

    @Test func `a track that ends lets the other go on`() async throws {
        let probe = try await onThread {
            let job = IngestJob(
                source: .test(TestSource(seconds: 4)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job)
            try chain.ingest.send(.play)
            try chain.ingest.running()
            while (chain.ingest.progress.last?.seconds ?? 0) < 2 {
                guard try chain.ingest.progressed() else { break }
            }
            try chain.record.send(.endTrack("c1"))
            _ = try chain.ingest.finished()
            // The last track's end is the recording's end.
            try chain.record.send(.endTrack("c0"))
            let account = try chain.record.finished()
            #expect(chain.record.exit() == 0)
            #expect(account.tracks.map(\.id) == ["c0", "c1"])
            return try RecordingProbe(chain.file.path)
        }
        #expect(probe.numbers == Array(0..<120))
        #expect((2...3).contains(probe.beeps.count), "\(probe.beeps)")
        #expect(probe.decodeErrors == "")
    }
}
