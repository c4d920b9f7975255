import Base

/// The one stream of facts. Publishing never waits, and the order of the numbers is the order of the calls.
///
/// The last `capacity` events are kept in a ring. A reader is nothing but a cursor into it: it costs no memory while it
/// is slow, cannot hold up a publisher, and when the ring has run past it, it gets a `gap` event and goes on.
public final class EventBus: Sendable {
    /// Where a reader begins.
    public enum Start: Sendable, Hashable {
        /// With the next event.
        case now
        /// With the oldest that is kept.
        case beginning
        /// With the one after this; with a `gap` first when that can't be done.
        case after(EventID)
    }

    /// 10,000 events are minutes of a busy gateway and 5 MB.
    public static let standardCapacity = 10_000

    public let boot: String
    private let clock: EventClock
    private let state: Locked<EventRing>

    /// - Parameter boot: Eight hexadecimal digits that no other start shares; random by default.
    public init(boot: String = EventBus.randomBoot(), capacity: Int = standardCapacity, clock: EventClock = .system) {
        self.boot = boot
        self.clock = clock
        state = Locked(EventRing(capacity: max(1, capacity)))
    }

    /// Numbers, times and keeps a fact, and wakes the readers.
    @discardableResult
    public func publish(_ fact: Fact) -> Event {
        let (event, waiting) = state.withLock { ring in
            // Read under the lock, so that times never run against numbers.
            let now = clock.now()
            let event = Event(
                id: EventID(boot: boot, number: ring.last + 1), unixMilliseconds: now.unixMilliseconds,
                monotonicMilliseconds: now.monotonicMilliseconds, fact: fact)
            ring.append(event)
            return (event, ring.takeWaiting())
        }
        for reader in waiting { reader.resume() }
        return event
    }

    /// The number of the newest event; 0 before the first.
    public var lastID: EventID { EventID(boot: boot, number: state.withLock { $0.last }) }

    /// Events from `start` on, for one reader.
    /// - Parameters:
    ///   - room: Only this room's events (and gaps).
    ///   - follow: False: ends with the newest event of now.
    public func subscribe(_ start: Start = .now, room: String? = nil, follow: Bool = true) -> AsyncStream<Event> {
        let reader = state.withLock { ring in
            EventReader(start: start, boot: boot, ring: ring, room: room, follow: follow)
        }
        return AsyncStream(unfolding: { await self.next(for: reader) })
    }

    /// Events after `id`; with nil, those that come from now on.
    public func subscribe(since id: EventID?) -> AsyncStream<Event> { subscribe(id.map { .after($0) } ?? .now) }

    /// Ends every stream once its reader has had what is kept. For shutdown.
    public func finish() {
        let waiting = state.withLock { ring in
            ring.isFinished = true
            return ring.takeWaiting()
        }
        for reader in waiting { reader.resume() }
    }

    public static func randomBoot() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func next(for reader: EventReader) async -> Event? {
        while !Task.isCancelled {
            let step = state.withLock { ring in reader.step(in: ring, boot: boot, clock: clock) }
            switch step {
            case .event(let event): return event
            case .end: return nil
            case .wait: await sleep(reader)
            }
        }
        return nil
    }

    /// Returns when something was published after the reader's cursor, at the end, or when the task is cancelled.
    private func sleep(_ reader: EventReader) async {
        let key = ObjectIdentifier(reader)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { ring in
                    // Looked at again under the lock: a fact may have come, or the cancellation, in between.
                    guard !ring.isFinished, !Task.isCancelled, ring.last < reader.cursor else { return false }
                    ring.waiting[key] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: key) }?.resume()
        }
    }
}

/// The kept events and who waits for the next.
struct EventRing {
    let capacity: Int
    private(set) var last = 0
    var isFinished = false
    var waiting: [ObjectIdentifier: CheckedContinuation<Void, Never>] = [:]
    private var slots: [Event] = []

    init(capacity: Int) { self.capacity = capacity }

    /// The number of the oldest kept event; `last + 1` when there is none.
    var first: Int { last - slots.count + 1 }

    /// Nil outside `first...last`. Number n lives in slot (n - 1) modulo capacity.
    subscript(number: Int) -> Event? {
        guard number >= first, number <= last else { return nil }
        return slots[(number - 1) % capacity]
    }

    mutating func append(_ event: Event) {
        last += 1
        if slots.count < capacity { slots.append(event) } else { slots[(last - 1) % capacity] = event }
    }

    mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
        defer { waiting.removeAll() }
        return Array(waiting.values)
    }
}
