/// A text of gst-launch's language, taken apart far enough to tell where in it something is wrong.
///
/// GStreamer's own parser makes the pipeline; its errors tell no places. Offsets are UTF-8 bytes.
struct LaunchText {
    struct Property {
        var name: String
        var value: String
        var offset: Int
        /// Behind the value.
        var end: Int?
    }

    /// `vp8enc deadline=1`, or a caps filter between two marks, which has no properties.
    struct Node {
        /// The element's kind; empty for a caps filter or an address.
        var factory: String
        var offset: Int
        /// Behind the word, where more properties may be put.
        var end: Int
        var properties: [Property] = []
        /// As `name=` says.
        var name: String? { properties.last { $0.name == "name" }?.value }
    }

    /// `a ! b` or `a. ! b`.
    struct Link {
        var from: End
        var to: End
        /// Of the mark.
        var offset: Int
    }

    enum End {
        case node(Int)
        /// `name.` or `name.pad`, which may stand before the element that bears the name.
        case reference(String, offset: Int)
    }

    struct Problem {
        var offset: Int
        var message: String
    }

    private(set) var elements: [Node] = []
    private(set) var links: [Link] = []
    private(set) var problems: [Problem] = []
    private var bytes: [UInt8]
    private var at = 0
    /// What stands before the next word, if that is linked to it.
    private var last: End?
    /// A mark that waits for what follows it.
    private var mark: Int?
    private var brackets: [Int] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
        read()
    }

    /// The node that a link's end means.
    func node(_ end: End) -> Int? {
        switch end {
        case .node(let index): index
        case .reference(let name, _): elements.lastIndex { $0.name == name }
        }
    }

    /// References to names that no element bears.
    var lostReferences: [(name: String, offset: Int)] {
        var lost: [(name: String, offset: Int)] = []
        for link in links {
            for end in [link.from, link.to] {
                if case .reference(let name, let offset) = end, node(end) == nil { lost.append((name, offset)) }
            }
        }
        return lost
    }

    /// Elements that lie on a way back to themselves; empty when there is none.
    var cycle: [Int] {
        var next: [Int: [Int]] = [:]
        for link in links {
            if let from = node(link.from), let to = node(link.to) { next[from, default: []].append(to) }
        }
        var done: Set<Int> = []
        func walk(_ index: Int, _ path: [Int]) -> [Int] {
            if let start = path.firstIndex(of: index) { return Array(path[start...]) }
            guard !done.contains(index) else { return [] }
            for follower in next[index] ?? [] {
                let found = walk(follower, path + [index])
                if !found.isEmpty { return found }
            }
            done.insert(index)
            return []
        }
        for index in elements.indices {
            let found = walk(index, [])
            if !found.isEmpty { return found }
        }
        return []
    }

    // MARK: Reading

    private mutating func read() {
        while true {
            skipSpaces()
            guard at < bytes.count else { break }
            let start = at
            switch bytes[at] {
            case UInt8(ascii: "!"):
                at += 1
                if mark != nil {
                    problems.append(Problem(offset: start, message: "two \"!\" with nothing between"))
                } else if last == nil {
                    problems.append(Problem(offset: start, message: "\"!\" with nothing before it"))
                }
                mark = start
            case UInt8(ascii: "("):
                at += 1
                brackets.append(start)
            case UInt8(ascii: ")"):
                at += 1
                if brackets.popLast() == nil {
                    problems.append(Problem(offset: start, message: "\")\" without \"(\""))
                }
            case UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: ";"):
                at += 1
                let character = Character(Unicode.Scalar(bytes[start]))
                problems.append(Problem(offset: start, message: "\"\(character)\" with no name before it"))
            default: readWord(start)
            }
        }
        if let mark { problems.append(Problem(offset: mark, message: "\"!\" with nothing behind it")) }
        for bracket in brackets { problems.append(Problem(offset: bracket, message: "\"(\" without \")\"")) }
    }

    private mutating func link(to end: End) {
        if let from = last, let offset = mark { links.append(Link(from: from, to: end, offset: offset)) }
        (last, mark) = (end, nil)
    }

    private mutating func readWord(_ start: Int) {
        let word = readIdentifier()
        guard !word.isEmpty || peek() == UInt8(ascii: ".") else {
            let character = readCharacter()
            problems.append(Problem(offset: start, message: "\"\(character)\" is not understood here"))
            return
        }
        if peek() == UInt8(ascii: "/") || peek() == UInt8(ascii: ":") && !word.isEmpty {
            // Caps between two marks, up to the next one, or an address.
            let isCaps = peek() == UInt8(ascii: "/")
            readFilter(untilMark: isCaps)
            elements.append(Node(factory: "", offset: start, end: at))
            link(to: .node(elements.count - 1))
            return
        }
        let behind = at
        skipSpaces()
        if peek() == UInt8(ascii: "=") {
            at += 1
            skipSpaces()
            let value = readString()
            let property = Property(name: word, value: value, offset: start, end: at)
            if mark == nil, case .node(let index)? = last {
                elements[index].properties.append(property)
            } else if brackets.isEmpty {
                problems.append(Problem(offset: start, message: "\(word)= stands behind no element"))
            }
            return
        }
        at = behind
        if peek() == UInt8(ascii: ".") {
            at += 1
            if peek() == UInt8(ascii: "(") { return }
            _ = readIdentifier(allowingPercent: true)
            if word.isEmpty {
                // `.pad` of the element before.
                return
            }
            if mark == nil { last = nil }
            link(to: .reference(word, offset: start))
            return
        }
        elements.append(Node(factory: word, offset: start, end: at))
        if mark == nil { last = nil }
        link(to: .node(elements.count - 1))
    }

    private func peek() -> UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpaces() {
        while at < bytes.count, bytes[at] <= 32 { at += 1 }
    }

    private mutating func readIdentifier(allowingPercent: Bool = false) -> String {
        let start = at
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "%"),
                UInt8(ascii: "@"):
                at += 1
            // `sink_0::xpos`
            case UInt8(ascii: ":") where at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: ":"): at += 2
            default: return String(decoding: bytes[start..<at], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func readCharacter() -> Character {
        let rest = String(decoding: bytes[at...].prefix(16), as: UTF8.self)
        let character = rest.first ?? " "
        at += max(1, character.utf8.count)
        return character
    }

    /// Caps go on to the next mark; an address to the next space.
    private mutating func readFilter(untilMark: Bool) {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "!") where untilMark: return
            case UInt8(ascii: "\""): _ = readQuoted(UInt8(ascii: "\""))
            case 0...32 where !untilMark: return
            default: at += 1
            }
        }
    }

    /// Quoted, or up to the next space, where a quote within goes on to its end.
    private mutating func readString() -> String {
        var value: [UInt8] = []
        while at < bytes.count, bytes[at] > 32 {
            switch bytes[at] {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): value += readQuoted(bytes[at])
            case UInt8(ascii: "\\") where at + 1 < bytes.count:
                value.append(bytes[at + 1])
                at += 2
            default:
                value.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private mutating func readQuoted(_ quote: UInt8) -> [UInt8] {
        let start = at
        var value: [UInt8] = []
        at += 1
        while at < bytes.count, bytes[at] != quote {
            if bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.count { at += 1 }
            value.append(bytes[at])
            at += 1
        }
        if at == bytes.count {
            problems.append(Problem(offset: start, message: "this quote is not closed"))
        } else {
            at += 1
        }
        return value
    }
}
