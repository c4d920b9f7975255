import Base
import RTP
import TestSupport
import Testing

@Suite struct StreamSynchronizerTests {
    private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }
    /// The sender's wall clock, `value` milliseconds after some moment.
    private func wall(_ value: Int64) -> NTPTime {
        NTPTime(unixNanoseconds: 1_700_000_000_000_000_000 + value * 1_000_000)
    }

    private func isClose(_ a: Instant?, _ b: Instant) -> Bool {
        guard let a else { return false }
        return abs(a.nanoseconds - b.nanoseconds) <= 20  // Ticks and 2⁻³² s are rounded.
    }

    @Test func `before reports, streams stand where their first packets came`() {
        var clock = StreamSynchronizer()
        let audio = clock.addStream(clockRate: 48_000, cname: "a")
        #expect(clock.time(of: 0, on: audio) == nil)
        clock.receive(timestamp: 1_000, at: milliseconds(50), on: audio)
        clock.receive(timestamp: 1_960, at: milliseconds(90), on: audio)
        #expect(clock.time(of: 1_000 + 48_000, on: audio) == milliseconds(1_050))
        #expect(clock.time(of: 1_000 - 480, on: audio) == milliseconds(40))
        #expect(!clock.isSynchronized(audio))
    }

    @Test func `reports align streams of one CNAME, whatever their paths took`() {
        var clock = StreamSynchronizer()
        let audio = clock.addStream(clockRate: 48_000, cname: "a")
        let video = clock.addStream(clockRate: 90_000)
        // Captured at the same moment (wall 0); audio took 10 ms, video 310 ms.
        clock.receive(timestamp: 5_000, at: milliseconds(10), on: audio)
        clock.receive(timestamp: 700_000, at: milliseconds(310), on: video)
        clock.senderReport(wall(1_000), timestamp: 5_000 + 48_000, on: audio)
        #expect(isClose(clock.time(of: 5_000, on: audio), milliseconds(10)), "the first one does not move")
        clock.senderReport(wall(2_000), timestamp: 700_000 + 180_000, on: video)
        #expect(isClose(clock.time(of: 700_000, on: video), milliseconds(310)), "its CNAME is not known yet")
        clock.sourceDescription(cname: "a", on: video)
        #expect(clock.isSynchronized(video))
        #expect(isClose(clock.time(of: 700_000, on: video), milliseconds(10)))
        #expect(isClose(clock.time(of: 700_000 + 90_000, on: video), milliseconds(1_010)))
    }

    @Test func `streams of other CNAMEs keep to themselves`() {
        var clock = StreamSynchronizer()
        let one = clock.addStream(clockRate: 48_000, cname: "a")
        let other = clock.addStream(clockRate: 48_000, cname: "b")
        clock.receive(timestamp: 0, at: milliseconds(0), on: one)
        clock.receive(timestamp: 0, at: milliseconds(70), on: other)
        clock.senderReport(wall(0), timestamp: 0, on: one)
        clock.senderReport(wall(90_000), timestamp: 0, on: other)
        #expect(isClose(clock.time(of: 0, on: other), milliseconds(70)))
    }

    @Test func `a report before the first packet counts, and timestamps wrap`() {
        var clock = StreamSynchronizer()
        let audio = clock.addStream(clockRate: 48_000, cname: "a")
        let video = clock.addStream(clockRate: 90_000, cname: "a")
        clock.receive(timestamp: 0, at: milliseconds(0), on: audio)
        clock.senderReport(wall(0), timestamp: 0, on: audio)
        // The report's timestamp lies 45,000 before the wrap, the media's first one 45,000 behind it, unwrapped anew.
        clock.senderReport(wall(0), timestamp: UInt32.max - 44_999, on: video)
        clock.receive(timestamp: 45_000, at: milliseconds(5_000), on: video)
        #expect(isClose(clock.time(of: 45_000, on: video), milliseconds(1_000)))
    }

    @Test func `drift is followed by eighths, a step at once`() {
        var clock = StreamSynchronizer()
        let audio = clock.addStream(clockRate: 48_000, cname: "a")
        clock.receive(timestamp: 0, at: milliseconds(0), on: audio)
        clock.senderReport(wall(0), timestamp: 0, on: audio)
        // Where the timestamps say 10,000 ms, the wall clock says 10,008.
        clock.senderReport(wall(10_008), timestamp: 480_000, on: audio)
        #expect(isClose(clock.time(of: 480_000, on: audio), milliseconds(10_001)))
        clock.senderReport(wall(20_500), timestamp: 960_000, on: audio)
        #expect(isClose(clock.time(of: 960_000, on: audio), milliseconds(20_500)))
    }

    @Test func `a report of zeros is ignored`() {
        var clock = StreamSynchronizer()
        let audio = clock.addStream(clockRate: 48_000, cname: "a")
        clock.receive(timestamp: 0, at: milliseconds(0), on: audio)
        clock.senderReport(NTPTime(rawValue: 0), timestamp: 0, on: audio)
        #expect(!clock.isSynchronized(audio))
    }

    @Test func `absurd timestamps and clocks do not overflow`() {
        var generator = SeededGenerator(seed: 11)
        var clock = StreamSynchronizer()
        let stream = clock.addStream(clockRate: 1, cname: "a")
        for _ in 0..<10_000 {
            let timestamp = Int64(bitPattern: generator.next())
            clock.receive(timestamp: timestamp, at: milliseconds(0), on: stream)
            let ntp = NTPTime(rawValue: generator.next())
            clock.senderReport(ntp, timestamp: UInt32(truncatingIfNeeded: generator.next()), on: stream)
            clock.sourceDescription(cname: "\(generator.next() % 4)", on: stream)
            #expect(clock.time(of: timestamp, on: stream) != nil)
        }
    }
}
