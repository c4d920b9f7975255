import Base
import Glibc
import Testing

private func append(_ log: inout PacketLog, _ number: UInt64, size: Int = 100) -> UInt64 {
    let body = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
    let head = [UInt8](repeating: 0x80, count: 12)
    return log.append(
        head: head.span.bytes, body: body.span.bytes, index: number, flags: 0, layers: PacketLayers(),
        arrival: Instant(nanoseconds: Int64(number))) ?? .max
}

/// Reads everything that is shown; what is wrong is said.
private func read(_ reader: LinkedLog, limit: Int = .max) -> (indexes: [UInt64], hasLost: Bool) {
    var indexes: [UInt64] = []
    var hasLost = false
    while indexes.count < limit, var chunk = reader.take() {
        hasLost = hasLost || chunk.hasLost
        while indexes.count < limit, let packet = chunk.next() {
            let expected = UInt8(truncatingIfNeeded: packet.record.index)
            #expect(packet.bytes[12...].allSatisfy { $0 == expected })
            #expect(packet.record.arrival == Instant(nanoseconds: Int64(packet.record.index)))
            indexes.append(packet.record.index)
        }
        reader.done(chunk)
    }
    return (indexes, hasLost)
}

@Suite struct LinkedLogTests {
    @Test func `a reader sees what was published, from where it was attached, once`() {
        var log = PacketLog(capacity: 65_536)
        let reader = LinkedLog()
        for number in 0..<5 as Range<UInt64> { _ = append(&log, number) }
        let start = append(&log, 5)
        _ = append(&log, 6)
        log.attach(reader, at: start)
        #expect(read(reader).indexes == [])
        let isNews = [log.publish(to: reader), log.publish(to: reader)]
        #expect(isNews == [true, false])
        _ = append(&log, 7)
        #expect(read(reader).indexes == [5, 6])
        _ = log.publish(to: reader)
        #expect(read(reader).indexes == [7])
        #expect(read(reader).indexes == [])
        #expect(reader.counts == (3, 336))
    }

    @Test func `laps of the ring go unnoticed, also those that are closed early`() {
        var log = PacketLog(capacity: 65_536)
        let reader = LinkedLog()
        log.attach(reader, at: 0)
        var seen: [UInt64] = []
        for number in 0..<5000 as Range<UInt64> {
            // As streams do: never right after the last one, since the ring begins anew.
            if number % 97 == 0, log.lapLength > 8192 { log.closeLap() }
            _ = append(&log, number, size: Int(number % 700) + 1)
            if number % 7 == 0 {
                _ = log.publish(to: reader)
                seen += read(reader).indexes
            }
        }
        _ = log.publish(to: reader)
        seen += read(reader).indexes
        #expect(seen == Array(0..<5000))
        #expect(reader.losses == 0)
    }

    @Test func `a chunk that was read in part comes again from there`() {
        var log = PacketLog(capacity: 65_536)
        let reader = LinkedLog()
        log.attach(reader, at: 0)
        for number in 0..<10 as Range<UInt64> { _ = append(&log, number) }
        _ = log.publish(to: reader)
        #expect(read(reader, limit: 4).indexes == [0, 1, 2, 3])
        #expect(read(reader).indexes == [4, 5, 6, 7, 8, 9])
    }

    @Test func `a reader that is a whole log behind loses what it has not read, and learns of it`() {
        var log = PacketLog(capacity: 65_536)
        let (slow, quick) = (LinkedLog(), LinkedLog())
        log.attach(slow, at: 0)
        log.attach(quick, at: 0)
        var seen: [UInt64] = []
        for number in 0..<2000 as Range<UInt64> {
            _ = append(&log, number)
            _ = log.publish(to: slow)
            _ = log.publish(to: quick)
            seen += read(quick).indexes
        }
        #expect(seen == Array(0..<2000))
        #expect(quick.losses == 0)
        let (indexes, hasLost) = read(slow)
        #expect(hasLost && slow.losses > 0)
        // The newest ones are there, without a gap.
        #expect(indexes.last == 1999 && indexes.count < 600)
        #expect(indexes == Array((indexes.first ?? 0)...1999))
        #expect(read(slow).hasLost == false)
    }

    @Test func `who had read everything has lost nothing by a long silence`() {
        var log = PacketLog(capacity: 65_536)
        let reader = LinkedLog()
        log.attach(reader, at: 0)
        _ = append(&log, 0)
        _ = log.publish(to: reader)
        #expect(read(reader).indexes == [0])
        // Not published: its consumer is paused.
        var last: UInt64 = 0
        for number in 1..<3000 as Range<UInt64> { last = append(&log, number) }
        #expect(reader.losses == 0)
        log.attach(reader, at: last)
        _ = log.publish(to: reader)
        let (indexes, hasLost) = read(reader)
        #expect(indexes == [2999] && !hasLost)
    }

    @Test func `the packets outlive their log as long as somebody may read them`() {
        let reader = LinkedLog()
        do {
            var log = PacketLog(capacity: 65_536)
            log.attach(reader, at: 0)
            for number in 0..<3 as Range<UInt64> { _ = append(&log, number) }
            _ = log.publish(to: reader)
        }
        #expect(read(reader).indexes == [0, 1, 2])
        reader.finish()
        #expect(read(reader).indexes == [])
    }

    @Test func `two threads: every packet comes whole, in order, and losses are told`() throws {
        // The ring holds some 500 packets, so the writer laps the reader whenever that is held up.
        let reader = LinkedLog()
        let isOver = Locked(false)
        let result = Locked((count: 0, gaps: 0, isOrdered: true, isWhole: true, last: UInt64(0)))
        final class Body: Sendable {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        let body = Body {
            var next: UInt64 = 0
            var tally = (count: 0, gaps: 0, isOrdered: true, isWhole: true, last: UInt64(0))
            while true {
                // Asked before looking: what was published before the end is read.
                let ended = isOver.withLock { $0 }
                guard var chunk = reader.take() else {
                    if ended { break }
                    sched_yield()
                    continue
                }
                while let packet = chunk.next() {
                    let index = packet.record.index
                    if index < next { tally.isOrdered = false }
                    if index > next { tally.gaps += 1 }
                    next = index + 1
                    tally.count += 1
                    tally.last = index
                    let expected = UInt8(truncatingIfNeeded: index)
                    if !packet.bytes[12...].allSatisfy({ $0 == expected }) { tally.isWhole = false }
                }
                reader.done(chunk)
            }
            let final = tally
            result.withLock { $0 = final }
        }
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        try #require(started == 0)
        var log = PacketLog(capacity: 65_536)
        log.attach(reader, at: 0)
        let count: UInt64 = 60_000
        for number in 0..<count {
            _ = append(&log, number, size: 80)
            if number % 8 == 7 {
                _ = log.publish(to: reader)
                if number % 64 == 63 { sched_yield() }
            }
        }
        _ = log.publish(to: reader)
        isOver.withLock { $0 = true }
        pthread_join(thread, nil)
        let tally = result.withLock { $0 }
        #expect(tally.isOrdered && tally.isWhole)
        #expect(tally.last == count - 1)
        #expect(tally.gaps <= Int(reader.losses))
        #expect(reader.counts.packets == UInt64(tally.count))
        if reader.losses == 0 { #expect(tally.count == Int(count)) }
    }
}
