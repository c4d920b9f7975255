import Base
import Foundation
import Testing

/// What the ffmpeg tools say of a file.
struct MediaFile {
    var codecs: [String] = []
    var durationSeconds = 0.0

    static func probe(_ path: String) async throws -> MediaFile {
        let text = try await Tool.run(
            "ffprobe", ["-v", "error", "-show_streams", "-show_format", "-of", "json", path])
        let json = try JSONValue(parsing: text)
        var file = MediaFile()
        file.codecs = json["streams"]?.arrayValue?.compactMap { $0["codec_name"]?.stringValue } ?? []
        file.durationSeconds = json["format"]?["duration"]?.stringValue.flatMap(Double.init) ?? 0
        return file
    }

    /// How many pictures can be decoded.
    static func pictures(_ path: String) async throws -> Int {
        let text = try await Tool.run(
            "ffprobe",
            [
                "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames",
                "-of",
                "csv=p=0", path,
            ])
        return try #require(Int(text.filter(\.isNumber)))
    }

    /// Decodes everything; empty when nothing was wrong.
    static func decodeErrors(_ path: String) async throws -> String {
        try await Tool.run("ffmpeg", ["-v", "error", "-i", path, "-f", "null", "-"])
    }
}
