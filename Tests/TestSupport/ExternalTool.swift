import Glibc

/// A program from outside (`ffmpeg`, `ffprobe`), run to its end.
public enum ExternalTool {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public struct Result: Sendable {
        public var status: Int32
        public var output: [UInt8]
        public var errors: String
        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Starts a program found by PATH. Descriptors 0, 1 and 2 are given, all others stay out.
    public static func spawn(
        _ arguments: [String], input: Int32, output: Int32, errors: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Copies above the standard ones first, so that no dup2 overwrites what another still needs.
        let copies = [input, output, errors].map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        defer { for copy in copies { close(copy) } }
        for (target, copy) in copies.enumerated() { posix_spawn_file_actions_adddup2(&actions, copy, Int32(target)) }
        var strings = arguments.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var pid = pid_t()
        let failure = posix_spawnp(&pid, arguments[0], &actions, nil, &strings, environ)
        guard failure == 0 else {
            throw Failure(description: "can't start \(arguments[0]): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// Waits for a child's end: its exit code, or 128 and the signal that ended it.
    public static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// Runs a program and gives back what it wrote. Blocks: call it through `onThread`.
    public static func run(_ arguments: [String]) throws -> Result {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let log = try TemporaryFile()
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        let pid: pid_t
        do {
            defer { close(ends[1]) }
            pid = try spawn(arguments, input: null, output: ends[1], errors: log.descriptor)
        } catch {
            close(ends[0])
            throw error
        }
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let got = read(ends[0], &room, room.count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            output += room[..<got]
        }
        close(ends[0])
        return Result(status: wait(for: pid), output: output, errors: log.text)
    }

    /// Runs a program that must end well; its output.
    @discardableResult
    public static func output(_ arguments: [String]) throws -> [UInt8] {
        let result = try run(arguments)
        guard result.status == 0 else {
            throw Failure(
                description: "\(arguments.joined(separator: " ")) ended with \(result.status): \(result.errors)")
        }
        return result.output
    }
}

/// A file without a name, gone with its object.
public final class TemporaryFile: Sendable {
    public let descriptor: Int32

    public init() throws {
        var name = Array("/tmp/ladle-test-XXXXXX\0".utf8.map { CChar($0) })
        descriptor = mkstemp(&name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard descriptor >= 0 else {
            throw ExternalTool.Failure(description: "no temporary file: \(String(cString: strerror(errno)))")
        }
        unlink(name)
    }

    deinit { close(descriptor) }

    /// Where other programs can open it, as long as this lives.
    public var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// The same file opened anew, with a position of its own; the caller closes it.
    public func reopened() -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

    public var bytes: [UInt8] {
        let size = max(0, Int(lseek(descriptor, 0, Int32(SEEK_END))))
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
        }
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public func write(_ bytes: some Collection<UInt8>) {
        let all = Array(bytes)
        var done = 0
        while done < all.count {
            let written = all.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress.map { $0 + done }, all.count - done, off_t(done))
            }
            guard written > 0 else { return }
            done += written
        }
    }
}

/// Runs blocking work on a thread of its own, a few at a time, so that the pool of tests keeps moving.
public func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    await ThreadLimit.shared.enter()
    let result: Swift.Result<Value, any Error> = await withCheckedContinuation { continuation in
        ThreadStart { continuation.resume(returning: Swift.Result { try body() }) }.start()
    }
    await ThreadLimit.shared.leave()
    return try result.get()
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private actor ThreadLimit {
    static let shared = ThreadLimit()
    /// Media in real time on two cores: more at once would only be late.
    private var free = 4
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// A thread that nobody waits for.
public struct ThreadStart: Sendable {
    private let body: @Sendable () -> Void

    public init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    public func start() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { opaque in
                if let opaque { Unmanaged<ThreadBody>.fromOpaque(opaque).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(ThreadBody(body)).toOpaque())
        pthread_detach(thread)
    }
}
