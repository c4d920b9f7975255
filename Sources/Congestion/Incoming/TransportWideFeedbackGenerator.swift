import Base
import RTCP

/// Tells a sender every 100 ms which of its packets came when (draft-holmer-rmcat-transport-wide-cc-extensions-01); times
/// as in mediasoup's TransportCongestionControlServer. Silence costs no timer.
public struct TransportWideFeedbackGenerator: Sendable {
    public static let interval: Int64 = 100_000_000

    private var arrivals = ArrivalWindow()
    private var unwrapper = SequenceUnwrapper()
    /// The lowest number not told of yet; nil before the first packet.
    private var base: Int64?
    /// Feedback told of everything below.
    private var highestTold: Int64?
    private var feedbackCount: UInt8 = 0
    private var deadline: Int64?
    private var lastSent: Int64?
    private var losses = PacketLoss()
    private var scratch: [TransportWideArrival] = []

    public init() {}

    /// Of packets from the sender, 0…1: rtpPacketLossReceived.
    public var packetLoss: Double { losses.share }
    @inline(__always)
    public var nextDeadline: Instant? { deadline.map { Instant(nanoseconds: $0) } }

    /// A packet with this number came. No allocation in the steady state.
    public mutating func receive(_ number: UInt16, now: Instant) {
        let time = now.nanoseconds
        let index = unwrapper.unwrap(number)
        arrivals.drop(cameBefore: time - ArrivalWindow.length, below: base ?? 0)
        guard arrivals.add(index, at: time) else { return }
        // A late one moves the base back: it and those behind it are told once more.
        base = max(min(base ?? index, index), arrivals.begin)
        if deadline == nil { deadline = max(time, lastSent ?? time) + Self.interval }
    }

    /// Writes one feedback of what was not told yet.
    /// - Returns: false when nothing was written: all is told, or the buffer has no room.
    public mutating func write(
        senderSSRC: UInt32, mediaSSRC: UInt32, into rtcp: inout RTCPBuilder, _ buffer: inout MutableRawSpan
    ) -> Bool {
        guard let base, base < arrivals.end else { return false }
        scratch.removeAll(keepingCapacity: true)
        for index in base..<arrivals.end {
            guard let time = arrivals.time(of: index) else { continue }
            scratch.append(TransportWideArrival(index: index, time: Instant(nanoseconds: time)))
        }
        let told = rtcp.transportWideFeedback(
            senderSSRC: senderSSRC, mediaSSRC: mediaSSRC, feedbackCount: feedbackCount, base: base,
            arrivals: scratch.span, into: &buffer)
        guard told > 0 else { return false }
        feedbackCount &+= 1
        let next = scratch[told - 1].index + 1
        losses.add(1 - Double(told) / Double(next - base))
        self.base = next
        return true
    }

    /// All feedback that is due is written: the next interval begins.
    public mutating func sent(now: Instant) {
        lastSent = now.nanoseconds
        deadline = nil
    }
}
