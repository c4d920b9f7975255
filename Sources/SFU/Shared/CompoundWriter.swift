import Base
import RTCP

/// Collects reports and writes them in the order that a compound has: SR…, RR, SDES (RFC 3550 §6.1), XR (RFC 3611).
///
/// Names go with sender reports only; who sends nothing has no name to tell (as mediasoup).
struct CompoundWriter {
    private var senders: [(info: SenderInfo, cname: String)] = []
    private var blocks: [ReportBlock] = []
    private var referenceTime: NTPTime?
    private var answer: DLRRItem?
    private var size = 0

    private static let senderReportSize = 28
    private static let receiverReportSize = 8
    private static let blockSize = 24
    /// XR heads included: packets of different sources can't share one.
    private static let referenceTimeSize = 20
    private static let answerSize = 24

    init() {}

    /// Of one chunk with its SSRC, item head, text, terminator and padding; the packet's head is counted each time.
    private static func nameSize(_ cname: String) -> Int { 4 + (4 + 2 + min(255, cname.utf8.count) + 1 + 3) & ~3 }

    func hasRoom(forSenderReportOf cname: String) -> Bool {
        size + Self.senderReportSize + Self.nameSize(cname) + (answer == nil ? 0 : Self.answerSize)
            <= MediaEngine.maximumCompound
    }

    var hasRoomForReportBlock: Bool {
        size + Self.receiverReportSize + Self.blockSize + Self.referenceTimeSize <= MediaEngine.maximumCompound
    }

    mutating func add(_ info: SenderInfo, cname: String) {
        senders.append((info, cname))
        size += Self.senderReportSize + Self.nameSize(cname) + (answer == nil ? 0 : Self.answerSize)
    }

    /// Told with each sender report from now on: the receiver's time, so that it learns its round trip. mediasoup
    /// looks for a source by the answer's own SSRC, and tells one after the other only if each source answers.
    mutating func answer(with item: DLRRItem?) { answer = item }

    /// Our own time, told beside what we say as a receiver.
    mutating func add(referenceTime: NTPTime) {
        if self.referenceTime == nil { size += Self.referenceTimeSize }
        self.referenceTime = referenceTime
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
        if let referenceTime, !blocks.isEmpty {
            rtcp.receiverReferenceTime(referenceTime, ssrc: senders.first?.info.ssrc ?? 0, into: &bytes)
        }
        if let answer {
            for sender in senders { rtcp.dlrr(answer, ssrc: sender.info.ssrc, into: &bytes) }
        }
        return body(bytes.bytes.extracting(0..<rtcp.length))
    }
}
