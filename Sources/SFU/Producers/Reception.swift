import Base
import ORTC
import RTCP
import RTP

/// What is known of a stream since its first packet: losses, jitter, rate, score, and which time its timestamps mean.
struct Reception: Sendable {
    let ssrc: UInt32
    let clockRate: Int
    let mimeType: String
    var statistics: ReceptionStatistics
    var compactor = SequenceCompactor()
    var score = ScoreMeter()
    var packetCount: UInt64 = 0
    var byteCount: UInt64 = 0
    var discarded: UInt64 = 0
    var rate = RateMeter(window: RateMeter.streamWindow)
    var fractionLost: UInt8 = 0
    /// How often the sender has begun anew.
    private(set) var restarts = 0
    /// When the next receiver report may go out.
    var nextReport: Instant?
    /// The newest timestamp since the sender began, and when it arrived.
    private(set) var newest: (timestamp: UInt32, arrival: Instant)?

    init(ssrc: UInt32, clockRate: Int, mimeType: String) {
        self.ssrc = ssrc
        self.clockRate = max(1, clockRate)
        self.mimeType = mimeType
        statistics = ReceptionStatistics(clockRate: max(1, clockRate))
    }

    /// Counts a packet in.
    /// - Returns: Its index among those that are forwarded; nil: it is not forwarded.
    mutating func receive(_ header: RTPHeader, _ size: Int, now: Instant, drops: inout DropCounters) -> UInt64? {
        let verdict = statistics.receive(
            sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, at: now)
        guard let index = verdict.index else {
            drops.sequence += 1
            discarded += 1
            return nil
        }
        if case .restarted = verdict {
            compactor.restart(at: index)
            score.restart()
            restarts += 1
            newest = nil
        }
        count(size, timestamp: header.timestamp, now: now)
        guard header.payloadLength > 0 else {
            compactor.remove(index)
            drops.empty += 1
            return nil
        }
        switch compactor.forward(index) {
        case .forward(let forwarded): return forwarded
        case .duplicate:
            drops.duplicate += 1
            return nil
        case .tooOld:
            drops.sequence += 1
            return nil
        }
    }

    mutating func count(_ size: Int, timestamp: UInt32, now: Instant) {
        packetCount += 1
        byteCount += UInt64(size)
        rate.add(size, now: now)
        if let newest, Int32(bitPattern: timestamp &- newest.timestamp) <= 0 { return }
        newest = (timestamp, now)
    }

    /// The stream's time told from arrivals, as mediasoup does: it includes the sender's and the network's latency.
    func arrivalLine(_ clock: WallClock) -> TimestampLine? {
        newest.map {
            TimestampLine(
                unixNanoseconds: clock.unixNanoseconds(at: $0.arrival), timestamp: $0.timestamp, clockRate: clockRate)
        }
    }
}
