/// Finds the word that was probably meant.
public enum Suggestion {
    /// The nearest of the known words; nil when none is near enough to be a slip of the pen.
    ///
    /// Upper and lower case count as the same, and so do "-", "_" and nothing: `token-file` means `tokenFile`.
    public static func nearest(to word: String, among known: [String]) -> String? {
        let wanted = folded(word)
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        let ranked = known.map { (word: $0, distance: distance(wanted, folded($0))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        // One slip in short words, two from six letters on, three from ten on: more is another word.
        let allowed = wanted.count < 3 ? 0 : wanted.count < 6 ? 1 : wanted.count < 10 ? 2 : 3
        return best.distance <= allowed ? best.word : nil
    }

    private static func folded(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
    }

    /// Insertions, deletions, replacements and swaps of neighbours (Damerau–Levenshtein, each letter moved once).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var twoBack: [Int] = []
        var last = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var row = [i + 1]
            for (j, other) in b.enumerated() {
                var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (letter == other ? 0 : 1))
                if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other { best = min(best, twoBack[j - 1] + 1) }
                row.append(best)
            }
            (twoBack, last) = (last, row)
        }
        return last[b.count]
    }
}
