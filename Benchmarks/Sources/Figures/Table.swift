/// Columns of text, as wide as their widest cell.
public struct Table {
    /// How many columns, from the left, hold words; the others hold figures and stand at the right of their column.
    private let words: Int
    private var rows: [[String]]

    public init(_ head: String..., words: Int) {
        rows = [head]
        self.words = words
    }

    public mutating func add(_ row: [String]) { rows.append(row) }

    public var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (column < words ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}

/// A ratio with two digits; "–" when there is nothing to compare with.
public func ratio(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
}

/// Whole, or with one digit below ten; "–" for nothing.
public func figure(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    if abs(value) >= 10 || value == 0 { return "\(Int(value.rounded()))" }
    return "\((value * 10).rounded() / 10)"
}
