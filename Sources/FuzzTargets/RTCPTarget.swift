import Base
import RTCP

func fuzzRTCP(_ datagram: RawSpan) {
    guard var compound = try? RTCPCompound(validating: datagram) else { return }
    // A packet is 4 bytes at least, and each step of the walk moves on, also after an error.
    var steps = 0
    while true {
        steps += 1
        precondition(steps <= datagram.byteCount / 4 + 1, "a walk comes to its end")
        do {
            guard let packet = try compound.next(in: datagram) else { break }
            read(packet, datagram)
        } catch {
            _ = error.description
        }
    }
}

/// Reads all that a packet holds: each list by position, as the engine does.
private func read(_ packet: RTCPPacket, _ datagram: RawSpan) {
    switch packet {
    case .senderReport(let report): read(report.reports, datagram)
    case .receiverReport(let report): read(report.reports, datagram)
    case .sourceDescription(let description):
        var items = description.items
        while let item = items.next(in: datagram) {
            _ = item.text(in: datagram)
            _ = description.cname(of: item.ssrc, in: datagram)
        }
    case .bye(let bye): for position in 0..<bye.count { _ = bye.ssrc(position, in: datagram) }
    case .nack(let nack):
        for position in 0..<nack.count {
            let item = nack.item(position, in: datagram)
            var count = 0
            item.forEach { _ in count += 1 }
            precondition(count == item.count, "an item names as many packets as it counts")
        }
    case .fullIntraRequest(let request):
        for position in 0..<request.count { _ = request.item(position, in: datagram) }
    case .remb(let remb):
        precondition(remb.bitrateBitsPerSecond >= 0, "a bitrate is not negative")
        for position in 0..<remb.count { _ = remb.ssrc(position, in: datagram) }
    case .extendedReport(let report):
        var blocks = report.blocks
        while let block = blocks.next(in: datagram) {
            if case .dlrr(let list) = block {
                for position in 0..<list.count { _ = list.item(position, in: datagram) }
            }
        }
    case .application, .pictureLoss, .transportWideFeedback, .unknown: break
    }
}

private func read(_ blocks: ReportBlocks, _ datagram: RawSpan) {
    for position in 0..<blocks.count { _ = blocks.block(position, in: datagram) }
}
