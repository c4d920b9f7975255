import Base
import TestSupport
import Testing

private func bytes(_ number: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
}

private func append(_ log: inout PacketLog, _ number: Int, _ size: Int, header: Int = 12) -> UInt64? {
    let packet = bytes(number, size)
    return log.append(
        head: Array(packet.prefix(header)).span.bytes, body: Array(packet.dropFirst(header)).span.bytes,
        index: UInt64(number), flags: UInt16(truncatingIfNeeded: number),
        arrival: Instant(nanoseconds: Int64(number)))
}

@Test func `a packet is read as it was appended`() throws {
    var log = PacketLog(capacity: 1 << 16)
    #expect(log.capacity == 65_536)
    let first = append(&log, 1, 100)
    let second = append(&log, 2, 37)
    let positions = [try #require(first), try #require(second)]
    let (one, two) = (log.record(at: positions[0]), log.record(at: positions[1]))
    #expect(one.length == 100 && one.headerLength == 12 && one.index == 1 && one.arrival.nanoseconds == 1)
    #expect(two.length == 37 && two.flags == 2)
    let texts = [log.bytes(at: positions[0]), log.bytes(at: positions[1])]
    #expect(texts == [bytes(1, 100), bytes(2, 37)])
    let (next, end, head) = (log.position(after: positions[0], one), log.position(after: positions[1], two), log.head)
    #expect(next == positions[1] && end == head)
}

@Test func `nothing is appended for an empty packet or one that is too large`() {
    var log = PacketLog(capacity: 1 << 17)
    let refused = [append(&log, 1, 0), append(&log, 1, 65_536)]
    #expect(refused == [nil, nil])
    let head = log.head
    #expect(head == 0)
    let large = append(&log, 1, 65_535)
    #expect(large != nil)
}

@Test(arguments: [1, 7, 8, 23, 24, 100, 1199, 1200, 1500, 9000])
func `the newest packets stay readable over many laps, older ones are refused`(size: Int) throws {
    var log = PacketLog(capacity: 1 << 16)
    var positions: [UInt64] = []
    for number in 0..<3000 {
        let position = append(&log, number, size, header: min(size, 12))
        positions.append(try #require(position))
    }
    let kept = positions.indices.filter { log.contains(positions[$0]) }
    // A suffix, and as many as fit but for the waste at the lap's end.
    #expect(kept == Array((3000 - kept.count)..<3000))
    let each = 24 + (size + 8) / 8 * 8
    #expect(kept.count >= 65_536 / each - 2)
    for number in kept where number % 7 == 0 {
        let (index, content) = (log.record(at: positions[number]).index, log.bytes(at: positions[number]))
        #expect(index == UInt64(number))
        #expect(content == bytes(number, size))
    }
    // A walk from the tail to the head meets them all.
    var walked: [UInt64] = []
    var cursor = log.tail
    while cursor < log.head {
        walked.append(cursor)
        cursor = log.position(after: cursor, log.record(at: cursor))
    }
    #expect(walked == kept.map { positions[$0] })
}

@Test func `a lap may be closed early, also right where a reader waits`() throws {
    var log = PacketLog(capacity: 1 << 16)
    for number in 0..<100 { _ = append(&log, number, 200) }
    let reader = log.head
    log.closeLap()
    let (head, lap) = (log.head, log.lapLength)
    #expect(head == 65_536 && lap == 0)
    log.closeLap()
    let again = log.head
    #expect(again == 65_536)
    let position = append(&log, 100, 200)
    let found = log.firstPosition(from: reader)
    #expect(found == position)
    // What lay in the old lap is readable until it is overwritten.
    var walked: [UInt64] = []
    var cursor = log.tail
    while cursor < log.head {
        let record = log.record(at: cursor)
        walked.append(record.index)
        cursor = log.position(after: cursor, record)
    }
    // The new packet, with room for the next record, took the place of two.
    #expect(walked == Array(2...100))
}

@Test func `packets of all sizes and laps closed at random`() throws {
    var log = PacketLog(capacity: 1 << 16)
    var random = SeededGenerator(seed: 1)
    var positions: [(UInt64, Int, Int)] = []
    for number in 0..<20_000 {
        if Int.random(in: 0..<50, using: &random) == 0 { log.closeLap() }
        let size = Int.random(in: 12...1500, using: &random)
        let position = append(&log, number, size)
        positions.append((try #require(position), number, size))
        let (oldest, newest) = (log.tail, log.head)
        guard newest - oldest <= 65_536 + 65_536 else {
            Issue.record("tail \(oldest) and head \(newest) at packet \(number)")
            return
        }
        if number % 500 == 0 {
            for (position, number, size) in positions.suffix(60) where log.contains(position) {
                let content = log.bytes(at: position)
                #expect(content == bytes(number, size))
            }
        }
    }
}

@Test func `what is forgotten is refused, what is kept stays, and the log goes on`() throws {
    var log = PacketLog(capacity: 1 << 16)
    var random = SeededGenerator(seed: 2)
    var positions: [(position: UInt64, number: Int, size: Int)] = []
    for number in 0..<800 {
        let size = Int.random(in: 12...1500, using: &random)
        let position = append(&log, number, size)
        positions.append((try #require(position), number, size))
        if Int.random(in: 0..<40, using: &random) == 0 {
            let kept = positions[positions.count - Int.random(in: 1...min(30, positions.count), using: &random)]
            let wasThere = log.contains(kept.position)
            log.forget(before: kept.position)
            let isThere = log.contains(kept.position)
            #expect(isThere == wasThere)
        }
        if Int.random(in: 0..<200, using: &random) == 0 {
            log.forget(before: log.head)
            let (tail, head) = (log.tail, log.head)
            #expect(tail == head)
        }
        for (position, number, size) in positions.suffix(10) where log.contains(position) {
            let content = log.bytes(at: position)
            #expect(content == bytes(number, size))
        }
    }
}

@Test(arguments: [1, 7, 8, 15, 16, 23, 24, 100, 1199, 1200])
func `a packet can become a byte longer where it lies, once, and its neighbours stay`(size: Int) throws {
    var log = PacketLog(capacity: 1 << 16)
    var positions: [UInt64] = []
    // The first byte of the second has no bit of padding, that of the third has.
    for number in [1, 3, 4] {
        let position = append(&log, number, size, header: min(size, 12))
        positions.append(try #require(position))
    }
    let wasWidened = [log.widen(positions[1]), log.widen(positions[1]), log.widen(positions[2])]
    #expect(wasWidened == [true, false, false])
    var widened = bytes(3, size) + [1]
    widened[0] |= 0x20
    let texts = positions.map { log.bytes(at: $0) }
    #expect(texts == [bytes(1, size), widened, bytes(4, size)])
    var (seen, position) = ([UInt64](), positions[0])
    while position < log.head {
        seen.append(position)
        position = log.position(after: position, log.record(at: position))
    }
    #expect(seen == positions)
}

@Test func `the longest packet can't become longer`() throws {
    var log = PacketLog(capacity: 1 << 17)
    let position = append(&log, 0, 65_535)
    let (wasWidened, text) = (log.widen(try #require(position)), log.bytes(at: 0))
    #expect(!wasWidened && text == bytes(0, 65_535))
}
