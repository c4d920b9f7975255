import Foundation

/// Words of a command line: `--name value` each.
public struct Options {
    private var values: [String: String] = [:]
    private var asked: Set<String> = []

    public init(_ words: some Collection<String>) {
        var words = Array(words)
        while let name = words.first {
            words.removeFirst()
            guard name.hasPrefix("--"), let value = words.first else { fail("\(name): options are --name VALUE") }
            words.removeFirst()
            values[String(name.dropFirst(2))] = value
        }
    }

    public mutating func text(_ name: String) -> String? {
        asked.insert(name)
        return values[name]
    }

    public mutating func number(_ name: String, _ fallback: Double) -> Double {
        guard let text = text(name) else { return fallback }
        guard let number = Double(text), number >= 0 else { fail("--\(name) \(text): a number is expected") }
        return number
    }

    public mutating func numbers(_ name: String, _ fallback: [Int]) -> [Int] {
        guard let text = text(name) else { return fallback }
        let numbers = text.split(separator: ",").compactMap { Int($0) }
        guard !numbers.isEmpty, numbers.allSatisfy({ (1...1000).contains($0) }) else {
            fail("--\(name) \(text): numbers from 1 to 1000 are expected, as in 1,10,50")
        }
        return numbers
    }

    /// `--quick 1`: fewer and shorter runs.
    public mutating func isQuick() -> Bool { number("quick", 0) > 0 }

    /// Ends the program when a word was given that nobody asked for.
    public func checkAllKnown() {
        let unknown = values.keys.filter { !asked.contains($0) }.sorted()
        if let first = unknown.first {
            fail("--\(first): no such option; there are --" + asked.sorted().joined(separator: ", --"))
        }
    }
}

public func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
    exit(2)
}

public func note(_ message: String) { FileHandle.standardError.write(Data("\(message)\n".utf8)) }

/// Writes a report as JSON, beside the program unless told otherwise: what was measured belongs to that build.
public func write(_ report: some Encodable, to path: String?, named name: String) throws {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let file = path.map { URL(filePath: $0) } ?? program.deletingLastPathComponent().appending(path: "\(name).json")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(report).write(to: file)
    print("JSON: \(file.path)")
}

/// A report of an earlier run; ends the program when the file is none.
public func readBaseline<Report: Decodable>(_ path: String?, as type: Report.Type) -> Report? {
    guard let path else { return nil }
    do {
        return try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
        fail("\(path) is no report of this benchmark: \(error)")
    }
}
