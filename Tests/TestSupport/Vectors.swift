import Base
import FoundationEssentials

/// The data files under Tests/Vectors.
public enum Vectors {
    /// The absolute path of a file under Tests/Vectors.
    public static func path(_ name: String, from here: String = #filePath) -> String {
        let tests = here.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(tests)/Vectors/\(name)"
    }

    public static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path(name))))
    }

    public static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: try bytes(name))
    }
}
