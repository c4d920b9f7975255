import Control

/// What names from outside may look like. They end up in paths, logs and file names.
enum NameRules {
    /// Characters; of whatever script.
    static let longest = 128

    static func room(_ name: String) throws(ControlError) { try check(name, subject: "room id", slashes: false) }

    static func file(_ name: String) throws(ControlError) {
        try check(name, subject: "file name", slashes: false)
        guard !name.hasPrefix(".") else { throw .type("file name \"\(name)\" begins with a dot") }
    }

    /// Ids that clients choose for themselves: they name nothing on disk.
    static func id(_ name: String, subject: String) throws(ControlError) {
        try check(name, subject: subject, slashes: true)
    }

    /// Every event of a broadcaster bears its name, and thousands of events are kept: it is for people, and short.
    static func displayName(_ name: String) throws(ControlError) {
        guard name.utf8.count <= 8 * longest else {
            throw .type("the display name is longer than \(8 * longest) bytes")
        }
    }

    private static func check(_ name: String, subject: String, slashes: Bool) throws(ControlError) {
        guard !name.isEmpty else { throw .type("the \(subject) is empty") }
        guard name.count <= longest, name.utf8.count <= 4 * longest else {
            throw .type("the \(subject) is longer than \(longest) characters")
        }
        guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .type("the \(subject) holds control characters")
        }
        guard slashes || !name.contains("/") else { throw .type("the \(subject) \"\(name)\" holds a slash") }
        guard slashes || name != "." && !name.contains("..") else {
            throw .type("the \(subject) \"\(name)\" may not be or hold dots that name folders")
        }
    }
}
