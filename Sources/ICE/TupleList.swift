import Base

/// The tuples of an agent, newest first, in place, and which of them is selected.
struct TupleList: Sendable {
    private struct Entry {
        var tuple: ICETuple
        var limit = RateLimit()
    }

    private var entries: InlineArray<8, Entry?> = InlineArray(repeating: nil)
    private(set) var count = 0
    private(set) var selected: Int?

    func tuple(at place: Int) -> ICETuple {
        guard place < count, let entry = entries[place] else { preconditionFailure("no tuple at place \(place)") }
        return entry.tuple
    }

    func isSelected(_ tuple: ICETuple) -> Bool {
        guard let selected else { return false }
        return entries[selected]?.tuple == tuple
    }

    func place(of tuple: ICETuple) -> Int? {
        for place in 0..<count where entries[place]?.tuple == tuple { return place }
        return nil
    }

    mutating func select(_ place: Int) {
        precondition(place < count, "no tuple at place \(place)")
        selected = place
    }

    /// Takes a token of the tuple's own bucket.
    mutating func take(_ place: Int, _ now: Instant, interval: Int64, burst: Int64) -> Bool {
        guard place < count, var entry = entries[place] else { return false }
        defer { entries[place] = entry }
        return entry.limit.take(now, interval: interval, burst: burst)
    }

    /// There must be room. Returns its place, which is the first.
    mutating func addFirst(_ tuple: ICETuple) -> Int {
        precondition(count < entries.count, "a list of \(entries.count) tuples is full")
        for place in stride(from: count, to: 0, by: -1) { entries[place] = entries[place - 1] }
        entries[0] = Entry(tuple: tuple)
        count += 1
        selected = selected.map { $0 + 1 }
        return 0
    }

    /// The list must not be empty, nor hold the selected one alone.
    mutating func removeOldestUnused() -> ICETuple {
        remove(at: selected == count - 1 ? count - 2 : count - 1)
    }

    /// Without a selection, if it was that.
    mutating func remove(at place: Int) -> ICETuple {
        let removed = tuple(at: place)
        for next in place + 1..<count { entries[next - 1] = entries[next] }
        count -= 1
        entries[count] = nil
        if let chosen = selected {
            selected = chosen == place ? nil : chosen > place ? chosen - 1 : chosen
        }
        return removed
    }
}
