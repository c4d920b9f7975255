/// Cuts a byte stream into lines; a line over the limit is an error, never unbounded memory.
public struct LineBuffer: Sendable {
    public enum Failure: Error, Sendable, Hashable { case lineTooLong(limit: Int) }

    /// 1 MiB: a job with every codec of a router is some kilobytes.
    public static let limit = 1 << 20
    private var pending: [UInt8] = []

    public init() {}

    /// Adds bytes and returns the lines that they complete, without their ends; empty lines are skipped.
    public mutating func append(_ bytes: some Sequence<UInt8>) throws(Failure) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if !pending.isEmpty { lines.append(pending) }
                pending.removeAll(keepingCapacity: true)
            } else {
                guard pending.count < Self.limit else { throw .lineTooLong(limit: Self.limit) }
                pending.append(byte)
            }
        }
        return lines
    }
}
