import Base
import Congestion

// Padding for who wants more than the estimate says there is.
extension MediaEngine {
    /// Sends what is due. Without room in the outbox it is left out: the probe measures less.
    mutating func advanceProbation(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let due = transports[index].bandwidth.outgoing?.nextProbe, due <= now else { return }
        // Padding is not counted among it.
        let media = transports[index].sent.rtpRate.bitsPerSecond(now: now)
        var bytes = transports[index].bandwidth.outgoing?.advanceProbe(media: media, now: now) ?? 0
        guard bytes >= OutgoingBandwidth.smallestPadding, let path = transports[index].link.rtpPath else { return }
        out.beginRun(of: nil)
        defer { out.beginRun(of: nil) }
        let overhead = transports[index].security?.overhead ?? 0
        while bytes >= OutgoingBandwidth.smallestPadding {
            let size = min(bytes, OutgoingBandwidth.largestPadding)
            bytes -= size
            guard out.hasRoom(for: size + overhead),
                let length = Self.writePadding(size, of: &transports[index], now: now, into: &out)
            else { return }
            out.add(size: length, to: path.remote, on: path.socket)
            transports[index].sent.count(length, now: now)
            guard transports[index].traces.contains(.probation) else { continue }
            out.report(
                .transportTrace(
                    transports[index].id, TraceEvent(type: .probation, timestamp: now, isIncoming: false)))
        }
    }

    /// - Returns: Its length on the wire; nil: it can't be protected.
    private static func writePadding(
        _ size: Int, of transport: inout Transport, now: Instant, into out: inout Outbox
    ) -> Int? {
        let number = transport.bandwidth.outgoing?.sendPadding(size, now: now) ?? 0
        guard let probation = transport.bandwidth.probation else { return nil }
        probation.write(size: size, transportNumber: number, now: now, into: &out.slots, at: out.used)
        let header = probation.headerLength
        let length =
            transport.security == nil
            ? size
            : transport.security?.protect(
                &out.slots, at: out.used, headerLength: header, count: size - header, index: probation.index,
                ssrc: Probation.ssrc)
        transport.bandwidth.probation?.sent(length, now: now)
        if length == nil { transport.drops.unprotected += 1 }
        return length
    }
}
