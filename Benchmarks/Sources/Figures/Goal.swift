/// What a figure should be at most.
public struct Goal: Codable, Sendable {
    public let name: String
    public let most: Double
    /// Nil: it was not measured.
    public let measured: Double?
    public let unit: String

    public init(_ name: String, most: Double, measured: Double?, unit: String = "") {
        (self.name, self.most, self.measured, self.unit) = (name, most, measured, unit)
    }

    public var isMet: Bool? { measured.map { $0 <= most } }

    /// As it stands beside the figure.
    public static func mark(_ measured: Double?, most: Double?) -> String {
        guard let most else { return "" }
        guard let measured, measured.isFinite else { return "≤ \(text(most))" }
        return "≤ \(text(most)) " + (measured <= most ? "met" : "MISSED")
    }

    /// With all digits that say something: 1.15, 60, 0.25.
    private static func text(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\((value * 100).rounded() / 100)"
    }

    public static func table(_ goals: [Goal]) -> String {
        var table = Table("goal", "measured", "at most", "", words: 1)
        for goal in goals {
            let unit = goal.unit.isEmpty ? "" : " " + goal.unit
            table.add([
                goal.name, (goal.measured.map { $0 >= 0 && $0 < 10 ? ratio($0) : figure($0) } ?? "–") + unit,
                text(goal.most) + unit, goal.isMet.map { $0 ? "met" : "MISSED" } ?? "",
            ])
        }
        let measured = goals.compactMap(\.isMet)
        let rest = goals.count - measured.count
        return table.text + "\n\(measured.filter { $0 }.count) of \(measured.count) met"
            + (rest > 0 ? ", \(rest) not measured undisturbed" : "")
    }
}
