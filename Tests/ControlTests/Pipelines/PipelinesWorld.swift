import Base
import Control
import Events
import FoundationEssentials
import Logging
import MediaCore
import ORTC
import PipelineControl
import Pipelines
import Testing

/// A supervisor with rooms over a core without media, and shell scripts in the place of `ladle-pipeline`.
final class PipelinesWorld: Sendable {
    let core = PipelinesCore()
    let events = EventBus()
    let rooms: Rooms
    let supervisor: PipelineSupervisor
    let root: String
    private let roomsTask: Task<Void, Never>
    /// The descriptions that come with the program: pipelines/ beside Tests/.
    static let descriptions = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/pipelines"

    /// - Parameters:
    ///   - ingest: What an ingest's child does after its job; `say` reports, `hear` takes the next command.
    ///   - record: What a recorder's child does after its job.
    init(
        ingest: String = Script.ingestToEnd, record: String = Script.recordToEnd,
        deadlines: (inout PipelineDeadlines) -> Void = { _ in },
        configuration adjust: (inout PipelineSupervisorConfiguration) -> Void = { _ in }
    ) throws {
        root = "/tmp/ladle-control-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try Data("media".utf8).write(to: URL(filePath: "\(root)/a.mp4"))
        var settings = PipelineSettings(executable: "/bin/sh")
        settings.arguments = ["-c", Script.prelude(ingest: ingest, record: record), "sh", root]
        deadlines(&settings.deadlines)
        var configuration = PipelineSupervisorConfiguration()
        adjust(&configuration)
        let rooms = Rooms(core: core, events: events)
        self.rooms = rooms
        supervisor = PipelineSupervisor(
            rooms: rooms, catalog: try Descriptions.shipped(Self.descriptions),
            folders: try MediaFolders(sources: [root], recordings: "\(root)/recordings"), settings: settings,
            events: events, configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        roomsTask = Task { await rooms.run() }
    }

    deinit {
        roomsTask.cancel()
        try? FileManager.default.removeItem(atPath: root)
    }

    // MARK: What was said

    /// The commands that the child of this id heard, in order.
    func heard(_ id: String) throws -> [PipelineCommand] {
        // The scripts know no id; each kind has its file.
        let name = id.hasPrefix("ingest") ? "ingest" : "record"
        let data = (try? Data(contentsOf: URL(filePath: "\(root)/\(name).heard"))) ?? Data()
        return try data.split(separator: UInt8(ascii: "\n")).map { try PipelineCommand(line: $0) }
    }

    /// Everything published so far.
    func facts() async -> [Fact] {
        var facts: [Fact] = []
        for await event in events.subscribe(.beginning, follow: false) { facts.append(event.fact) }
        return facts
    }

    func names() async -> [String] { await facts().map(\.name) }

    /// Waits until this was published. Only a test's time limit ends a vain wait.
    func wait(for name: String) async -> Fact? {
        for await event in events.subscribe(.beginning) where event.fact.name == name { return event.fact }
        return nil
    }

    /// The final status.
    func end(ofIngest id: String) async throws -> IngestStatus {
        for await _ in try await supervisor.ingestProgress(id) {}
        return try await supervisor.ingest(id)
    }

    func end(ofRecording id: String) async throws -> RecordingStatus {
        for await _ in try await supervisor.recordingProgress(id) {}
        return try await supervisor.recording(id)
    }

    /// Nothing of any pipeline is left in the core and in the room.
    func isClean(_ room: String = "demo") async -> Bool {
        guard await core.openTransports == 0 else { return false }
        guard let room = await rooms.existing(room) else { return true }
        let snapshot = await room.snapshot
        return snapshot.broadcasters.isEmpty && snapshot.transports.isEmpty && snapshot.holders.isEmpty
    }

    // MARK: Somebody else in the room

    /// A broadcaster with one producer.
    func broadcast(_ kind: MediaKind, as id: String, in name: String = "demo") async throws -> ProducerID {
        let room = try await rooms.room(name)
        if (try? await room.broadcaster(id)) == nil {
            try await room.addBroadcaster(Broadcaster(id: id, displayName: id, device: .init(name: "test")))
        }
        let transport = try await room.createPlainTransport(for: id)
        let codec =
            kind == .audio
            ? RTPCodecParameters(mimeType: "audio/opus", payloadType: 100, clockRate: 48_000, channels: 2)
            : RTPCodecParameters(mimeType: "video/VP8", payloadType: 101, clockRate: 90_000)
        let parameters = RTPParameters(codecs: [codec], encodings: [RTPEncodingParameters(ssrc: .random(in: 1...9999))])
        return try await room.produce(
            on: transport.id, of: id, ProduceOptions(kind: kind, rtpParameters: parameters)
        ).id
    }
}

/// What children say, as lines of shell.
enum Script {
    static let progress = #"say '{"type":"progress","seconds":1,"tracks":[],"fileBytes":7}'"#
    static let finished = #"say '{"type":"finished","seconds":2,"tracks":[]}'"#
    static let audio =
        #"{"index":0,"kind":"audio","description":"aac 5.1","treatment":"transcode","#
        + #""reason":"AAC can't be played","codec":{"mimeType":"audio/opus","clockRate":48000,"channels":2,"#
        + #""parameters":{}},"answersKeyFrameRequests":false}"#
    static let video =
        #"{"index":1,"kind":"video","description":"mpeg4","treatment":"transcode","#
        + #""reason":"no receiver plays it","codec":{"mimeType":"video/VP8","clockRate":90000,"parameters":{}},"#
        + #""answersKeyFrameRequests":true}"#

    static func opened(_ tracks: String...) -> String {
        // Single quotes would end the shell's.
        let list = tracks.joined(separator: ",").replacing("can't", with: "cannot")
        return #"say '{"type":"opened","durationSeconds":2,"leftOut":[],"tracks":[\#(list)]}'"#
    }

    static let ready = #"hear; say '{"type":"ready"}'"#
    static let running = #"hear; say '{"type":"running"}'"#
    static let listening = #"say '{"type":"listening","value":50000}'"#
    /// Takes commands until it is to finish.
    static let untilFinish = #"while hear; do case "$line" in *finish*) break;; esac; done"#

    static let ingestToEnd = [opened(audio, video), ready, running, progress, finished].joined(separator: "\n")
    static let ingestUntilStopped = [opened(audio, video), ready, running, progress, untilFinish, finished]
        .joined(separator: "\n")
    static let recordToEnd = [
        listening, ready, #"say '{"type":"running"}'"#, progress, untilFinish, finished,
    ].joined(separator: "\n")

    static func prelude(ingest: String, record: String) -> String {
        """
        say() { printf '%s\\n' "$1" >&0; }
        hear() { IFS= read -r line && printf '%s\\n' "$line" >> "$heard"; }
        root=$1
        IFS= read -r line
        case "$line" in
        *'"type":"ingest"'*) heard=$root/ingest.heard; printf '%s\\n' "$line" >> "$heard"
        \(ingest)
        ;;
        *) heard=$root/record.heard; printf '%s\\n' "$line" >> "$heard"
        \(record)
        ;;
        esac
        """
    }
}
