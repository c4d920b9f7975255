import Base
import PipelineControl

extension OpenedSource {
    /// What would become of a source, for people.
    /// - Parameter name: As it may be shown.
    public func lines(name: String) -> [String] {
        let length = durationSeconds.map { "\(tenths($0)) s" } ?? "no end known"
        let title = [name, [format, length].compactMap(\.self).joined(separator: ", ")].joined(separator: ": ")
        return [title] + tracks.map(\.line) + leftOut.map { "  left out: \($0)" }
    }

    /// The same for programs.
    public func json(name: String) -> JSONValue {
        .object(omittingAbsent: [
            "source": .string(name),
            "format": format.map { .string($0) },
            "durationSeconds": durationSeconds.map { .double($0) },
            "tracks": .array(tracks.map(\.json)),
            "leftOut": .array(leftOut.map { .string($0) }),
        ])
    }

    private func tenths(_ seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e12 else { return "\(seconds)" }
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(abs(tenths) % 10)"
    }
}

extension SourceTrack {
    /// "  video 0: mpeg4, 640x360 → transcoded to VP8: no receiver plays it"
    fileprivate var line: String {
        let name = codec.mimeType.split(separator: "/").last.map(String.init) ?? codec.mimeType
        let outcome = treatment == .copy ? "copied as \(name)" : "transcoded to \(name)"
        return "  \(kind.rawValue) \(index): \(description) → \(outcome)" + (reason.isEmpty ? "" : ": \(reason)")
    }

    fileprivate var json: JSONValue {
        [
            "index": JSONValue(index), "kind": .string(kind.rawValue), "description": .string(description),
            "treatment": .string(treatment.rawValue), "codec": .string(codec.mimeType), "reason": .string(reason),
        ]
    }
}
