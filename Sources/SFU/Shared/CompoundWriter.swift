import Base
import RTCP

/// Collects reports and writes them in the order that a compound has: SR…, RR, SDES (RFC 3550 §6.1).
///
/// Names go with sender reports only; who sends nothing has no name to tell (as mediasoup).
struct CompoundWriter {
    private var senders: [(info: SenderInfo, cname: String)] = []
    private var blocks: [ReportBlock] = []
    private var size = 0

    private static let senderReportSize = 28
    private static let receiverReportSize = 8
    private static let blockSize = 24

    init() {}

    /// Of one chunk with its SSRC, item head, text, terminator and padding; the packet's head is counted each time.
    private static func nameSize(_ cname: String) -> Int { 4 + (4 + 2 + min(255, cname.utf8.count) + 1 + 3) & ~3 }

    func hasRoom(forSenderReportOf cname: String) -> Bool {
        size + Self.senderReportSize + Self.nameSize(cname) <= MediaEngine.maximumCompound
    }

    var hasRoomForReportBlock: Bool {
        size + Self.receiverReportSize + Self.blockSize <= MediaEngine.maximumCompound
    }

    mutating func add(_ info: SenderInfo, cname: String) {
        senders.append((info, cname))
        size += Self.senderReportSize + Self.nameSize(cname)
    }

    mutating func add(_ block: ReportBlock) {
        // Every 31 blocks need another head.
        if blocks.count % 31 == 0 { size += Self.receiverReportSize }
        blocks.append(block)
        size += Self.blockSize
    }

    /// Lends the written compound; does nothing (and returns true) when there is none.
    func withBytes(_ body: (RawSpan) -> Bool) -> Bool {
        guard !senders.isEmpty || !blocks.isEmpty else { return true }
        var buffer = [UInt8](repeating: 0, count: MediaEngine.maximumCompound)
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        var rtcp = RTCPBuilder()
        for sender in senders { rtcp.senderReport(sender.info, into: &bytes) }
        if !blocks.isEmpty {
            rtcp.receiverReport(ssrc: senders.first?.info.ssrc ?? 0, into: &bytes)
            for block in blocks { rtcp.reportBlock(block, into: &bytes) }
        }
        for sender in senders { rtcp.cname(sender.cname, of: sender.info.ssrc, into: &bytes) }
        return body(bytes.bytes.extracting(0..<rtcp.length))
    }
}
