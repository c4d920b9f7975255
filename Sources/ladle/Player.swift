import Glibc

/// ffplay as a child of `ladle tap --play`.
struct Player: Sendable {
    private let processID: pid_t

    init(file: String) throws {
        let arguments = [
            "ffplay", "-hide_banner", "-loglevel", "warning", "-window_title", "ladle tap", "-protocol_whitelist",
            "file,udp,rtp", "-i", file,
        ]
        var processID = pid_t()
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        // This thread may be one of Dispatch's, which block every signal, and Ctrl-C is ignored here: a player that
        // inherited that would never end when told to.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let failure = posix_spawnp(&processID, "ffplay", nil, &attributes, pointers, environ)
        guard failure == 0 else {
            let cause =
                failure == ENOENT
                ? "it is not installed (Debian: apt install ffmpeg)" : String(cString: strerror(failure))
            throw GatewayRefusal(status: 0, message: "can't start ffplay: \(cause)")
        }
        self.processID = processID
    }

    /// Returns when the player has ended.
    func wait() async throws {
        var status: Int32 = 0
        while waitpid(processID, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(100)) }
    }

    func stop() {
        kill(processID, SIGTERM)
        waitpid(processID, nil, 0)
    }
}
