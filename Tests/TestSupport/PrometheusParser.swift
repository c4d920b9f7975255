/// Reads Prometheus' text format 0.0.4 as strictly as its documentation allows, and by the rules for names that
/// `promtool check metrics` has.
public struct PrometheusScrape {
    public struct Family: Equatable {
        public var type: String
        public var help: String
        /// By labels as they are written, sorted: `{kind="audio"}`; "" without.
        public var samples: [String: Double]
    }

    public struct Malformed: Error, CustomStringConvertible {
        public let line: Int
        public let what: String
        public var description: String { "line \(line): \(what)" }
    }

    public private(set) var families: [String: Family] = [:]
    /// In the order of the text.
    public private(set) var names: [String] = []

    public init(_ text: String) throws {
        // By scalars: "\r\n" would be one Character, and no line feed.
        let scalars = Array(text.unicodeScalars)
        guard scalars.isEmpty || scalars.last == "\n" else {
            throw Malformed(line: 0, what: "the last line has no end")
        }
        var number = 0
        for line in scalars.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            number += 1
            do { try read(line) } catch let problem as Problem { throw Malformed(line: number, what: problem.what) }
        }
    }

    /// Of the family without labels, or with these: `scrape["ladle_producers", "kind=\"audio\""]`.
    public subscript(name: String, labels: String...) -> Double? {
        families[name]?.samples[labels.sorted().joined(separator: ",")]
    }

    /// All samples of a family.
    public func sum(_ name: String) -> Double { (families[name]?.samples.values ?? [:].values).reduce(0, +) }

    // MARK: - Lines

    private struct Problem: Error { let what: String }

    private mutating func read(_ line: ArraySlice<Unicode.Scalar>) throws {
        guard line.first == "#" else { return try readSample(line) }
        let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(Self.text)
        guard words.count == 4, words[0] == "#" else { throw Problem(what: "a comment that is neither HELP nor TYPE") }
        let name = words[2]
        guard Self.isName(words[2], colons: true) else { throw Problem(what: "'\(name)' is no name") }
        switch words[1] {
        case "HELP":
            guard families[name] == nil else { throw Problem(what: "\(name) comes twice") }
            guard !words[3].isEmpty else { throw Problem(what: "\(name) has no help") }
            _ = try Self.unescaped(words[3], quotes: false)
            families[name] = Family(type: "", help: words[3], samples: [:])
            names.append(name)
        case "TYPE":
            guard names.last == name, var family = families[name], family.type.isEmpty, family.samples.isEmpty else {
                throw Problem(what: "TYPE of \(name) does not follow its HELP")
            }
            guard ["counter", "gauge"].contains(words[3]) else { throw Problem(what: "type '\(words[3])'") }
            guard (words[3] == "counter") == name.hasSuffix("_total") else {
                throw Problem(what: "\(name) is a \(words[3]): counters and they alone end in _total")
            }
            family.type = words[3]
            families[name] = family
        default: throw Problem(what: "a comment that is neither HELP nor TYPE")
        }
    }

    private mutating func readSample(_ line: ArraySlice<Unicode.Scalar>) throws {
        let name = Self.text(line.prefix { $0 != "{" && $0 != " " })
        guard Self.isName(name, colons: true) else { throw Problem(what: "'\(name)' is no name") }
        var rest = line.dropFirst(name.unicodeScalars.count)
        var labels: [(name: String, value: String)] = []
        if rest.first == "{" {
            repeat {
                rest = rest.dropFirst()
                labels.append(try Self.label(&rest))
            } while rest.first == ","
            guard rest.popFirst() == "}" else { throw Problem(what: "the labels of \(name) have no end") }
        }
        guard rest.popFirst() == " " else { throw Problem(what: "no space before the value of \(name)") }
        let value = Self.text(rest)
        guard let number = Self.number(value) else { throw Problem(what: "'\(value)' is no value") }
        guard Set(labels.map(\.name)).count == labels.count else { throw Problem(what: "\(name): a label comes twice") }
        guard names.last == name, families[name]?.type.isEmpty == false else {
            throw Problem(what: "\(name) stands outside of its family")
        }
        let key = labels.map { "\($0.name)=\"\($0.value)\"" }.sorted().joined(separator: ",")
        guard families[name]?.samples.updateValue(number, forKey: key) == nil else {
            throw Problem(what: "\(name){\(key)} comes twice")
        }
    }

    /// `name="value"`.
    private static func label(_ rest: inout ArraySlice<Unicode.Scalar>) throws -> (name: String, value: String) {
        let name = text(rest.prefix { $0 != "=" })
        guard isName(name, colons: false) else { throw Problem(what: "'\(name)' is no label") }
        rest = rest.dropFirst(name.unicodeScalars.count + 1)
        guard rest.popFirst() == "\"" else { throw Problem(what: "the value of \(name) has no quotes") }
        var value: [Unicode.Scalar] = []
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return (name, try unescaped(text(value[...]), quotes: true)) }
            value.append(scalar)
            if scalar == "\\", let next = rest.popFirst() { value.append(next) }
        }
        throw Problem(what: "the value of \(name) has no end")
    }

    private static func unescaped(_ text: String, quotes: Bool) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "\\": result.append("\\")
            case "n": result.append("\n")
            case "\"" where quotes: result.append("\"")
            default: throw Problem(what: "an escape that does not exist in '\(text)'")
            }
        }
        return String(result)
    }

    /// As Go reads floats, but for hexadecimal ones and underscores.
    private static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": return .nan
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        default:
            guard text.allSatisfy({ "0123456789+-.e".contains($0) }) else { return nil }
            return Double(text)
        }
    }

    private static func isName(_ text: String, colons: Bool) -> Bool {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || colons && scalar == ":"
        }
        guard let first = text.unicodeScalars.first, isLetter(first) else { return false }
        return text.unicodeScalars.allSatisfy { isLetter($0) || ("0"..."9").contains($0) }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
