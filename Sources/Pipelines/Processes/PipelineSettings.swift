import Glibc

/// How long a pipeline process may keep us waiting, and for what.
public struct PipelineDeadlines: Sendable, Hashable {
    /// From the job to `opened` or `listening`: probing a file reads some megabytes, also from a slow disk.
    public var firstAnswer: Duration = .seconds(20)
    public var ready: Duration = .seconds(10)
    /// A recorder says itself after 5 s that nothing came; this is for one that doesn't.
    public var running: Duration = .seconds(15)
    /// Between two reports while it runs; they come each second.
    public var word: Duration = .seconds(10)
    /// From `finish` to `finished`.
    public var finish: Duration = .seconds(10)
    /// From its last word, or the end of its input, to its end.
    public var exit: Duration = .seconds(3)
    /// From SIGTERM to SIGKILL.
    public var terminate: Duration = .seconds(2)
    /// From SIGKILL until it is given up: a process that waits for a dead disk can't be killed.
    public var kill: Duration = .seconds(5)

    public init() {}

    func allowed(for debt: PipelineConversation.Debt) -> Duration {
        switch debt {
        case .firstAnswer: firstAnswer
        case .ready: ready
        case .running: running
        case .word: word
        case .finished: finish
        case .exit: exit
        }
    }
}

/// How pipeline processes are started.
public struct PipelineSettings: Sendable, Hashable {
    /// The program; absolute.
    public var executable: String
    public var arguments: [String] = []
    public var deadlines = PipelineDeadlines()

    public init(executable: String) { self.executable = executable }

    /// `ladle-pipeline` beside the running program.
    public static func besideRunningProgram() throws(PipelinesError) -> PipelineSettings {
        guard let program = runningProgram(), let slash = program.lastIndex(of: "/") else {
            throw PipelinesError(.failed, "can't find out where the running program lies")
        }
        let executable = String(program[...slash]) + "ladle-pipeline"
        guard access(executable, X_OK) == 0 else {
            throw PipelinesError(
                .unavailable, "\(executable) is missing or can't be run: \(systemText(errno))", errno: errno)
        }
        return PipelineSettings(executable: executable)
    }

    /// The daemon's variables that a child needs; tokens and the like are not among them.
    var environment: [String: String] {
        let wanted = [
            "PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SWIFT_BACKTRACE", "ASAN_OPTIONS",
            "TSAN_OPTIONS",
            // Where GStreamer has its plugins and remembers them, and what libav trusts.
            "XDG_CACHE_HOME", "GST_PLUGIN_PATH", "GST_PLUGIN_SYSTEM_PATH", "GST_REGISTRY", "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ]
        var environment: [String: String] = [:]
        for name in wanted {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment
    }
}

/// The path of the running executable; nil when /proc does not tell.
public func runningProgram() -> String? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { path in
        guard let start = path.baseAddress else { return nil }
        let count = readlink("/proc/self/exe", start, path.count)
        return count > 0 ? String(decoding: path.prefix(count), as: UTF8.self) : nil
    }
}
