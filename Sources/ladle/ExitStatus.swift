import ArgumentParser

/// How `ladle` ends; documented in docs/command-line.md. Usage errors end with ArgumentParser's own 64.
enum ExitStatus {
    /// The command line is wrong (EX_USAGE), as ArgumentParser ends by itself.
    static let usage = ExitCode(64)
    /// The work itself failed: no such file, no media, a disk that is full.
    static let failed = ExitCode(1)
    /// No gateway answers (EX_UNAVAILABLE of sysexits.h).
    static let unreachable = ExitCode(69)
    /// The gateway wants a token or another one (EX_NOPERM).
    static let refused = ExitCode(77)
    /// Ctrl-C before there was anything to end well (128 + SIGINT).
    static let interrupted = ExitCode(130)
}

/// Something is wrong with what a command was told, found out after parsing. One line, without the usage of everything.
struct UsageError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// Turns a `UsageError` into its line and its exit status.
func usage<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as UsageError {
        Console.complain(error.message)
        throw ExitStatus.usage
    }
}
