import Base

/// The requests that one side has sent and that wait for their answers.
///
/// `Purpose` is what the asker wants to remember. Answers to requests that nobody waits for are passed over; that
/// includes those that came too late.
public struct ProtooExchange<Purpose: Sendable>: Sendable {
    /// Where protoo takes its ids from.
    private static var ids: ClosedRange<Int64> { 0...10_000_000 }

    private struct Pending {
        var purpose: Purpose
        var deadline: Instant
    }

    private var pending: [Int64: Pending] = [:]

    public init() {}

    public var count: Int { pending.count }

    /// When the next one counts as unanswered; nil: none waits.
    public var nextDeadline: Instant? { pending.values.map(\.deadline).min() }

    /// How long protoo's server waits: 30 s, and 0.2 s more for each request that waits already, since a client may
    /// handle them one after the other.
    public static func patience(pending: Int) -> Duration { .milliseconds(2000 * 15 + 200 * pending) }

    /// A message to send.
    public mutating func request(
        _ method: String, _ data: JSONValue, for purpose: Purpose, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> ProtooMessage {
        var id = Int64.random(in: Self.ids, using: &random)
        while pending[id] != nil { id = id == Self.ids.upperBound ? Self.ids.lowerBound : id + 1 }
        pending[id] = Pending(purpose: purpose, deadline: now + Self.patience(pending: pending.count))
        return .request(ProtooRequest(id: .integer(id), method: method, data: data))
    }

    /// Whose answer it is; nil: nobody's.
    public mutating func receive(_ response: ProtooResponse, now: Instant) -> Purpose? {
        guard let id = response.id.integerValue, let found = pending[id], found.deadline > now else { return nil }
        pending[id] = nil
        return found.purpose
    }

    /// Those that were not answered in time, the longest waiting first.
    public mutating func advance(to now: Instant) -> [Purpose] {
        let late = pending.filter { $0.value.deadline <= now }.sorted { $0.value.deadline < $1.value.deadline }
        for (id, _) in late { pending[id] = nil }
        return late.map(\.value.purpose)
    }
}
