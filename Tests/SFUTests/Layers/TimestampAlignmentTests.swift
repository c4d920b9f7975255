import Base
import SFU
import Testing

/// Timestamps of frames 33⅓ ms apart.
private func frame(_ number: Int, from first: UInt32 = 0) -> UInt32 {
    first &+ UInt32(truncatingIfNeeded: number * 3000)
}

private func start() -> TimestampAlignment {
    var alignment = TimestampAlignment(clockRate: 90_000)
    alignment.begin(frame(0), offset: 0)
    return alignment
}

@Test func `the first stream's timestamps go out as they are`() {
    var alignment = start()
    for number in 0..<50 { #expect(alignment.map(frame(number)) == frame(number)) }
    #expect(!alignment.isCatchingUp)
}

@Test func `another stream that is ahead goes out on the line at once`() {
    var alignment = start()
    for number in 0..<50 { _ = alignment.map(frame(number)) }
    // The new stream counts from 4 000 000 000 where the first counts from 0; it wraps on the way.
    let base: UInt32 = 4_000_000_000
    alignment.begin(frame(50, from: base), offset: 0 &- base)
    for number in 50..<200_000 { #expect(alignment.map(frame(number, from: base)) == frame(number)) }
}

@Test func `a cached group is squeezed behind what was sent, and lands on the true line`() {
    var alignment = start()
    for number in 0..<100 { _ = alignment.map(frame(number)) }
    let base: UInt32 = 4_294_900_000
    let offset = 0 &- base
    // Its key frame is 40 frames old.
    alignment.begin(frame(60, from: base), offset: offset)
    var last = frame(99)
    var landed: Int?
    for number in 60..<140 {
        // Three packets a frame.
        let outgoing = alignment.map(frame(number, from: base))
        #expect(alignment.map(frame(number, from: base)) == outgoing)
        #expect(Int32(bitPattern: outgoing &- last) > 0, "frame \(number)")
        if outgoing == frame(number), landed == nil { landed = number }
        if landed == nil {
            #expect(outgoing == last &+ 90)
        } else {
            #expect(outgoing == frame(number))
        }
        last = outgoing
    }
    // 41 steps of a millisecond after frame 99: past frames 100 and 101 nothing is squeezed any more.
    #expect(landed == 101)
    #expect(!alignment.isCatchingUp)
}

@Test func `late packets of squeezed frames get their frame's timestamp`() {
    var alignment = start()
    for number in 0..<100 { _ = alignment.map(frame(number)) }
    alignment.begin(frame(90), offset: 0)
    var seen: [Int: UInt32] = [:]
    for number in [90, 91, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102] { seen[number] = alignment.map(frame(number)) }
    #expect(alignment.map(frame(95)) == seen[95])
    // 92 was lost until now: it can't stand between 91 and 93 any more, and goes with 91.
    #expect(alignment.map(frame(92)) == seen[91])
    #expect(alignment.map(frame(103)) == frame(103))
}

@Test func `a live key frame a little behind goes out a millisecond after, and the next is on the line`() {
    var alignment = start()
    for number in 0..<100 { _ = alignment.map(frame(number)) }
    // The same picture as the last one, and the one before.
    for first in [99, 98] {
        var again = alignment
        again.begin(frame(first), offset: 0)
        #expect(again.map(frame(first)) == frame(99) + 90)
        if first == 98 { #expect(again.map(frame(99)) == frame(99) + 180) }
        #expect(again.map(frame(100)) == frame(100))
    }
}

@Test func `a stream whose reports are wrong goes on like 30 pictures a second, and stays there`() {
    var alignment = start()
    for number in 0..<100 { _ = alignment.map(frame(number)) }
    // 30 s behind.
    alignment.begin(frame(100), offset: 0 &- 2_700_000)
    #expect(alignment.map(frame(100)) == frame(99) + 2970)
    #expect(alignment.map(frame(101)) == frame(99) + 5970)
    // And one without reports.
    alignment.begin(7, offset: nil)
    #expect(alignment.map(7) == frame(99) + 8940)
}

@Test(arguments: [
    // Age in ms, bytes, bits per second · worth it
    (3999, UInt64(5_000_000), Int64?.none, true), (4001, 1, nil, false), (1000, 62_500, 1_000_000, true),
    (1000, 62_501, 1_000_000, false), (0, 1, 0, false), (0, 1, -5, false),
])
private func `a cached group is worth its price when it is young and small`(
    age: Int, bytes: UInt64, bitsPerSecond: Int64?, isWorthwhile: Bool
) {
    let rule = CachedSwitch()
    #expect(
        rule.isWorthwhile(age: .milliseconds(age), bytes: bytes, bitsPerSecond: bitsPerSecond) == isWorthwhile)
}
