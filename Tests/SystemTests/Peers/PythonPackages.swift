import Foundation
import Testing

/// What the peers of aiortc need from PyPI, fetched once into the folder of the programs: Debian's is years older, and has
/// no mediasoup-client.
actor PythonPackages {
    static let shared = PythonPackages()
    private static let wanted = ["aiortc==1.16.0", "pymediasoup==1.5.0", "websockets==17.4"]
    private var installed: URL?

    /// The folder, for PYTHONPATH.
    func path() async throws -> String {
        if let installed { return installed.path }
        let folder = Products.folder.appendingPathComponent("python-packages")
        let mark = folder.appendingPathComponent(Self.wanted.joined(separator: "-"))
        if !FileManager.default.fileExists(atPath: mark.path) {
            try? FileManager.default.removeItem(at: folder)
            try await Tool.run(
                "/usr/bin/python3",
                ["-m", "pip", "install", "-q", "--no-compile", "--target", folder.path] + Self.wanted, seconds: 600)
            try Data().write(to: mark)
        }
        installed = folder
        return folder.path
    }
}
