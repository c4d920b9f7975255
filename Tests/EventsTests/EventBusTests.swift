import Base
import Events
import Testing

@Suite struct EventBusTests {
    /// 2026-03-01T12:31:07.123Z and one second more with each reading.
    static func tickingClock() -> EventClock {
        let ticks = Locked(0)
        return EventClock {
            let tick = ticks.withLock { ticks in
                ticks += 1
                return Int64(ticks - 1)
            }
            return .init(unixMilliseconds: 1_772_368_267_123 + tick * 1000, monotonicMilliseconds: 5000 + tick * 1000)
        }
    }

    func bus(capacity: Int = 10) -> EventBus {
        EventBus(boot: "0a1b2c3d", capacity: capacity, clock: Self.tickingClock())
    }

    /// Publishes room.created of rooms "1", "2" ….
    func publish(_ rooms: ClosedRange<Int>, on bus: EventBus) {
        for room in rooms { bus.publish(.roomCreated(room: "\(room)")) }
    }

    /// What a reader that does not follow gets: "1", "2" … for rooms, "gap:reason:missed" for gaps.
    func read(_ bus: EventBus, _ start: EventBus.Start, room: String? = nil) async -> [String] {
        var seen: [String] = []
        for await event in bus.subscribe(start, room: room, follow: false) { seen.append(word(event)) }
        return seen
    }

    func word(_ event: Event) -> String {
        if case .gap(let reason, let missed) = event.fact {
            return "gap:\(reason.rawValue):\(missed.map(String.init) ?? "?")"
        }
        return event.fact.room ?? "-"
    }

    @Test func `events are numbered from one and bear both times`() {
        let bus = bus()
        let first = bus.publish(.roomCreated(room: "a"))
        let second = bus.publish(.roomClosed(room: "a", reason: "idle"))
        #expect(first.id.description == "0a1b2c3d-1")
        #expect(first.time == "2026-03-01T12:31:07.123Z")
        #expect(second.id.number == 2)
        #expect(
            second.json == [
                "id": "0a1b2c3d-2", "time": "2026-03-01T12:31:08.123Z", "monotonicMs": 6000, "type": "room.closed",
                "room": "a", "reason": "idle",
            ])
    }

    @Test func `a replay begins after the id that was had last`() async {
        let bus = bus()
        publish(1...5, on: bus)
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 3))) == ["4", "5"])
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 5))) == [])
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 0))) == ["1", "2", "3", "4", "5"])
        #expect(await read(bus, .beginning) == ["1", "2", "3", "4", "5"])
        #expect(await read(bus, .now) == [])
    }

    @Test func `an id that is no longer kept gets a gap first, which counts what is missing`() async {
        let bus = bus(capacity: 3)
        publish(1...8, on: bus)
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 2))) == ["gap:too-old:3", "6", "7", "8"])
        // Exactly the one before the oldest: nothing is missing.
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 5))) == ["6", "7", "8"])
    }

    @Test func `an id of another boot, or one that was never given, gets a gap and all that is kept`() async {
        let bus = bus(capacity: 3)
        publish(1...4, on: bus)
        #expect(await read(bus, .after(EventID(boot: "ffffffff", number: 2))) == ["gap:other-boot:?", "2", "3", "4"])
        #expect(await read(bus, .after(EventID(boot: "0a1b2c3d", number: 9))) == ["gap:unknown-id:?", "2", "3", "4"])
        #expect(
            await read(bus, .after(EventID(boot: "0a1b2c3d", number: .max))) == ["gap:unknown-id:?", "2", "3", "4"])
        #expect(
            await read(bus, .after(EventID(boot: "0a1b2c3d", number: .min))) == ["gap:unknown-id:?", "2", "3", "4"])
    }

    @Test func `the id of a gap can be resumed from`() async throws {
        let bus = bus(capacity: 3)
        publish(1...8, on: bus)
        var gap: Event?
        for await event in bus.subscribe(since: EventID(boot: "other", number: 1)) {
            gap = event
            break
        }
        let id = try #require(gap?.id)
        #expect(await read(bus, .after(id)) == ["6", "7", "8"])
    }

    @Test func `a reader that the ring has run past gets a gap and goes on`() async {
        let bus = bus(capacity: 3)
        var reader = bus.subscribe(.now).makeAsyncIterator()
        publish(1...2, on: bus)
        #expect(await reader.next().map(word) == "1")
        publish(3...9, on: bus)
        var seen: [String] = []
        for _ in 0..<4 { seen.append(await reader.next().map(word) ?? "end") }
        #expect(seen == ["gap:slow-reader:5", "7", "8", "9"])
    }

    @Test func `only one room's events pass a filter, and gaps do`() async {
        let bus = bus(capacity: 4)
        for room in ["a", "b", "a", "b", "a", "b"] { bus.publish(.roomCreated(room: room)) }
        #expect(await read(bus, .after(EventID(boot: "x", number: 1)), room: "b") == ["gap:other-boot:?", "b", "b"])
    }

    @Test func `a reader that follows gets what comes later, until the bus finishes`() async {
        let bus = bus()
        let stream = bus.subscribe(.now)
        let reading = Task {
            var seen: [String] = []
            for await event in stream { seen.append(event.fact.room ?? "-") }
            return seen
        }
        publish(1...3, on: bus)
        bus.finish()
        #expect(await reading.value == ["1", "2", "3"])
    }

    @Test func `a waiting reader ends when its task is cancelled`() async {
        let bus = bus()
        let reading = Task {
            for await _ in bus.subscribe(.now) { return false }
            return true
        }
        reading.cancel()
        #expect(await reading.value)
    }

    @Test func `publishers on many threads give every number once and every reader the same order`() async {
        let bus = EventBus(boot: "0a1b2c3d", capacity: 10_000)
        let streams = (0..<4).map { _ in bus.subscribe(.now) }
        let readers = streams.map { stream in
            Task {
                var numbers: [Int] = []
                for await event in stream { numbers.append(event.id.number) }
                return numbers
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask { for round in 0..<500 { bus.publish(.roomCreated(room: "\(worker)-\(round)")) } }
            }
        }
        bus.finish()
        for reader in readers { #expect(await reader.value == Array(1...2000)) }
    }
}

@Suite struct EventIDTests {
    @Test(arguments: [("5f3a-12", "5f3a", 12), ("a-b-0", "a-b", 0)])
    func `an id is read back from its text`(text: String, boot: String, number: Int) throws {
        let id = try #require(EventID(text))
        #expect(id == EventID(boot: boot, number: number))
        #expect(id.description == text)
    }

    @Test(arguments: ["", "-", "-1", "a-", "12", "a-x", "a-1.5", "a- 1", "a-99999999999999999999", "a-٣"])
    func `anything else is no id`(text: String) {
        #expect(EventID(text) == nil)
    }
}

@Suite struct EventTextTests {
    func line(_ fact: Fact, offset: Int = 0) -> String {
        Event(
            id: EventID(boot: "b", number: 1), unixMilliseconds: 1_772_368_267_123, monotonicMilliseconds: 0, fact: fact
        ).line(utcOffsetSeconds: offset)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_826_154_321, "2000-02-29T12:09:14.321Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ])
    func `times are UTC in ISO 8601`(milliseconds: Int64, text: String) {
        let event = Event(
            id: EventID(boot: "b", number: 1), unixMilliseconds: milliseconds, monotonicMilliseconds: 0,
            fact: .roomCreated(room: "r"))
        #expect(event.time == text)
    }

    @Test func `lines are aligned and name things instead of numbering them`() {
        #expect(
            line(.producerCreated(Samples.producer, type: "simple", paused: false))
                == "12:31:07.123  producer.created     demo      video VP8 by test source")
        #expect(
            line(.ingestOpened(Samples.ingest, durationSeconds: 5.31, tracks: [Samples.track])).hasSuffix(
                "test, 5.3 s: audio aac, 48 kHz, 5.1, transcoded to opus (AAC can't be played by WebRTC receivers)"))
        #expect(line(.roomCreated(room: "demo"), offset: 3600) == "13:31:07.123  room.created         demo")
    }

    @Test func `a line says why something closed`() {
        #expect(line(.consumerClosed(Samples.consumer, reason: "producerclose")).hasSuffix("with its producer"))
        #expect(line(.broadcasterClosed(Samples.broadcaster, reason: "source ended")).hasSuffix("source ended"))
    }

    @Test func `control characters in names can't steer a terminal`() {
        let subject = BroadcasterSubject(room: "demo", id: "b", displayName: "a\u{1B}[2J\nb\u{9B}c")
        #expect(line(.broadcasterCreated(subject)).hasSuffix("a?[2J?b?c"))
    }

    @Test(arguments: Samples.facts)
    func `every fact has a line of one line`(fact: Fact) {
        #expect(line(fact).hasPrefix("12:31:07.123  \(fact.name)"))
        #expect(!line(fact).contains("\n"))
    }
}
