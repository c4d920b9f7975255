import Glibc

/// What a person reads: data on standard output, everything else on standard error.
enum Console {
    /// One line of output; a reader that went away (`| head`) ends the program quietly.
    static func out(_ line: String) { write(line, to: STDOUT_FILENO) }

    static func note(_ line: String) { write(shown(line), to: STDERR_FILENO) }

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

    private static func write(_ line: String, to descriptor: Int32) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                exit(errno == EPIPE ? 0 : 1)
            }
            rest = rest.dropFirst(written)
        }
    }
}
