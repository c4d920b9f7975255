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
    /// What is missing and asked for; nil: the source does not send anything again.
    var nack: NACKGenerator?
    /// The path's, told by extended reports.
    var roundTrip: Duration?
    var nackCount = 0
    var nackPacketCount = 0
    /// Sent again by the source, of use or not.
    private(set) var packetsRetransmitted: UInt64 = 0
    /// Of these, those that filled a hole.
    private(set) var packetsRepaired: UInt64 = 0
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

    /// - Parameter usesNACK: The source sends again what it is asked for.
    init(ssrc: UInt32, clockRate: Int, mimeType: String, usesNACK: Bool) {
        self.ssrc = ssrc
        self.clockRate = max(1, clockRate)
        self.mimeType = mimeType
        statistics = ReceptionStatistics(clockRate: max(1, clockRate))
        // What the compactor would refuse need not be asked for.
        nack = usesNACK ? NACKGenerator(reach: Int64(SequenceValidator.maxMisorder)) : nil
    }

    /// Where a packet stands.
    struct Arrival {
        /// Extended, as the source numbers.
        var incoming: Int64
        /// Among those that are forwarded; nil: it is not.
        var forwarded: UInt64?
    }

    /// Counts a packet in. Nil: it does not belong to the stream.
    mutating func receive(_ header: RTPHeader, _ size: Int, now: Instant, drops: inout DropCounters) -> Arrival? {
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
            nack?.reset()
            restarts += 1
            newest = nil
        }
        count(size, timestamp: header.timestamp, now: now)
        guard header.payloadLength > 0 else {
            compactor.remove(index)
            drops.empty += 1
            return Arrival(incoming: index, forwarded: nil)
        }
        return Arrival(incoming: index, forwarded: forward(index, drops: &drops))
    }

    private mutating func forward(_ index: Int64, drops: inout DropCounters) -> UInt64? {
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

    // MARK: - Losses

    /// Notes what an original shows to be missing, or that it is one that was asked for and sent under its own
    /// number.
    /// - Parameter hasRTX: Then the source repeats packets in a stream of its own, and a late one was only late.
    /// - Returns: Whether so much is missing that only a key frame helps.
    mutating func trackLosses(_ incoming: Int64, isKeyFrame: Bool, hasRTX: Bool, now: Instant) -> Bool {
        guard let arrival = nack?.receive(incoming, isKeyFrame: isKeyFrame, now: now) else { return false }
        if arrival.isRecovered, !hasRTX {
            packetsRetransmitted += 1
            packetsRepaired += 1
        }
        return arrival.wantsKeyFrame
    }

    /// A packet came out of a retransmission.
    /// - Returns: Its index among those that are forwarded; nil: nobody asked for it, or it came too late.
    mutating func receiveRetransmitted(
        _ sequenceNumber: UInt16, _ size: Int, now: Instant, drops: inout DropCounters
    ) -> UInt64? {
        packetsRetransmitted += 1
        let index = statistics.index(of: sequenceNumber)
        guard nack?.receive(index, isKeyFrame: false, isRetransmission: true, now: now).isRecovered ?? false else {
            drops.retransmission += 1
            return nil
        }
        packetsRepaired += 1
        packetCount += 1
        byteCount += UInt64(size)
        rate.add(size, now: now)
        return forward(index, drops: &drops)
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
