import Foundation

/// The programs that were built beside the running tests.
enum Products {
    static let folder: URL = {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent()
    }()

    static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
}

/// A folder of one test, gone with it.
final class Scratch: Sendable {
    let url: URL

    init(_ name: String = "ladle-test") throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    deinit { try? FileManager.default.removeItem(at: url) }
}
