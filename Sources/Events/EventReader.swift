/// One reader's place in the ring.
///
/// `@unchecked` holds: it is made and touched only while the bus's lock is held.
final class EventReader: @unchecked Sendable {
    enum Step {
        case event(Event)
        case wait
        case end
    }

    /// The number of the next event to give.
    private(set) var cursor: Int
    private let room: String?
    /// Where a reader that does not follow stops.
    private let end: Int?
    /// Told before anything else.
    private var openingGap: (reason: GapReason, missed: Int?)?

    init(start: EventBus.Start, boot: String, ring: EventRing, room: String?, follow: Bool) {
        self.room = room
        end = follow ? nil : ring.last
        switch start {
        case .now: cursor = ring.last + 1
        case .beginning: cursor = ring.first
        case .after(let id) where id.boot != boot:
            cursor = ring.first
            openingGap = (.otherBoot, nil)
        case .after(let id) where id.number > ring.last || id.number < 0:
            cursor = ring.first
            openingGap = (.unknownID, nil)
        case .after(let id) where id.number + 1 < ring.first:
            cursor = ring.first
            openingGap = (.tooOld, ring.first - id.number - 1)
        case .after(let id): cursor = id.number + 1
        }
    }

    func step(in ring: EventRing, boot: String, clock: EventClock) -> Step {
        if let gap = openingGap {
            openingGap = nil
            // The ring may have moved on between subscribing and the first read.
            let moved = max(0, ring.first - cursor)
            cursor = max(cursor, ring.first)
            return .event(gapEvent(gap.reason, gap.missed.map { $0 + moved }, boot, clock))
        }
        if cursor < ring.first {
            let missed = ring.first - cursor
            cursor = ring.first
            return .event(gapEvent(.slowReader, missed, boot, clock))
        }
        while let event = ring[cursor] {
            if let end, cursor > end { return .end }
            cursor += 1
            if room == nil || event.fact.room == room { return .event(event) }
        }
        if let end, cursor > end { return .end }
        return ring.isFinished ? .end : .wait
    }

    /// Bears the number before the next event's, so that a client that resumes with it misses nothing more.
    private func gapEvent(_ reason: GapReason, _ missed: Int?, _ boot: String, _ clock: EventClock) -> Event {
        let now = clock.now()
        return Event(
            id: EventID(boot: boot, number: cursor - 1), unixMilliseconds: now.unixMilliseconds,
            monotonicMilliseconds: now.monotonicMilliseconds, fact: .gap(reason: reason, missed: missed))
    }
}
