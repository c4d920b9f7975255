/// Why a file is refused, and where.
public struct YAMLFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public let file: String
    /// From 1; 0 when the place is not known.
    public let line: Int
    /// From 1, in Unicode scalars.
    public let column: Int
    /// The key it is about: "parameters.loop.type". Nil when it is about the file.
    public let key: String?
    /// What is wrong, and what would be right.
    public let message: String

    public init(file: String, line: Int, column: Int, key: String?, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// `pipelines/a.yaml:3:7: parameters.loop.type: "bool" is not one of boolean, integer, number, string`
    public var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return key.map { "\(place): \($0): \(message)" } ?? "\(place): \(message)"
    }
}
