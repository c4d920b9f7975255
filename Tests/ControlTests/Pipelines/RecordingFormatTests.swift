import Control
import FoundationEssentials
import MediaCore
import ORTC
import PipelineControl
import Pipelines
import Testing

/// What a room sends, what a container holds, and what is said when they don't fit.
@Suite(.timeLimit(.minutes(1)))
struct RecordingFormatTests {
    /// A producer of H264 and one of Opus.
    private func film(_ world: PipelinesWorld, as id: String = "alice") async throws {
        _ = try await world.broadcast(.audio, as: id)
        try await h264(world, as: id)
    }

    private func h264(_ world: PipelinesWorld, as id: String) async throws {
        let room = try await world.rooms.room("demo")
        if (try? await room.broadcaster(id)) == nil {
            try await room.addBroadcaster(Broadcaster(id: id, displayName: id, device: .init(name: "test")))
        }
        let transport = try await room.createPlainTransport(for: id)
        let codec = RTPCodecParameters(
            mimeType: "video/H264", payloadType: 107, clockRate: 90_000,
            parameters: ["packetization-mode": 1, "profile-level-id": "42e01f"])
        _ = try await room.produce(
            on: transport.id, of: id,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [codec], encodings: [RTPEncodingParameters(ssrc: 4711)])))
    }

    private func refusal(_ world: PipelinesWorld, _ request: RecordingRequest) async -> ControlError? {
        do {
            _ = try await world.supervisor.startRecording(request)
            return nil
        } catch {
            return error
        }
    }

    private func files(_ world: PipelinesWorld) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(world.root)/recordings")) ?? []
    }

    @Test func `H264 for WebM is refused at the start, with the containers that can`() async throws {
        let world = try PipelinesWorld()
        try await film(world)
        let error = await refusal(world, RecordingRequest(room: "demo", output: "a.webm"))
        #expect(error?.code == .unsupported)
        #expect(
            error?.message
                == "room \"demo\" sends audio/opus and video/H264, and WebM can hold no video/H264; .mkv and .mp4 can")
        // Nothing is left of it: no file, nobody who keeps the room.
        #expect(files(world).isEmpty)
        #expect(await world.rooms.existing("demo")?.snapshot.holders.isEmpty == true)
        #expect(await world.supervisor.recordings().isEmpty)
    }

    @Test func `VP8 for MP4 is refused too, and of one broadcaster alone it is named`() async throws {
        let world = try PipelinesWorld()
        _ = try await world.broadcast(.video, as: "alice")
        try await h264(world, as: "bob")
        // One of the room's pictures fits: that one is recorded.
        let fits = try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: "b.mp4"))
        let error = await refusal(world, RecordingRequest(room: "demo", output: "a.mp4", broadcaster: "alice"))
        #expect(
            error?.message
                == "broadcaster \"alice\" in room \"demo\" sends video/VP8, and MP4 can hold no video/VP8; .mkv and"
                + " .webm can")
        _ = try await world.supervisor.finishRecording(fits.id)
    }

    @Test func `an armed recording that meets what it can't hold fails with the same words`() async throws {
        let world = try PipelinesWorld(
            record: [Script.listening, Script.untilFinish, Script.finished].joined(separator: "\n"))
        let recording = try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: "a.webm"))
        _ = await world.wait(for: "recording.armed")
        try await h264(world, as: "alice")
        let end = try await world.end(ofRecording: recording.id)
        #expect(end.failure?.code == .refused)
        #expect(
            end.failure?.message
                == "room \"demo\" sends video/H264, and WebM can hold no video/H264; .mkv and .mp4 can")
        #expect(files(world).isEmpty)
    }

    @Test(arguments: [
        ("a.webm", ["audio/opus", "video/VP8"]), ("a.mp4", ["audio/opus", "video/H264"]),
        ("a.mkv", ["audio/opus", "video/VP8", "video/H264"]),
    ])
    func `the recorder asks for what its container holds`(name: String, codecs: [String]) async throws {
        let world = try PipelinesWorld()
        let recording = try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: name))
        _ = await world.wait(for: "recording.armed")
        let room = try await world.rooms.room("demo")
        let capabilities = try await room.broadcaster(recording.id).rtpCapabilities
        #expect(capabilities?.codecs.map(\.mimeType) == codecs)
        _ = try await world.supervisor.finishRecording(recording.id)
        guard case .record(let job)? = try world.heard(recording.id).first else {
            Issue.record("no job")
            return
        }
        #expect("a.\(job.container.fileExtension)" == name)
        #expect(job.plan == nil)
    }

    @Test func `a name that stands for no container lists those there are`() async throws {
        let world = try PipelinesWorld()
        let error = await refusal(world, RecordingRequest(room: "demo", output: "a.avi"))
        #expect(
            error?.message
                == "the file name \"a.avi\" has the extension .avi, which can't be written; possible: .mkv, .webm, .mp4"
        )
    }
}
