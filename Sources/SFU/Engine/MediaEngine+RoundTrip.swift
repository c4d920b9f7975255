import Base
import RTCP

/// What the remote side's clock said, as a receiver, and when we heard it.
struct RemoteReference: Sendable {
    /// Of the reporter; mediasoup writes 0.
    var ssrc: UInt32
    var ntp: NTPTime
    var arrival: Instant
}

// Round trips. Of what we send, receiver reports tell; of what we only receive, extended reports do (RFC 3611 §4.4, §4.5):
// we say our time (RRTR), the source answers how long ago it heard that (DLRR), and the other way round.
extension MediaEngine {
    mutating func receive(_ report: ExtendedReport, in datagram: RawSpan, _ transport: SlabIndex, now: Instant) {
        var blocks = report.blocks
        while let block = blocks.next(in: datagram) {
            switch block {
            case .receiverReferenceTime(let ntp):
                transports[transport].remoteReference = RemoteReference(ssrc: report.ssrc, ntp: ntp, arrival: now)
            case .dlrr(let dlrr):
                for position in 0..<dlrr.count { receive(dlrr.item(position, in: datagram), transport, now: now) }
            case .unknown: break
            }
        }
    }

    /// The answer to our time. All streams of a transport take the same path, and sources answer for one of them only.
    private mutating func receive(_ item: DLRRItem, _ transport: SlabIndex, now: Instant) {
        let ours = clock.ntp(at: now)
        guard let seen = CompactNTP.roundTrip(now: ours, lastReport: item.lastReceiverReport, delay: item.delay)
        else { return }
        // Nobody is that far away: the answer is to somebody else's time.
        guard seen <= Self.longestRoundTrip else { return }
        for producer in transports[transport].producers {
            for stream in producers[producer].streams {
                streams[stream].reception?.roundTrip = seen
                streams[stream].reception?.nack?.roundTrip = seen
            }
        }
    }

    private static var longestRoundTrip: Duration { .seconds(10) }

    /// Our answer to the remote side's time; nil: it has not told any.
    func answer(of transport: SlabIndex, now: Instant) -> DLRRItem? {
        transports[transport].remoteReference.map {
            DLRRItem(ssrc: $0.ssrc, lastReceiverReport: $0.ntp.compact, delay: CompactNTP.delay(now - $0.arrival))
        }
    }
}
