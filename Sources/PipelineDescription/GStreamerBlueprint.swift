import Base

extension PipelineBlueprint {
    /// What a description of GStreamer says.
    public struct GStreamerBlueprint: Sendable, Hashable {
        /// A text of gst-launch's language and where it stands, so that complaints about it can tell line and column.
        public struct Text: Sendable, Hashable {
            /// Lines that begin with # are comments: spaces stand in their place.
            public var text: String
            /// For each line of `text`, the line and column in the file that it begins at, from 1.
            public var places: [Place]

            public init(text: String, places: [Place]) {
                self.text = text
                self.places = places
            }

            /// Where a byte of `text` stands in the file.
            /// - Parameter offset: in UTF-8 bytes.
            public func place(ofUTF8 offset: Int) -> Place? {
                let before = String(decoding: text.utf8.prefix(max(0, offset)), as: UTF8.self)
                let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
                guard let last = lines.last, places.indices.contains(lines.count - 1) else { return places.last }
                let start = places[lines.count - 1]
                return Place(line: start.line, column: start.column + last.unicodeScalars.count)
            }
        }

        public struct Place: Sendable, Hashable {
            public var line: Int
            public var column: Int

            public init(line: Int, column: Int) { (self.line, self.column) = (line, column) }
        }

        /// Where a parameter says what it sets.
        public struct SetsPlace: Sendable, Hashable {
            public var place: Place
            /// "parameters.text.sets"
            public var key: String

            public init(place: Place, key: String) { (self.place, self.key) = (place, key) }
        }

        /// Ingest: a file goes in (into the element `input`). Otherwise its own elements are the source.
        public var takesFile: Bool
        /// Record: what the file will be.
        public var container: Container?
        public var launch: Text
        /// By codec: vp8, vp9, h264, opus.
        public var branches: [String: Text]
        /// By parameter, the elements' properties that it sets: "title.text".
        public var sets: [String: [String]]
        /// By parameter, the branch that is left out when the parameter has no value.
        public var enables: [String: String] = [:]
        /// By what is set: where the file says so.
        public var setsPlaces: [String: SetsPlace] = [:]

        public init(
            takesFile: Bool, container: Container?, launch: Text, branches: [String: Text], sets: [String: [String]]
        ) {
            self.takesFile = takesFile
            self.container = container
            self.launch = launch
            self.branches = branches
            self.sets = sets
        }
    }
}
