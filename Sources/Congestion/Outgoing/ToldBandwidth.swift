import Base

/// The rate that a receiver tells by REMB, approached from below by 8 % a second while its reports show few losses and left
/// by half of the loss above 10 % (mediasoup's REMB mode). Bits per second.
struct ToldBandwidth: Sendable {
    private var losses: LossControl
    private var limits: ClosedRange<Double>
    private var remb: Double?
    private var roundTrip: Int64 = 200_000_000

    init(start: Int64, limits: ClosedRange<Int64>) {
        losses = LossControl(start: Double(start))
        self.limits = Double(limits.lowerBound)...Double(limits.upperBound)
    }

    var bitrate: Int64 { Int64(losses.bitrate) }

    mutating func receive(bitrate: Int64, now: Instant) {
        remb = Double(bitrate)
        update(now: now)
    }

    mutating func receive(loss: Double, roundTrip: Duration?, now: Instant) {
        if let roundTrip { self.roundTrip = roundTrip.nanoseconds }
        losses.set(loss: loss, now: now.nanoseconds)
        update(now: now)
    }

    mutating func setLimits(_ new: ClosedRange<Int64>, now: Instant) {
        limits = Double(new.lowerBound)...Double(new.upperBound)
        update(now: now)
    }

    private mutating func update(now: Instant) {
        // Before the first REMB nothing is known, so nothing is raised.
        let upper = max(limits.lowerBound, min(remb ?? losses.bitrate, limits.upperBound))
        losses.update(limits: limits.lowerBound...upper, roundTrip: roundTrip, now: now.nanoseconds)
    }
}
