import CLibAV

// libav counts in ticks of a rational; outside of this target media times are `Duration`s.

extension AVRational {
    /// Three years: no medium lasts longer, and sums of such times stay far from overflow. Broken files say anything.
    private static var longest: Double { 1e8 }

    /// Ticks of this time base as a time; nil for libav's "no value" and for times that can't be meant.
    func duration(ofTicks ticks: Int64) -> Duration? {
        guard ticks != ladle_av_nopts_value, num > 0, den > 0,
            abs(Double(ticks) * Double(num) / Double(den)) < Self.longest
        else { return nil }
        return .nanoseconds(av_rescale_q(ticks, self, .nanosecond))
    }

    /// A time in ticks of this time base, rounded to the nearest.
    func ticks(in time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        return av_rescale_q(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, .nanosecond, self)
    }

    static var nanosecond: AVRational { AVRational(num: 1, den: 1_000_000_000) }
    static var microsecond: AVRational { AVRational(num: 1, den: 1_000_000) }

    /// As a number; nil when it isn't one.
    var value: Double? { num > 0 && den > 0 ? Double(num) / Double(den) : nil }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
