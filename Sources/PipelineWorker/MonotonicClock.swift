import Base
import Glibc

/// The one place of this process that reads clocks.
enum MonotonicClock {
    static var now: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// Nanoseconds since 1970 in UTC.
    static var wallNanoseconds: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Writes one line of log, without secrets; the daemon reads standard error line by line.
func log(_ line: String) {
    let text = Discretion.clean(line).utf8.map { $0 == 10 || $0 == 13 ? 32 : $0 } + [10]
    text.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
}
