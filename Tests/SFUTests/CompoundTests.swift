import RTCP
import Testing

/// The kinds of packets in a compound, in their order.
private func kinds(_ sent: Sent) -> [String] {
    sent.packets.map { packet in
        switch packet {
        case .senderReport: "SR"
        case .receiverReport: "RR"
        case .sourceDescription: "SDES"
        case .extendedReport: "XR"
        default: "other"
        }
    }
}

@Test func `SDES comes with sender reports alone; who only receives sends RR and XR`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for number in 0..<100 {
        for packet in try track.frame(isKeyFrame: number % 30 == 0) { stage.feed(packet, on: source.rtp) }
        stage.pass(.milliseconds(33))
    }
    let received = stage.feedback(to: Stage.source.port).map(kinds).filter { $0 != ["other"] }
    let sent = stage.feedback(to: 5001).map(kinds)
    #expect(received.count >= 2 && sent.count >= 2)
    for compound in received { #expect(compound == ["RR", "XR"]) }
    for compound in sent { #expect(compound.starts(with: ["SR", "SDES"])) }
}
