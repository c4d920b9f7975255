/// The median of some figures and how far they lie apart.
public struct Spread: Codable, Sendable {
    public let median: Double
    public let least: Double
    public let most: Double

    /// Nil without figures.
    public init?(_ figures: [Double]) {
        let sorted = figures.sorted()
        guard let least = sorted.first, let most = sorted.last else { return nil }
        (self.least, self.most, median) = (least, most, Spread.median(ofSorted: sorted))
    }

    public static func median(_ figures: [Double]) -> Double? {
        figures.isEmpty ? nil : median(ofSorted: figures.sorted())
    }

    private static func median(ofSorted sorted: [Double]) -> Double {
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
