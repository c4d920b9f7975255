import Base
import Testing

@Suite struct NTPTimeTests {
    @Test(
        arguments: [
            (0, 0x83AA_7E80_0000_0000), (500_000_000, 0x83AA_7E80_8000_0000),
            (1_700_000_000_250_000_000, 0xE8FE_6F80_4000_0000 as UInt64),
        ] as [(Int64, UInt64)])
    func `Unix time to NTP and back`(unix: Int64, ntp: UInt64) {
        #expect(NTPTime(unixNanoseconds: unix).rawValue == ntp)
        #expect(NTPTime(rawValue: ntp).unixNanoseconds == unix)
    }

    @Test func `any nanosecond comes back within 1 ns, also after 2036`() {
        for unix: Int64 in [
            1, 999_999_999, 1_234_567_890_123_456_789, 2_085_978_495_999_999_999, 2_100_000_000_000_000_001,
        ] {
            #expect(abs(NTPTime(unixNanoseconds: unix).unixNanoseconds - unix) <= 1)
        }
    }

    @Test func `differences and sums`() {
        let a = NTPTime(seconds: 100, fraction: 0x8000_0000)
        let b = NTPTime(seconds: 99, fraction: 0xC000_0000)
        #expect(a - b == .milliseconds(750))
        #expect(b - a == .milliseconds(-750))
        #expect(b + .milliseconds(750) == a)
        #expect(a + .milliseconds(-750) == b)
    }

    @Test func `round trips in 1 of 65,536 seconds`() {
        #expect(CompactNTP.delay(.milliseconds(1_500)) == 0x18000)
        #expect(CompactNTP.delay(.seconds(-1)) == 0)
        #expect(CompactNTP.delay(.seconds(70_000)) == .max)
        #expect(CompactNTP.duration(0x8000) == .milliseconds(500))
        // The example of RFC 3550 figure 2: RTT 6.125 s.
        let now = NTPTime(rawValue: 0xB710_8000_0000)
        #expect(now.compact == 0xB710_8000)
        #expect(CompactNTP.roundTrip(now: now, lastReport: 0xB705_2000, delay: 0x0005_4000) == .milliseconds(6_125))
        #expect(CompactNTP.roundTrip(now: now, lastReport: 0, delay: 0) == nil)
        #expect(CompactNTP.roundTrip(now: now, lastReport: 0xB710_8001, delay: 0) == .zero)
    }
}
