import Glibc

/// What a person reads: data on standard output, everything else on standard error.
enum Console {
    /// One line of output; a reader that went away (`| head`) ends the program quietly.
    static func out(_ line: String) { if !write(line, to: STDOUT_FILENO) { exit(errno == EPIPE ? 0 : 1) } }

    /// The same for a program that has to end in order; false: nobody reads any more.
    static func offer(_ line: String) -> Bool { write(line, to: STDOUT_FILENO) }

    /// False once the reading end of standard output is closed.
    static var hasReader: Bool {
        var look = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&look, 1, 0) <= 0 || Int32(look.revents) & Int32(POLLERR) == 0
    }

    /// A note that nobody can read is no reason to end.
    static func note(_ line: String) { _ = write(shown(line), to: STDERR_FILENO) }

    static func complain(_ line: String) { note("ladle: \(line)") }

    /// Without control characters but for line breaks: names that others chose must not steer this terminal.
    static func shown(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            scalars.append(scalar.properties.generalCategory == .control && scalar != "\n" ? "?" : scalar)
        }
        return String(scalars)
    }

    /// Of this machine's time zone, now.
    static var utcOffsetSeconds: Int {
        var now = time(nil)
        var local = tm()
        localtime_r(&now, &local)
        return Int(local.tm_gmtoff)
    }

    /// False when it can't be written; `errno` tells why.
    private static func write(_ line: String, to descriptor: Int32) -> Bool {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(written)
        }
        return true
    }
}
