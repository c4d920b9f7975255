import Base

/// When packets came, by their transport-wide numbers: what has not been reported, and the last 500 ms of what has, since a
/// late packet is told together with those around it. A ring; no allocation in the steady state.
struct ArrivalWindow: Sendable {
    static let length: Int64 = 500_000_000
    /// A jump beyond is a new sender or a bad one: what was before is forgotten.
    static let maxCapacity: Int64 = 8192

    /// ns; -1: not come.
    private var times = [Int64](repeating: -1, count: 256)
    private(set) var begin: Int64 = 0
    private(set) var end: Int64 = 0

    init() {}

    private func slot(_ index: Int64) -> Int { Int(truncatingIfNeeded: index) & (times.count - 1) }

    /// nil when it has not come.
    func time(of index: Int64) -> Int64? {
        guard index >= begin, index < end else { return nil }
        let time = times[slot(index)]
        return time < 0 ? nil : time
    }

    /// - Returns: false for one that came before, or belongs to a time that is forgotten.
    mutating func add(_ index: Int64, at time: Int64) -> Bool {
        if begin == end { (begin, end) = (index, index) }
        if index >= end {
            if index - begin >= Self.maxCapacity { drop(below: index - Self.maxCapacity + 1) }
            makeRoom(for: index - begin + 1)
            for missing in end..<index { times[slot(missing)] = -1 }
            end = index + 1
        } else if index < begin {
            guard end - index <= Self.maxCapacity else { return false }
            makeRoom(for: end - index)
            for missing in index..<begin { times[slot(missing)] = -1 }
            begin = index
        } else if times[slot(index)] >= 0 {
            return false
        }
        times[slot(index)] = time
        return true
    }

    /// Forgets those below `limit` that came before `time` or never.
    mutating func drop(cameBefore time: Int64, below limit: Int64) {
        while begin < min(end, limit), times[slot(begin)] < time { begin += 1 }
    }

    private mutating func drop(below index: Int64) {
        begin = index
        if end < begin { end = begin }
    }

    private mutating func makeRoom(for count: Int64) {
        guard count > Int64(times.count) else { return }
        var capacity = times.count
        while Int64(capacity) < count { capacity *= 2 }
        var larger = [Int64](repeating: -1, count: capacity)
        for index in begin..<end { larger[Int(truncatingIfNeeded: index) & (capacity - 1)] = times[slot(index)] }
        times = larger
    }
}
