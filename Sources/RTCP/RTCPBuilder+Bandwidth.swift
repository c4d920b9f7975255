import Base

/// A packet with a transport-wide number that came.
public struct TransportWideArrival: Sendable, Hashable {
    /// Its unwrapped number.
    public var index: Int64
    public var time: Instant

    public init(index: Int64, time: Instant) {
        self.index = index
        self.time = time
    }

    /// `TransportWideFeedback.tick`s of the clock, rounded down, before its zero too: errors don't add up over a
    /// feedback's deltas.
    var ticks: Int64 { time.nanoseconds.flooredQuotient(250_000) }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension RTCPBuilder {
    /// REMB (draft-alvestrand-rmcat-remb-03 §2.2). The bitrate is rounded down to 18 significant bits.
    @discardableResult
    public mutating func receiverEstimatedMaximumBitrate(
        senderSSRC: UInt32, bitrateBitsPerSecond: Int64, ssrcs: Span<UInt32>, into buffer: inout MutableRawSpan
    ) -> Bool {
        let count = min(255, ssrcs.count)
        guard
            feedback(
                RTCPType.payloadFeedback, format: 15, senderSSRC, 0, content: 16 + 4 * count, in: &buffer)
        else { return false }
        let bitrate = UInt64(max(0, bitrateBitsPerSecond))
        let exponent = max(0, 64 - 18 - bitrate.leadingZeroBitCount)
        buffer.store(ReceiverEstimatedMaximumBitrate.name, at: start + 12)
        buffer.store(UInt32(count) << 24 | UInt32(exponent) << 18 | UInt32(bitrate >> exponent), at: start + 16)
        for position in 0..<count { buffer.store(ssrcs[position], at: start + 20 + 4 * position) }
        return true
    }

    /// Tells of `arrivals` and of what is missing between them, from the number `base` on.
    ///
    /// - Parameter arrivals: in ascending order of their indexes, none below `base`.
    /// - Returns: how many arrivals are told of; 0, and nothing is written, when there is no room for the first.
    ///   Fewer than all when the buffer ends, when two lie more than 8 s apart, or beyond 65,535 numbers: then the caller
    ///   goes on with another feedback, whose base is the number behind the last one told.
    public mutating func transportWideFeedback(
        senderSSRC: UInt32, mediaSSRC: UInt32, feedbackCount: UInt8, base: Int64,
        arrivals: Span<TransportWideArrival>, into buffer: inout MutableRawSpan
    ) -> Int {
        guard !arrivals.isEmpty else { return 0 }
        let first = arrivals[0].ticks
        // Below the first arrival by less than 64 ms: so its delta is a small one.
        let reference = first.flooredQuotient(TransportWideFeedback.ticksPerReference)
        let head = 4 + 16
        var chunks = StatusChunkWriter(at: length + head)
        var (told, deltaBytes, expected) = (0, 0, base)
        var last = reference * TransportWideFeedback.ticksPerReference
        while told < arrivals.count {
            let (index, ticks) = (arrivals[told].index, arrivals[told].ticks)
            let delta = ticks - last
            guard index >= expected, index - base < 65_535, let symbol = Self.symbol(ofDelta: delta) else { break }
            var next = chunks
            next.add(StatusChunk.lost, count: Int(index - expected), into: &buffer)
            next.add(symbol, count: 1, into: &buffer)
            guard next.fits, (next.endWithPending + deltaBytes + Int(symbol) + 3) & ~3 <= buffer.byteCount else {
                break
            }
            chunks = next
            deltaBytes += Int(symbol)
            told += 1
            (expected, last) = (index + 1, ticks)
        }
        guard told > 0 else { return 0 }
        chunks.finish(into: &buffer)
        let end = (chunks.end + deltaBytes + 3) & ~3
        guard
            feedback(
                RTCPType.transportFeedback, format: 15, senderSSRC, mediaSSRC, content: end - length - 4, in: &buffer)
        else { return 0 }
        buffer.store(UInt16(truncatingIfNeeded: base), at: start + 12)
        buffer.store(UInt16(expected - base), at: start + 14)
        buffer.store(UInt32(truncatingIfNeeded: reference) << 8 | UInt32(feedbackCount), at: start + 16)
        writeDeltas(of: arrivals, count: told, from: reference, at: chunks.end, into: &buffer)
        return told
    }

    /// One byte up to 63.75 ms, two up to 8.19 s either way; nil beyond.
    private static func symbol(ofDelta delta: Int64) -> UInt16? {
        if UInt8(exactly: delta) != nil { return StatusChunk.smallDelta }
        return Int16(exactly: delta) == nil ? nil : StatusChunk.largeDelta
    }

    private func writeDeltas(
        of arrivals: Span<TransportWideArrival>, count: Int, from reference: Int64, at start: Int,
        into buffer: inout MutableRawSpan
    ) {
        var (at, last) = (start, reference * TransportWideFeedback.ticksPerReference)
        for position in 0..<count {
            let delta = arrivals[position].ticks - last
            last += delta
            if let small = UInt8(exactly: delta) {
                buffer.store(small, at: at)
                at += 1
            } else {
                buffer.store(UInt16(bitPattern: Int16(truncatingIfNeeded: delta)), at: at)
                at += 2
            }
        }
        // Zeros up to the word, without the padding bit: others may follow in the compound.
        while at < length {
            buffer.store(UInt8(0), at: at)
            at += 1
        }
    }
}

/// Packs symbols into chunks as they come; up to 14 wait until it is clear which form holds most of them.
private struct StatusChunkWriter {
    /// Behind the last chunk written.
    private(set) var end: Int
    /// False once the buffer had no room for a chunk.
    private(set) var fits = true
    /// The first 14 that wait, two bits each, the oldest lowest.
    private var pending: UInt32 = 0
    private var count = 0
    private var isRun = true
    private var hasLarge = false

    init(at start: Int) { end = start }

    /// What waits always takes one chunk.
    var endWithPending: Int { count == 0 ? end : end + 2 }

    mutating func add(_ symbol: UInt16, count added: Int, into buffer: inout MutableRawSpan) {
        var left = added
        while left > 0, fits {
            if count >= 14, isRun, symbol == UInt16(pending & 3) {
                let more = min(left, StatusChunk.maxRun - count)
                count += more
                left -= more
                if left > 0 { emit(into: &buffer) }
            } else {
                if !hasRoom(for: symbol) { emit(into: &buffer) }
                append(symbol)
                left -= 1
            }
        }
    }

    mutating func finish(into buffer: inout MutableRawSpan) {
        if count > 0 { emit(isLast: true, into: &buffer) }
    }

    private func hasRoom(for symbol: UInt16) -> Bool {
        if isRun, count > 0, symbol == UInt16(pending & 3) { return true }
        return count < (hasLarge || symbol == StatusChunk.largeDelta ? 7 : 14)
    }

    private mutating func append(_ symbol: UInt16) {
        if count > 0, symbol != UInt16(pending & 3) { isRun = false }
        if symbol == StatusChunk.largeDelta { hasLarge = true }
        pending |= UInt32(symbol) << UInt32(2 * count)
        count += 1
    }

    /// Writes one chunk: a run, 14 of one bit, or the first 7 of two bits. Only the last may hold fewer.
    private mutating func emit(isLast: Bool = false, into buffer: inout MutableRawSpan) {
        guard end + 2 <= buffer.byteCount else {
            fits = false
            return
        }
        var chunk: UInt16
        var taken = count
        if isRun {
            chunk = UInt16(pending & 3) << 13 | UInt16(count)
        } else if !hasLarge, count == 14 || isLast && count > 7 {
            chunk = 0x8000
            for position in 0..<count { chunk |= symbol(position) << UInt16(13 - position) }
        } else {
            taken = min(7, count)
            chunk = 0xC000
            for position in 0..<taken { chunk |= symbol(position) << UInt16(12 - 2 * position) }
        }
        buffer.store(chunk, at: end)
        end += 2
        keep(behind: taken)
    }

    private func symbol(_ position: Int) -> UInt16 { UInt16(pending >> UInt32(2 * position) & 3) }

    private mutating func keep(behind taken: Int) {
        let rest = taken >= 14 ? 0 : pending >> UInt32(2 * taken)
        let left = count - taken
        (pending, count, isRun, hasLarge) = (0, 0, true, false)
        for position in 0..<left { append(UInt16(rest >> UInt32(2 * position) & 3)) }
    }
}
