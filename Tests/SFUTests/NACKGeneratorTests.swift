import Base
import RTCP
import SFU
import TestSupport
import Testing

/// A generator on a virtual clock, and what it asked for.
private final class Listener {
    var generator = NACKGenerator()
    var clock = VirtualClock()
    var asked: [[Int]] = []

    /// Packets as an engine hands them in: each may set off requests.
    @discardableResult
    func receive(
        _ indexes: some Sequence<Int>, keyFrame: Bool = false, rtx: Bool = false
    ) -> [NACKGenerator.Arrival] {
        indexes.map { index in
            let arrival = generator.receive(
                Int64(index), isKeyFrame: keyFrame, isRetransmission: rtx, now: clock.now)
            if generator.isRequestDue(at: clock.now) { ask(.packet) }
            return arrival
        }
    }

    /// Lets time pass; the timer fires when it is due.
    func pass(_ duration: Duration) {
        let end = clock.now + duration
        while let deadline = generator.nextDeadline, deadline <= end {
            clock.advance(to: deadline)
            ask(.timer)
        }
        clock.advance(to: end)
    }

    private func ask(_ trigger: NACKGenerator.Trigger) {
        generator.beginRequests(trigger, now: clock.now)
        var batch: [Int] = []
        while let item = generator.takeRequest() { item.forEach { batch.append(Int($0)) } }
        if !batch.isEmpty { asked.append(batch) }
    }
}

@Test func `a complete stream asks for nothing and sets no timer`() {
    let listener = Listener()
    for index in 65_000..<66_000 {
        listener.receive([index])
        listener.pass(.milliseconds(1))
    }
    #expect(listener.asked.isEmpty)
    #expect(listener.generator.nextDeadline == nil)
}

@Test func `a hole is asked for by the next packet, once it is 10 ms old`() {
    let listener = Listener()
    listener.receive([10, 12])
    listener.pass(.milliseconds(9))
    listener.receive([13])
    #expect(listener.asked.isEmpty)
    listener.pass(.milliseconds(1))
    listener.receive([14])
    #expect(listener.asked == [[11]])
    listener.pass(.milliseconds(5))
    listener.receive([15])
    #expect(listener.asked == [[11]])
}

@Test func `the timer asks 40 ms after the hole showed when no packet comes`() {
    let listener = Listener()
    listener.receive([10, 12])
    listener.pass(.milliseconds(39))
    #expect(listener.asked.isEmpty)
    listener.pass(.milliseconds(1))
    #expect(listener.asked == [[11]])
}

@Test func `what does not come is asked for each 100 ms, ten times in all`() {
    let listener = Listener()
    listener.receive([10, 12])
    listener.pass(.seconds(10))
    #expect(listener.asked == [[Int]](repeating: [11], count: 10))
    #expect(listener.generator.missingCount == 0)
    #expect(listener.generator.nextDeadline == nil)
    // Given up: what comes now was not asked for any more.
    #expect(listener.receive([11], rtx: true).map(\.isRecovered) == [false])
}

@Test(arguments: [(20, 40), (40, 40), (60, 80), (100, 120), (300, 320)])
func `requests are repeated at the first tick of the timer after a round trip`(roundTrip: Int, period: Int) {
    let listener = Listener()
    listener.generator.roundTrip = .milliseconds(roundTrip)
    listener.receive([10, 12])
    listener.pass(.milliseconds(40))
    #expect(listener.asked.count == 1)
    listener.pass(.milliseconds(period - 1))
    #expect(listener.asked.count == 1)
    listener.pass(.milliseconds(1))
    #expect(listener.asked.count == 2)
}

@Test func `a late packet fills its hole, and is recovered only if it was asked for`() {
    let listener = Listener()
    listener.receive([10, 13])
    #expect(listener.receive([11]).map(\.isRecovered) == [false])
    listener.pass(.milliseconds(40))
    #expect(listener.asked == [[12]])
    #expect(listener.receive([12]).map(\.isRecovered) == [true])
    #expect(listener.receive([12]).map(\.isRecovered) == [false])
    #expect(listener.generator.nextDeadline == nil)
}

@Test func `a retransmission that nobody asked for leaves the hole open`() {
    let listener = Listener()
    #expect(listener.receive([9], rtx: true).map(\.isRecovered) == [false])
    listener.receive([10, 12])
    #expect(listener.receive([11], rtx: true).map(\.isRecovered) == [false])
    listener.pass(.milliseconds(40))
    #expect(listener.asked == [[11]])
    #expect(listener.receive([11], rtx: true).map(\.isRecovered) == [true])
    // One that runs ahead does not move the stream on: 13 is still to come.
    #expect(listener.receive([13], rtx: true).map(\.isRecovered) == [false])
    listener.receive([14])
    listener.pass(.milliseconds(40))
    #expect(listener.asked == [[11], [13]])
}

@Test func `holes share items of 17 packets`() {
    let listener = Listener()
    listener.receive([100, 102, 119, 121])
    listener.clock.advance(by: .milliseconds(10))
    listener.generator.beginRequests(.packet, now: listener.clock.now)
    let items = (0..<4).map { _ in listener.generator.takeRequest() }
    // 101 and 103…117; 118 and 120.
    #expect(
        items == [
            NACKItem(packetID: 101, lossBitmap: 0xFFFE), NACKItem(packetID: 118, lossBitmap: 0b10), nil, nil,
        ])
}

@Test func `sequence numbers wrap in requests`() {
    let listener = Listener()
    listener.receive([65_533, 65_538])
    listener.pass(.milliseconds(40))
    #expect(listener.asked == [[65_534, 65_535, 0, 1]])
}

@Test func `more than 1000 holes are too many: all are given up for a key frame`() {
    let listener = Listener()
    #expect(listener.receive([10, 1011]).map(\.wantsKeyFrame) == [false, false])
    #expect(listener.generator.missingCount == 1000)
    #expect(listener.receive([1013]).map(\.wantsKeyFrame) == [true])
    #expect(listener.generator.missingCount == 0)
    #expect(listener.generator.nextDeadline == nil)
    // From here on it goes on as ever.
    listener.receive([1015])
    listener.pass(.milliseconds(40))
    #expect(listener.asked == [[1014]])
}

@Test func `a list that overflows is cut behind its oldest key frame first`() {
    let listener = Listener()
    listener.receive([10])
    listener.receive([500], keyFrame: true)
    listener.receive([900], keyFrame: true)
    #expect(listener.generator.missingCount == 489 + 399)
    // 199 more: without the 489 before the first key frame there is room.
    #expect(listener.receive([1100]).map(\.wantsKeyFrame) == [false])
    #expect(listener.generator.missingCount == 399 + 199)
    // 900 more: the second key frame does not help enough, a new one is needed.
    #expect(listener.receive([2001]).map(\.wantsKeyFrame) == [true])
}

@Test func `holes further back than the reach are given up`() {
    let listener = Listener()
    listener.generator = NACKGenerator(reach: 100)
    listener.receive([10, 12])
    listener.receive(13...110)
    #expect(listener.generator.missingCount == 1)
    listener.receive([112])
    #expect(listener.generator.missingCount == 1)
    // A hole wider than the reach is only asked for as far as it helps.
    listener.receive([1000])
    #expect(listener.generator.missingCount == 100)
}

@Test func `a pause forgets everything`() {
    let listener = Listener()
    listener.receive([10, 20])
    listener.generator.reset()
    #expect(listener.generator.nextDeadline == nil)
    listener.pass(.seconds(1))
    listener.receive([500, 501])
    listener.pass(.seconds(1))
    #expect(listener.asked.isEmpty)
}

/// A sender that repeats what it is asked for, as RTX would: over the same two links as everything else.
@Test(arguments: [0, 0.01, 0.05, 0.1, 0.2], [UInt64(1), 2, 3])
func `on a lossy link everything arrives in the end, and requests stay in proportion`(loss: Double, seed: UInt64) {
    var there = Link(
        seed: seed, loss: loss, duplication: 0.02, reordering: 0.05, delay: .milliseconds(15),
        jitter: .milliseconds(8))
    var back = Link(seed: seed + 1000, loss: loss, delay: .milliseconds(15))
    let listener = Listener()
    listener.generator.roundTrip = .milliseconds(40)
    let total = 3000
    var arrived = Set<Int>(), requests = 0, recovered = 0, taken = 0
    func index(_ datagram: [UInt8]) -> Int { datagram.prefix(4).reduce(0) { $0 << 8 | Int($1) } }
    func datagram(_ index: Int, rtx: Bool = false) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: index >> (24 - 8 * $0)) } + [rtx ? 1 : 0]
    }
    for step in 0..<total + 1000 {
        // The last packets come for certain: nothing tells of a hole at the end.
        if step == total { (there.loss, back.loss) = (0, 0) }
        if step < total + 20 { there.send(datagram(65_000 + step), at: listener.clock.now) }
        for packet in there.arrivals(until: listener.clock.now) {
            let isRTX = packet[4] == 1
            let arrival = listener.receive([index(packet)], rtx: isRTX)[0]
            if arrival.isRecovered { recovered += 1 }
            if !isRTX || arrival.isRecovered { arrived.insert(index(packet)) }
        }
        listener.pass(.milliseconds(1))
        for batch in listener.asked[taken...] {
            for number in batch {
                requests += 1
                back.send([UInt8(number >> 8), UInt8(number & 0xFF)], at: listener.clock.now)
            }
        }
        taken = listener.asked.count
        for request in back.arrivals(until: listener.clock.now) {
            let low = Int(request[0]) << 8 | Int(request[1])
            there.send(datagram(low < 65_000 ? low + 65_536 : low, rtx: true), at: listener.clock.now)
        }
    }
    let missing = (65_000..<65_000 + total).filter { !arrived.contains($0) }
    // At 20 % each way a request fails with 0.36, ten of them with 0.00004: a packet now and then.
    #expect(missing.count <= (loss < 0.2 ? 0 : 1), "missing: \(missing), \(there), \(listener.clock.now)")
    let lost = there.lostCount
    // Each loss is asked for 1 / (1 − loss)² times; packets that were only late by more than 10 ms add some.
    #expect(requests <= Int(Double(lost) / ((1 - loss) * (1 - loss)) * 1.5) + total * 6 / 100, "\(there)")
    #expect(recovered <= requests)
}
