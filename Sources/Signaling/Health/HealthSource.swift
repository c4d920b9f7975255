/// Says whether the gateway can do its work now. Implemented by the assembly, which knows all parts.
public protocol HealthSource: Sendable {
    /// One sentence for each thing that is in the way, for a person; empty: ready. Answers within two seconds,
    /// whatever is stuck.
    func reasonsNotReady() async -> [String]
}

/// A gateway that nobody looks after: always ready.
public struct AlwaysReady: HealthSource {
    public init() {}

    public func reasonsNotReady() async -> [String] { [] }
}
