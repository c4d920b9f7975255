/// What is read at most: more than any browser writes, and little enough for a request of a stranger.
enum SDPLimits {
    static let bytes = 65_536
    static let sections = 64
    static let formats = 64
    /// Of one kind of attribute in one section.
    static let attributes = 256
}

/// One line: `a=mid:0` is number, "a", "mid:0".
struct SDPLine {
    let number: Int
    let type: Character
    let value: Substring

    func error(_ fault: SDPParseError.Fault) -> SDPParseError {
        SDPParseError(line: number, text: "\(type)=\(value)", fault)
    }

    /// An attribute's name and value; without a colon the value is empty.
    var attribute: (name: Substring, value: Substring) {
        let parts = value.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        return (Substring(parts[0]), parts.count > 1 ? Substring(parts[1]) : "")
    }
}

/// Cuts a text into lines. Line ends are CR LF, or LF alone from lenient writers; empty lines are passed over.
struct SDPLines {
    private let pieces: [Substring.UTF8View]
    private var position = 0

    /// - Throws: `tooLong`.
    init(_ text: String) throws(SDPParseError) {
        guard text.utf8.count <= SDPLimits.bytes else {
            throw SDPParseError(line: 0, text: "", .tooLong(bytes: text.utf8.count, limit: SDPLimits.bytes))
        }
        pieces = text[...].utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
    }

    mutating func next() throws(SDPParseError) -> SDPLine? {
        while position < pieces.count {
            var piece = pieces[position]
            position += 1
            while let last = piece.last, last == 0x0D || last == 0x20 { piece = piece.dropLast() }
            guard let type = piece.first else { continue }
            guard type < 0x7F, type > 0x20, piece.dropFirst().first == UInt8(ascii: "=") else {
                throw SDPParseError(line: position, text: Substring(piece), .noLine)
            }
            return SDPLine(
                number: position, type: Character(Unicode.Scalar(type)), value: Self.harmless(piece.dropFirst(2)))
        }
        return nil
    }

    /// Control characters would be left out when it is written: they aren't read either.
    private static func harmless(_ piece: Substring.UTF8View) -> Substring {
        if piece.allSatisfy({ (0x20...0x7E).contains($0) }) { return Substring(piece) }
        return SessionDescription.harmless(String(Substring(piece)))[...]
    }
}

/// The words of a line, one or more spaces between them.
struct SDPWords {
    private var rest: Substring.UTF8View

    init(_ text: some StringProtocol) { rest = Substring(text).utf8 }

    mutating func next() -> String? {
        rest = rest.drop { $0 == 0x20 }
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: 0x20) ?? rest.endIndex
        defer { rest = rest[end...] }
        return String(Substring(rest[..<end]))
    }

    mutating func number<T: FixedWidthInteger>() -> T? { next().flatMap { sdpNumber($0) } }

    /// What is left, without the spaces before it.
    var remainder: String { String(Substring(rest.drop { $0 == 0x20 })) }

    static func all(_ text: some StringProtocol) -> [String] {
        var words = SDPWords(text)
        var all: [String] = []
        while let word = words.next() { all.append(word) }
        return all
    }
}

/// Digits alone: no sign, no spaces. Nil also for what doesn't fit.
func sdpNumber<T: FixedWidthInteger>(_ text: some StringProtocol) -> T? {
    let digits = text.utf8
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return T(text)
}

/// Pieces between separators without the spaces around them; empty ones are left out.
func sdpPieces(_ text: some StringProtocol, separator: Character) -> [String] {
    guard let byte = separator.asciiValue else { return [] }
    return Substring(text).utf8.split(separator: byte).compactMap { piece in
        var piece = piece.drop { $0 == 0x20 }
        while piece.last == 0x20 { piece = piece.dropLast() }
        return piece.isEmpty ? nil : String(Substring(piece))
    }
}

extension FormatParameter {
    /// `name=value`, or a name alone.
    init(parsing text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        self.init(String(Substring(parts[0])), parts.count > 1 ? String(Substring(parts[1])) : nil)
    }

    var text: String { value.map { "\(name)=\($0)" } ?? name }
}
