import Base

/// One fact, numbered and timed.
public struct Event: Sendable, Hashable {
    public var id: EventID
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var unixMilliseconds: Int64
    /// Milliseconds of the monotonic clock: differences between events are true durations.
    public var monotonicMilliseconds: Int64
    public var fact: Fact

    public init(id: EventID, unixMilliseconds: Int64, monotonicMilliseconds: Int64, fact: Fact) {
        self.id = id
        self.unixMilliseconds = unixMilliseconds
        self.monotonicMilliseconds = monotonicMilliseconds
        self.fact = fact
    }

    /// UTC, ISO 8601 with milliseconds: "2026-03-01T12:31:07.123Z".
    public var time: String { UTCTime(unixMilliseconds: unixMilliseconds).iso8601 }

    /// `{id, time, monotonicMs, type, room?, …}` with the fact's own members beside them.
    public var json: JSONValue {
        var members = fact.payload
        members["id"] = .string(id.description)
        members["time"] = .string(time)
        members["monotonicMs"] = .integer(monotonicMilliseconds)
        members["type"] = .string(fact.name)
        return .object(members)
    }
}
