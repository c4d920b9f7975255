import Base
import SFU
import Testing

private let start = Instant(nanoseconds: 1_000_000_000)

/// The macros of tests can't look into what is no copyable value.
private final class Kept {
    private var buffer: RetransmissionBuffer

    init(_ age: Duration = RetransmissionBuffer.maximumVideoAge, _ clockRate: Int = 90_000) {
        buffer = RetransmissionBuffer(maximumAge: age, clockRate: clockRate)
    }

    var capacity: Int { buffer.capacity }
    func store(_ packet: SentPacket) { buffer.store(packet) }
    func clear() { buffer.clear() }

    func find(_ number: UInt16, roundTrip: Duration?, now: Instant) -> RetransmissionBuffer.Finding {
        buffer.find(number, roundTrip: roundTrip, now: now)
    }

    func markResent(_ number: UInt16, now: Instant) -> Bool { buffer.markResent(number, now: now) }
}

private func video() -> Kept { Kept() }

/// A packet with everything set, so that mixed up fields show.
private func packet(_ index: UInt64, timestamp: UInt32 = 0) -> SentPacket {
    var packet = SentPacket(
        index: index, position: index * 1224, encoding: UInt8(index % 3), timestamp: timestamp, marker: index % 2 == 0)
    packet.pictureIDOffset = UInt16(index & 0x7FFF)
    packet.temporalLayerZeroOffset = UInt8(truncatingIfNeeded: index)
    packet.sendTime = UInt32(truncatingIfNeeded: index &* 7919) & 0xFF_FFFF
    packet.transportNumber = UInt16(truncatingIfNeeded: index &* 3)
    return packet
}

@Test func `an entry takes 24 bytes, and an unused buffer none`() {
    #expect(RetransmissionBuffer.entrySize == 24)
    #expect(video().capacity == 0)
}

@Test(arguments: [UInt64(1000), 65_500, 0xFFFF_FFF0, 0x1_0000_FFF0, 0])
func `what was sent is found as it was sent, across wraps`(first: UInt64) {
    let buffer = video()
    for index in first..<first + 100 { buffer.store(packet(index, timestamp: UInt32(truncatingIfNeeded: index * 90))) }
    for index in first..<first + 100 {
        let found = buffer.find(UInt16(truncatingIfNeeded: index), roundTrip: nil, now: start)
        #expect(found == .packet(packet(index, timestamp: UInt32(truncatingIfNeeded: index * 90))))
    }
    #expect(buffer.find(UInt16(truncatingIfNeeded: first &- 1), roundTrip: nil, now: start) == .unknown)
    #expect(buffer.find(UInt16(truncatingIfNeeded: first + 100), roundTrip: nil, now: start) == .unknown)
}

@Test func `a place is read below the head of its log, however far that has come`() {
    let heads: [UInt64] = [1 << 20, 1 << 35, 1 << 35 + 1 << 20, 5 << 40]
    for head in heads {
        let position = head - 8 * 1000
        let sent = SentPacket(index: 1, position: position, encoding: 0, timestamp: 0, marker: false)
        #expect(sent.position(below: head) == position)
    }
}

@Test func `gaps are unknown, and late ones take their places`() {
    let buffer = video()
    for index in [1000, 1001, 1005, 1003] as [UInt64] { buffer.store(packet(index)) }
    let found = (999...1006).map { buffer.find(UInt16($0), roundTrip: nil, now: start) != .unknown }
    #expect(found == [false, true, true, false, true, false, true, false])
}

@Test func `a packet is sent again at most once in a round trip`() {
    let buffer = video()
    buffer.store(packet(1000))
    let isFirst = buffer.markResent(1000, now: start)
    #expect(isFirst)
    #expect(buffer.find(1000, roundTrip: nil, now: start + .milliseconds(100)) == .underWay)
    #expect(buffer.find(1000, roundTrip: nil, now: start + .milliseconds(101)) == .packet(packet(1000)))
    #expect(buffer.find(1000, roundTrip: .milliseconds(20), now: start + .milliseconds(20)) == .underWay)
    #expect(buffer.find(1000, roundTrip: .milliseconds(20), now: start + .milliseconds(21)) == .packet(packet(1000)))
    let isFirstAgain = buffer.markResent(1000, now: start + .milliseconds(21))
    #expect(!isFirstAgain)
    #expect(buffer.find(1000, roundTrip: .milliseconds(20), now: start + .milliseconds(30)) == .underWay)
    let isKnown = buffer.markResent(999, now: start)
    #expect(!isKnown)
}

@Test func `old ones are refused by their timestamps: 2 s of video, 1 s of audio`() {
    for (age, rate) in [(Duration.seconds(2), 90_000), (.seconds(1), 48_000)] {
        let buffer = Kept(age, rate)
        let ticks = UInt32(age.seconds * Double(rate))
        // Across the timestamp's wrap.
        buffer.store(packet(1000, timestamp: 0 &- 100))
        buffer.store(packet(1001, timestamp: 0 &- 99))
        buffer.store(packet(1002, timestamp: ticks - 99))
        #expect(buffer.find(1000, roundTrip: nil, now: start) == .tooOld)
        #expect(buffer.find(1001, roundTrip: nil, now: start) == .packet(packet(1001, timestamp: 0 &- 99)))
    }
}

@Test func `the ring grows as far as two seconds need, and 2500 at most`() {
    // (packets a second, slots after ten seconds)
    for (rate, expected) in [(50, 128), (100, 256), (500, 1024), (1000, 2048), (5000, 2500)] {
        let buffer = video()
        for number in 0..<rate * 10 {
            buffer.store(packet(1000 + UInt64(number), timestamp: UInt32(number * 90_000 / rate)))
        }
        #expect(buffer.capacity == expected, "at \(rate) packets a second")
        let last = 1000 + UInt64(rate) * 10 - 1
        // Everything of the last two seconds, as far as the bound allows.
        let kept = min(UInt64(rate) * 2, 2500)
        for index in last - kept + 1...last {
            guard case .packet(let found) = buffer.find(UInt16(index & 0xFFFF), roundTrip: nil, now: start) else {
                Issue.record("\(last - index) back of \(kept) at \(rate) packets a second")
                break
            }
            #expect(found.index == index)
        }
    }
}

@Test func `after a long jump only what came since is found`() {
    let buffer = video()
    for index in 1000..<1128 as Range<UInt64> { buffer.store(packet(index)) }
    buffer.store(packet(70_000))
    buffer.store(packet(69_999))
    let found = [1100, 1127, 69_998, 69_999, 70_000].map {
        buffer.find(UInt16($0 & 0xFFFF), roundTrip: nil, now: start) != .unknown
    }
    #expect(found == [false, false, false, true, true])
}

@Test func `a cleared buffer knows nothing and holds no memory`() {
    let buffer = video()
    for index in 1000..<1500 as Range<UInt64> { buffer.store(packet(index)) }
    buffer.clear()
    #expect(buffer.capacity == 0)
    #expect(buffer.find(1499, roundTrip: nil, now: start) == .unknown)
    buffer.store(packet(1500))
    #expect(buffer.find(1500, roundTrip: nil, now: start) == .packet(packet(1500)))
}
