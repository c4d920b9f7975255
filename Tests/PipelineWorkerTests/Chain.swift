import Base
import Glibc
import PipelineControl
import TestSupport

/// What the router of a test carries: the codecs of the usual configuration.
enum Router {
    static let opus = TrackCodec(mimeType: "audio/opus", clockRate: 48_000, channels: 2)
    static let vp8 = TrackCodec(mimeType: "video/VP8", clockRate: 90_000)
    static let vp9 = TrackCodec(mimeType: "video/VP9", clockRate: 90_000, parameters: ["profile-id": 0])
    static let main = h264("4d0032")
    static let baseline = h264("42e01f")
    static let all = [opus, vp8, main, baseline, vp9]

    static func h264(_ profile: String) -> TrackCodec {
        TrackCodec(
            mimeType: "video/H264", clockRate: 90_000,
            parameters: ["packetization-mode": 1, "level-asymmetry-allowed": 1, "profile-level-id": .string(profile)])
    }
}

/// An ingest and a recording joined by loopback UDP, without an SFU between them.
final class Chain {
    let ingest: WorkerProcess
    let record: WorkerProcess
    let file: TemporaryFile
    let source: OpenedSource

    private let relay: Relay?

    /// - Parameters:
    ///   - output: where the recording goes; nil: into `file`.
    ///   - rule: what happens to packets on the way; nil joins both without a relay.
    init(
        _ job: IngestJob, descriptor: Int32 = -1, container: RecordJob.Container = .matroska, output: Int32? = nil,
        rule: Relay.Rule? = nil
    )
        throws
    {
        ingest = try WorkerProcess()
        try ingest.send(.ingest(job), descriptor: descriptor)
        source = try ingest.opened()
        file = try TemporaryFile()
        record = try WorkerProcess()
        try record.send(
            .record(RecordJob(fileName: "out", container: container, listenIP: "127.0.0.1")),
            descriptor: output ?? file.descriptor)
        let port = try record.listening()
        let relay = rule.map { Relay(to: port, rule: $0) }
        self.relay = relay
        let tracks = source.tracks.map {
            ReceiveTrack(
                id: "c\($0.index)", codec: $0.codec, payloadType: UInt8(100 + $0.index),
                ssrc: UInt32(1000 + $0.index), cname: "test")
        }
        try ingest.send(
            .send(
                source.tracks.map {
                    SendTrack(
                        index: $0.index, ip: "127.0.0.1", port: relay?.inPort ?? port, rtcpPort: nil,
                        ssrc: UInt32(1000 + $0.index),
                        payloadType: UInt8(100 + $0.index), cname: "test")
                }))
        try ingest.ready()
        // The recorder's patience begins with its `ready`: not before there is something to send.
        // Without a relay nobody listens there: key frame requests go nowhere.
        try record.send(.receive(ReceivePlan(ip: "127.0.0.1", port: relay?.outPort ?? 9, tracks: tracks)))
        try record.ready()
    }

    /// Plays to the end.
    func play() throws -> (sent: PipelineProgress, recorded: PipelineProgress, probe: RecordingProbe) {
        try ingest.send(.play)
        let sent = try ingest.finished()
        return (sent, try finishRecording(), try RecordingProbe(file.path))
    }

    /// Plays until the media time is reached, then stops both.
    func play(seconds: Double) throws -> (sent: PipelineProgress, recorded: PipelineProgress, probe: RecordingProbe) {
        try ingest.send(.play)
        try ingest.running()
        while (ingest.progress.last?.seconds ?? 0) < seconds {
            guard try ingest.progressed() else { break }
        }
        try ingest.send(.finish)
        let sent = try ingest.finished()
        return (sent, try finishRecording(), try RecordingProbe(file.path))
    }

    private func finishRecording() throws -> PipelineProgress {
        try record.send(.finish)
        return try record.finished()
    }
}

extension WorkerProcess {
    /// Waits for one more account; false when the channel ended or something else was said.
    func progressed() throws -> Bool {
        let before = progress.count
        while progress.count == before {
            if try nextIncludingProgress() == nil { return false }
        }
        return true
    }
}

/// Files made of the test source by the ffmpeg tool, each made once.
enum Clip {
    /// Four seconds of the test source as VP8 and Opus.
    private static let master = Task<TemporaryFile, any Error> {
        try await onThread {
            let job = IngestJob(
                source: .test(TestSource(seconds: 4)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job)
            _ = try chain.play()
            return chain.file
        }
    }

    /// The test source, changed by options of the ffmpeg tool.
    static func make(_ options: [String], container: String) async throws -> TemporaryFile {
        let master = try await master.value
        return try await onThread {
            // mp4 is written by name, since it is sought in.
            let name = "/tmp/ladle-clip-\(UInt64.random(in: 0 ... .max)).\(container)"
            defer { unlink(name) }
            try ExternalTool.output(["ffmpeg", "-v", "error", "-y", "-i", master.path] + options + [name])
            let file = try TemporaryFile()
            let made = open(name, O_RDONLY | O_CLOEXEC)
            defer { close(made) }
            var room = [UInt8](repeating: 0, count: 1 << 20)
            var bytes: [UInt8] = []
            while case let got = read(made, &room, room.count), got > 0 { bytes += room[..<got] }
            file.write(bytes)
            return file
        }
    }
}
