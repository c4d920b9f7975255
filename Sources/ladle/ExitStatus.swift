import ArgumentParser

/// How `ladle` ends; documented in docs/command-line.md. Usage errors end with ArgumentParser's own 64.
enum ExitStatus {
    /// The work itself failed: no such file, no media, a disk that is full.
    static let failed = ExitCode(1)
    /// No gateway answers (EX_UNAVAILABLE of sysexits.h).
    static let unreachable = ExitCode(69)
    /// The gateway wants a token or another one (EX_NOPERM).
    static let refused = ExitCode(77)
    /// Ctrl-C before there was anything to end well (128 + SIGINT).
    static let interrupted = ExitCode(130)
}
