import Base
import CLinux
import Glibc
import PipelineControl
import TestSupport

/// The built `ladle-pipeline` with the daemon's end of its control channel.
final class WorkerProcess {
    struct Timeout: Error, CustomStringConvertible { let description: String }

    let pid: pid_t
    private let socket: Int32
    private let log: TemporaryFile
    private var lines = LineBuffer()
    private var waiting: [PipelineReport] = []
    private(set) var progress: [PipelineProgress] = []
    private var status: Int32?

    /// Beside the running tests.
    static let path: String = {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &room, room.count)
        let tests = String(decoding: room.prefix(max(0, count)), as: UTF8.self)
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/ladle-pipeline"
    }()

    static var isBuilt: Bool { access(path, X_OK) == 0 }

    /// - Parameter environment: "NAME=value", added to the one that tests have.
    init(environment: [String] = []) throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Timeout(description: "no socket pair")
        }
        log = try TemporaryFile()
        pid = try ExternalTool.spawn(
            environment.isEmpty ? [Self.path] : ["env"] + environment + [Self.path], input: ends[1],
            output: log.descriptor, errors: log.descriptor)
        close(ends[1])
        socket = ends[0]
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            _ = ExternalTool.wait(for: pid)
        }
        close(socket)
    }

    /// What the process wrote on standard output and error.
    var logText: String { log.text }

    func send(_ command: PipelineCommand, descriptor: Int32 = -1) throws {
        try send(line: try command.line, descriptor: descriptor)
    }

    func send(line: [UInt8], descriptor: Int32 = -1) throws {
        let bytes = line + [UInt8(ascii: "\n")]
        guard ladle_worker_send(socket, bytes, bytes.count, descriptor) == bytes.count else {
            throw Timeout(description: "the worker takes no commands any more: \(logText)")
        }
    }

    /// Says that nothing more will come, as a daemon that is gone does.
    func hangUp() { shutdown(socket, Int32(SHUT_WR)) }

    func kill9() { kill(pid, SIGKILL) }

    /// The next report that is no progress; nil at the end of the channel.
    func next() throws -> PipelineReport? {
        while let report = try nextIncludingProgress() {
            guard case .progress = report else { return report }
        }
        return nil
    }

    /// The next report; nil at the end of the channel. The deadline is far beyond what a busy machine needs.
    func nextIncludingProgress() throws -> PipelineReport? {
        while waiting.isEmpty {
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 180_000) > 0 else {
                throw Timeout(description: "the worker said nothing for 180 s: \(logText)")
            }
            var room = [UInt8](repeating: 0, count: 1 << 16)
            let got = read(socket, &room, room.count)
            guard got > 0 else { return nil }
            waiting += try lines.append(room[..<got]).map { try PipelineReport(line: $0) }
        }
        let report = waiting.removeFirst()
        if case .progress(let account) = report { progress.append(account) }
        return report
    }

    /// Waits for one report and throws at any other end.
    func await<Value>(_ what: String, _ pick: (PipelineReport) -> Value?) throws -> Value {
        while let report = try next() {
            if let value = pick(report) { return value }
            if case .failed(let failure) = report {
                throw Timeout(description: "no \(what) but \(failure.code.rawValue): \(failure.message)\n\(logText)")
            }
        }
        throw Timeout(description: "the channel ended before \(what): \(logText)")
    }

    func opened() throws -> OpenedSource {
        try self.await("opened") { if case .opened(let source) = $0 { source } else { nil } }
    }

    func listening() throws -> UInt16 {
        try self.await("listening") { if case .listening(let port) = $0 { port } else { nil } }
    }

    func ready() throws { try self.await("ready") { $0 == .ready ? () : nil } }
    func running() throws { try self.await("running") { $0 == .running ? () : nil } }

    func finished() throws -> PipelineProgress {
        try self.await("finished") { if case .finished(let account) = $0 { account } else { nil } }
    }

    func failed() throws -> PipelineFailure {
        while let report = try next() {
            if case .failed(let failure) = report { return failure }
            if case .finished = report { break }
        }
        throw Timeout(description: "no failure was told: \(logText)")
    }

    /// The exit code.
    func exit() -> Int32 {
        if let status { return status }
        let status = ExternalTool.wait(for: pid)
        self.status = status
        return status
    }
}
