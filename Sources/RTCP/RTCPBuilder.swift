import Base

/// Writes a compound into a caller's buffer, packet after packet, without allocation:
///
///     var rtcp = RTCPBuilder()
///     rtcp.receiverReport(ssrc: 0, into: &buffer)
///     rtcp.reportBlock(block, into: &buffer)
///     send(buffer[..<rtcp.length])
///
/// Every verb returns false, and writes nothing, when the buffer has no room for it: then the caller sends what
/// stands and begins anew. All calls of one builder must be given the same buffer.
public struct RTCPBuilder: Sendable {
    /// Bytes written so far; always a multiple of 4.
    public private(set) var length = 0
    /// Where the packet begins that may still grow; −1 before the first.
    private(set) var start = -1
    /// In XR: where the DLRR block begins that may still grow; 0 without one.
    private var dlrrBlock = 0

    public init() {}

    public var isEmpty: Bool { length == 0 }

    // MARK: - Reports

    @discardableResult
    public mutating func senderReport(_ info: SenderInfo, into buffer: inout MutableRawSpan) -> Bool {
        guard begin(RTCPType.senderReport, count: 0, content: 24, in: &buffer) else { return false }
        buffer.store(info.ssrc, at: start + 4)
        buffer.store(info.ntp.rawValue, at: start + 8)
        buffer.store(info.rtpTimestamp, at: start + 16)
        buffer.store(info.packetCount, at: start + 20)
        buffer.store(info.octetCount, at: start + 24)
        return true
    }

    @discardableResult
    public mutating func receiverReport(ssrc: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        guard begin(RTCPType.receiverReport, count: 0, content: 4, in: &buffer) else { return false }
        buffer.store(ssrc, at: start + 4)
        return true
    }

    /// Adds a block to the SR or RR that was written last. After 31 blocks an RR of the same source is begun.
    @discardableResult
    public mutating func reportBlock(_ block: ReportBlock, into buffer: inout MutableRawSpan) -> Bool {
        guard currentType(buffer) == RTCPType.senderReport || currentType(buffer) == RTCPType.receiverReport else {
            preconditionFailure("a report block belongs to an SR or RR")
        }
        if currentCount(buffer) == 31 {
            let ssrc = buffer.bytes.uint32(at: start + 4)
            guard length + 8 + ReportBlock.length <= buffer.byteCount, receiverReport(ssrc: ssrc, into: &buffer) else {
                return false
            }
        }
        let at = length
        guard grow(by: ReportBlock.length, in: &buffer) else { return false }
        block.write(at: at, into: &buffer)
        addToCount(in: &buffer)
        return true
    }

    // MARK: - Sources

    /// A chunk with the canonical name of `ssrc`; chunks that follow each other share a packet. At most 255 bytes
    /// of UTF-8 are written.
    @discardableResult
    public mutating func cname(_ cname: String, of ssrc: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        let count = min(255, cname.utf8.count)
        // SSRC, item head, text, at least one zero, up to a multiple of 4.
        let chunk = (4 + 2 + count + 1 + 3) & ~3
        guard extendOrBegin(RTCPType.sourceDescription, by: chunk, in: &buffer) else { return false }
        var at = length - chunk
        buffer.store(ssrc, at: at)
        buffer.store(SourceDescriptionItem.cname, at: at + 4)
        buffer.store(UInt8(count), at: at + 5)
        at += 6
        for byte in cname.utf8.prefix(count) {
            buffer.store(byte, at: at)
            at += 1
        }
        while at < length {
            buffer.store(UInt8(0), at: at)
            at += 1
        }
        return true
    }

    /// `ssrc` leaves; calls that follow each other share a packet.
    @discardableResult
    public mutating func bye(ssrc: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        guard extendOrBegin(RTCPType.bye, by: 4, in: &buffer) else { return false }
        buffer.store(ssrc, at: length - 4)
        return true
    }

    // MARK: - Feedback

    @discardableResult
    public mutating func pictureLoss(
        senderSSRC: UInt32, mediaSSRC: UInt32, into buffer: inout MutableRawSpan
    ) -> Bool {
        feedback(RTCPType.payloadFeedback, format: 1, senderSSRC, mediaSSRC, content: 8, in: &buffer)
    }

    @discardableResult
    public mutating func fullIntraRequest(
        senderSSRC: UInt32, mediaSSRC: UInt32, sequence: UInt8, into buffer: inout MutableRawSpan
    ) -> Bool {
        guard feedback(RTCPType.payloadFeedback, format: 4, senderSSRC, 0, content: 16, in: &buffer) else {
            return false
        }
        buffer.store(mediaSSRC, at: start + 12)
        buffer.store(UInt32(sequence) << 24, at: start + 16)
        return true
    }

    /// Asks for one packet again. Calls in ascending order of sequence numbers share items and a packet.
    @discardableResult
    public mutating func nack(
        senderSSRC: UInt32, mediaSSRC: UInt32, sequenceNumber: UInt16, into buffer: inout MutableRawSpan
    ) -> Bool {
        if continuesNACK(senderSSRC, mediaSSRC, in: buffer) {
            let distance = sequenceNumber &- buffer.bytes.uint16(at: length - 4)
            if distance == 0 { return true }
            if distance <= 16 {
                let bitmap = buffer.bytes.uint16(at: length - 2)
                buffer.store(bitmap | 1 << (distance - 1), at: length - 2)
                return true
            }
            guard grow(by: 4, in: &buffer) else { return false }
        } else {
            guard feedback(RTCPType.transportFeedback, format: 1, senderSSRC, mediaSSRC, content: 12, in: &buffer)
            else { return false }
        }
        buffer.store(sequenceNumber, at: length - 4)
        buffer.store(UInt16(0), at: length - 2)
        return true
    }

    /// Asks for up to 17 packets again. Calls that follow each other share a packet.
    @discardableResult
    public mutating func nack(
        _ item: NACKItem, senderSSRC: UInt32, mediaSSRC: UInt32, into buffer: inout MutableRawSpan
    ) -> Bool {
        if continuesNACK(senderSSRC, mediaSSRC, in: buffer) {
            guard grow(by: 4, in: &buffer) else { return false }
        } else {
            guard feedback(RTCPType.transportFeedback, format: 1, senderSSRC, mediaSSRC, content: 12, in: &buffer)
            else { return false }
        }
        buffer.store(item.packetID, at: length - 4)
        buffer.store(item.lossBitmap, at: length - 2)
        return true
    }

    private func continuesNACK(
        _ senderSSRC: UInt32, _ mediaSSRC: UInt32, in buffer: borrowing MutableRawSpan
    ) -> Bool {
        currentType(buffer) == RTCPType.transportFeedback && currentCount(buffer) == 1
            && buffer.bytes.uint32(at: start + 4) == senderSSRC && buffer.bytes.uint32(at: start + 8) == mediaSSRC
    }

    // MARK: - Extended reports

    /// "My clock says": answered by DLRR. Blocks of one source that follow each other share a packet.
    @discardableResult
    public mutating func receiverReferenceTime(
        _ ntp: NTPTime, ssrc: UInt32, into buffer: inout MutableRawSpan
    ) -> Bool {
        guard extendedReportBlock(ExtendedReport.receiverReferenceTimeType, ssrc: ssrc, length: 8, in: &buffer) else {
            return false
        }
        buffer.store(ntp.rawValue, at: length - 8)
        return true
    }

    @discardableResult
    public mutating func dlrr(_ item: DLRRItem, ssrc: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        let continues =
            currentType(buffer) == RTCPType.extendedReport && dlrrBlock > 0
            && buffer.bytes.uint32(at: start + 4) == ssrc
        if continues {
            guard grow(by: 12, in: &buffer) else { return false }
            buffer.store(UInt16((length - dlrrBlock - 4) / 4), at: dlrrBlock + 2)
        } else {
            guard extendedReportBlock(ExtendedReport.dlrrType, ssrc: ssrc, length: 12, in: &buffer) else {
                return false
            }
            dlrrBlock = length - 16
        }
        buffer.store(item.ssrc, at: length - 12)
        buffer.store(item.lastReceiverReport, at: length - 8)
        buffer.store(item.delay, at: length - 4)
        return true
    }

    private mutating func extendedReportBlock(
        _ type: UInt8, ssrc: UInt32, length content: Int, in buffer: inout MutableRawSpan
    ) -> Bool {
        if currentType(buffer) == RTCPType.extendedReport, buffer.bytes.uint32(at: start + 4) == ssrc {
            guard grow(by: 4 + content, in: &buffer) else { return false }
        } else {
            guard begin(RTCPType.extendedReport, count: 0, content: 4 + 4 + content, in: &buffer) else { return false }
            buffer.store(ssrc, at: start + 4)
        }
        dlrrBlock = 0
        buffer.store(UInt32(type) << 24 | UInt32(content / 4), at: length - content - 4)
        return true
    }

    // MARK: - Packets

    private func currentType(_ buffer: borrowing MutableRawSpan) -> UInt8? {
        start < 0 ? nil : buffer.bytes.uint8(at: start + 1)
    }

    private func currentCount(_ buffer: borrowing MutableRawSpan) -> UInt8 {
        buffer.bytes.uint8(at: start) & 0x1F
    }

    private func addToCount(in buffer: inout MutableRawSpan) {
        let first = buffer.bytes.uint8(at: start)
        buffer.store(first + 1, at: start)
    }

    /// Begins a packet with `content` bytes behind its head; the caller fills them.
    mutating func begin(
        _ type: UInt8, count: UInt8, content: Int, in buffer: inout MutableRawSpan
    ) -> Bool {
        guard length + 4 + content <= buffer.byteCount else { return false }
        start = length
        dlrrBlock = 0
        length += 4 + content
        buffer.store(0x80 | count, at: start)
        buffer.store(type, at: start + 1)
        buffer.store(UInt16(content / 4), at: start + 2)
        return true
    }

    /// Lengthens the current packet, which is the last one.
    private mutating func grow(by bytes: Int, in buffer: inout MutableRawSpan) -> Bool {
        guard length + bytes <= buffer.byteCount else { return false }
        length += bytes
        buffer.store(UInt16((length - start) / 4 - 1), at: start + 2)
        return true
    }

    /// Adds one counted entry to the current packet if it is of this type and has fewer than 31, else to a new one.
    private mutating func extendOrBegin(_ type: UInt8, by bytes: Int, in buffer: inout MutableRawSpan) -> Bool {
        if currentType(buffer) == type, currentCount(buffer) < 31 {
            guard grow(by: bytes, in: &buffer) else { return false }
            addToCount(in: &buffer)
            return true
        }
        return begin(type, count: 1, content: bytes, in: &buffer)
    }

    mutating func feedback(
        _ type: UInt8, format: UInt8, _ senderSSRC: UInt32, _ mediaSSRC: UInt32, content: Int,
        in buffer: inout MutableRawSpan
    ) -> Bool {
        guard begin(type, count: format, content: content, in: &buffer) else { return false }
        buffer.store(senderSSRC, at: start + 4)
        buffer.store(mediaSSRC, at: start + 8)
        return true
    }
}
