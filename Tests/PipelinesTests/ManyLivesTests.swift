import Base
import Glibc
import Logging
import PipelineControl
import Pipelines
import TestSupport
import Testing

/// The real `ladle-pipeline`, where it was built with the tests.
private enum Program {
    static let path: String = {
        let tests = runningProgram() ?? ""
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/ladle-pipeline"
    }()
    static var isBuilt: Bool { access(path, X_OK) == 0 }
}

/// A thousand lives of the real program, ended in every way.
@Suite(.serialized, .enabled(if: Program.isBuilt, "ladle-pipeline is not built beside the tests"))
struct ManyLivesTests {
    enum Ending: CaseIterable { case finish, killed, crashed }

    @Test(.timeLimit(.minutes(5))) func `a thousand lives leave no child and no descriptor`() async throws {
        try await Self.live(.killed, after: .milliseconds(5))
        let before = Self.openDescriptors()
        // Half of the lives end while the program is being loaded, which takes some 30 ms.
        var random = SeededGenerator(seed: 20_260_301)
        let lives = (0..<1000).map { number in
            (Ending.allCases[number % 3], Duration.microseconds(Int.random(in: 0..<60_000, using: &random)))
        }
        // Four at a time: they must not share what is closed.
        let ours = try await withThrowingTaskGroup(of: Int32.self) { group in
            var ours: Set<Int32> = []
            for (number, life) in lives.enumerated() {
                if number >= 4, let done = try await group.next() { ours.insert(done) }
                group.addTask { try await Self.live(life.0, after: life.1) }
            }
            for try await done in group { ours.insert(done) }
            return ours
        }
        // Other tests of this process have children too, and some of those may be ending.
        #expect(Self.zombies().intersection(ours) == [])
        // Other tests of this process open and close descriptors meanwhile; ours would stay.
        for _ in 0..<1000 where Self.openDescriptors() > before { try await Task.sleep(for: .milliseconds(10)) }
        #expect(Self.openDescriptors() <= before)
    }

    /// - Returns: the child that lived.
    @discardableResult
    private static func live(_ ending: Ending, after time: Duration) async throws -> Int32 {
        let process = try await PipelineProcess.start(
            id: "life", kind: .ingest, settings: PipelineSettings(executable: Program.path),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let job = IngestJob(
            source: .test(TestSource()), loop: false, videoCodec: .vp8,
            routerCodecs: [
                TrackCodec(mimeType: "audio/opus", clockRate: 48_000, channels: 2),
                TrackCodec(mimeType: "video/VP8", clockRate: 90_000),
            ])
        // One that is dead already takes no command.
        try? await process.send(.ingest(job))
        switch ending {
        case .finish: await process.stop()
        case .killed:
            try await Task.sleep(for: time)
            await process.kill()
        case .crashed:
            try await Task.sleep(for: time)
            // Not SIGSEGV: the runtime may be set to write a backtrace, which takes seconds.
            kill(process.processID, SIGSYS)
        }
        let failure = await process.end.failure
        if ending == .finish { #expect(failure == nil) } else { #expect(failure?.code == .crashed) }
        return process.processID
    }

    /// Children of ours that nobody has asked about.
    private static func zombies() -> Set<Int32> {
        Set(
            names(in: "/proc").compactMap { Int32($0) }.filter { id in
                guard let stat = text(of: "/proc/\(id)/stat"), let end = stat.lastIndex(of: ")") else { return false }
                // State and parent follow the name, which may hold anything.
                let fields = stat[stat.index(after: end)...].split(separator: " ")
                return fields.count > 1 && fields[0] == "Z" && fields[1] == "\(getpid())"
            })
    }

    private static func openDescriptors() -> Int { names(in: "/proc/self/fd").count }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    private static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var room = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &room, room.count)
        return count > 0 ? String(decoding: room[..<count], as: UTF8.self) : nil
    }
}
