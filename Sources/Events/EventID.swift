/// The place of one event in the stream of one life of the daemon: `<boot>-<number>`.
///
/// Numbers begin at 1 with each start, so the boot tells whether a number still means the same event.
public struct EventID: Sendable, Hashable, CustomStringConvertible {
    /// Eight hexadecimal digits, drawn at each start.
    public var boot: String
    public var number: Int

    public init(boot: String, number: Int) {
        self.boot = boot
        self.number = number
    }

    /// Reads `<boot>-<number>`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let dash = text.lastIndex(of: "-"), dash > text.startIndex else { return nil }
        let digits = text[text.index(after: dash)...]
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits) else { return nil }
        self.init(boot: String(text[..<dash]), number: number)
    }

    public var description: String { "\(boot)-\(number)" }
}
