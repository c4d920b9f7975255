import PipelineControl

/// Command lines can be read by every user of a machine; what of an argument must not be.
public enum ArgumentMask {
    /// The argument with "x" in the place of each byte of a secret, and so as long as before; nil: it has none.
    ///
    /// Looks at the whole and at what stands behind each "=": `--set location=rtsp://user:password@host`.
    /// - Parameter listens: The command waits for one who publishes: a path of rtmp ends in a stream key then.
    public static func masked(_ argument: String, listens: Bool = false) -> [UInt8]? {
        var bytes = Array(argument.utf8)
        var found = false
        for secret in secrets(of: argument, listens: listens).map({ Array($0.utf8) }) where !secret.isEmpty {
            var start = 0
            while start + secret.count <= bytes.count {
                guard bytes[start..<start + secret.count].elementsEqual(secret) else {
                    start += 1
                    continue
                }
                for index in start..<start + secret.count { bytes[index] = UInt8(ascii: "x") }
                start += secret.count
                found = true
            }
        }
        return found ? bytes : nil
    }

    private static func secrets(of argument: String, listens: Bool) -> [String] {
        var candidates = [argument[...]]
        for index in argument.indices where argument[index] == "=" {
            candidates.append(argument[argument.index(after: index)...])
        }
        var secrets: [String] = []
        for candidate in candidates.map(String.init) {
            if SourceAddress.looksLikeAddress(candidate) {
                // Also of an address that will be refused.
                secrets += (try? SourceAddress(candidate, listens: listens))?.secrets ?? userInfo(of: candidate)
            } else if candidate.contains("="), !candidate.contains("://") {
                // A member of its own: password=hunter2.
                secrets += (try? SourceAddress("udp://host?\(candidate.trimmingPrefix("--"))"))?.secrets ?? []
            }
        }
        return secrets.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// What stands before the "@", if anything does.
    private static func userInfo(of text: String) -> [String] {
        guard let start = text.firstRange(of: "://")?.upperBound else { return [] }
        guard let end = text[start...].lastIndex(of: "@") else { return [] }
        return [String(text[start..<end])]
    }
}
