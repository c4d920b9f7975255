import StrictYAML

/// Reads texts of gst-launch's language out of a description, with the place of each of their lines.
///
/// The YAML parser tells where a value begins; how its lines lie in the file is looked up there. Ways of writing that
/// join lines or hide characters (`>`, lines in quotes, escapes) are refused, since no place could be told for them.
struct LaunchTexts {
    private typealias Blueprint = PipelineBlueprint.GStreamerBlueprint

    static let codecs = ["vp8", "vp9", "h264", "opus"]
    /// gst-launch's own parser works recursively.
    private static let most = 16 * 1024
    private static let advice = "write it as a block: | behind the key, and the text indented below"

    private let lines: [[Unicode.Scalar]]

    init(yaml: String) {
        lines = yaml.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            Array(line.last == "\r" ? line.dropLast() : line)
        }
    }

    func branches(
        of entry: YAMLReader
    ) throws(YAMLFileError) -> [String: PipelineBlueprint.GStreamerBlueprint.Text] {
        var branches: [String: Blueprint.Text] = [:]
        for (codec, key, value) in try entry.entries() {
            guard Self.codecs.contains(codec) else {
                throw key.error("\"\(codec)\" is not one of \(Self.codecs.joined(separator: ", "))")
            }
            branches[codec] = try text(of: value)
        }
        guard !branches.isEmpty else { throw entry.error("there is no branch in it") }
        return branches
    }

    func text(of entry: YAMLReader) throws(YAMLFileError) -> PipelineBlueprint.GStreamerBlueprint.Text {
        let text = try entry.text()
        guard text.utf8.count <= Self.most else { throw entry.error("the text is longer than \(Self.most) bytes") }
        guard text.unicodeScalars.allSatisfy({ $0 == "\n" || $0.value >= 32 && $0.value != 127 }) else {
            throw entry.error("the text has control characters; tabs too are written as spaces")
        }
        let mark = entry.error("")
        guard lines.indices.contains(mark.line - 1), mark.column > 0 else {
            throw entry.error("its place can't be told; \(Self.advice)")
        }
        let first = lines[mark.line - 1].dropFirst(mark.column - 1)
        let places: [Blueprint.Place]?
        switch first.first {
        case "|": places = blockPlaces(of: text, below: mark.line)
        case ">", "&", "*", "!": places = nil
        case "\"", "'":
            // The same characters between the quotes: no escapes, no joined lines.
            let isSame = first.dropFirst().starts(with: text.unicodeScalars)
            places = isSame ? [Blueprint.Place(line: mark.line, column: mark.column + 1)] : nil
        default:
            let isSame = first.starts(with: text.unicodeScalars)
            places = isSame ? [Blueprint.Place(line: mark.line, column: mark.column)] : nil
        }
        guard let places else { throw entry.error("lines of it are joined or changed by YAML; \(Self.advice)") }
        return Blueprint.Text(text: Self.withoutComments(text), places: places)
    }

    /// The lines of a block scalar lie one below the other, all with the same indentation before them.
    private func blockPlaces(of text: String, below line: Int) -> [PipelineBlueprint.GStreamerBlueprint.Place]? {
        let content = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard let firstFull = content.firstIndex(where: { !$0.isEmpty }), lines.indices.contains(line + firstFull)
        else { return nil }
        let indentation = lines[line + firstFull].count - content[firstFull].count
        guard indentation >= 0 else { return nil }
        for (index, part) in content.enumerated() where !part.isEmpty {
            // Held against the file, so that a place is right or none is told.
            guard lines.indices.contains(line + index), lines[line + index].dropFirst(indentation).elementsEqual(part)
            else { return nil }
        }
        return content.indices.map { Blueprint.Place(line: line + $0 + 1, column: indentation + 1) }
    }

    /// gst-launch's language has no comments; a line that begins with # is one here.
    private static func withoutComments(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.drop { $0 == " " }.first == "#" ? String(repeating: " ", count: line.utf8.count) : String(line)
        }.joined(separator: "\n")
    }
}
