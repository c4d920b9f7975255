import Base
import ORTC
import RTP
import SFU
import Testing

/// Simulcast by RID whose retransmissions are known by the repaired RID alone.
@Test func `retransmissions of a RID are found by their repaired RID, and by their SSRC from then on`() throws {
    let stage = try Stage()
    let port = try stage.transport("camera", rtcpMux: true)
    try stage.produce(
        "video", on: port,
        RTPParameters(
            mid: "v",
            codecs: [
                RTPCodecParameters(
                    mimeType: "video/VP8", payloadType: 96, clockRate: 90_000,
                    rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli")]),
                RTPCodecParameters(
                    mimeType: "video/rtx", payloadType: 97, clockRate: 90_000, parameters: ["apt": 96]),
            ],
            headerExtensions: LayeredSource.extensionURIs.map {
                RTPHeaderExtensionParameters(uri: $0.0.rawValue, id: $0.1)
            }, encodings: [RTPEncodingParameters(rid: "low"), RTPEncodingParameters(rid: "high")]))
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
    var marks: [UInt8] = []
    func send(_ sequence: Int, isKeyFrame: Bool = false, rid: String? = nil) throws {
        var payload = Packets.vp8Payload(isKeyFrame: isKeyFrame, size: 20)
        payload[2] = UInt8(sequence)
        stage.feed(
            try Packets.rtp(
                marker: true, sequence: sequence, timestamp: UInt32(sequence * 3000), ssrc: 1000,
                extensions: rid.map { extensions(2, $0) } ?? [], payload: payload), on: port.rtp)
        stage.pass(.milliseconds(15))
    }
    func again(_ sequence: Int, ssrc: UInt32, number: Int, rid: String? = nil) throws {
        var payload = Packets.vp8Payload(isKeyFrame: false, size: 20)
        payload[2] = UInt8(sequence)
        stage.feed(
            try Packets.rtp(
                payloadType: 97, marker: true, sequence: number, timestamp: UInt32(sequence * 3000), ssrc: ssrc,
                extensions: rid.map { extensions(3, $0) } ?? [],
                payload: [UInt8(sequence >> 8), UInt8(sequence & 0xFF)] + payload), on: port.rtp)
        stage.pass(.milliseconds(15))
    }
    // Nothing is known yet of what it repeats.
    try again(9, ssrc: 9001, number: 500, rid: "low")
    #expect(stage.drops(port).retransmission == 1)
    #expect(stage.media(to: 5000).isEmpty)
    try send(10, isKeyFrame: true, rid: "low")
    // From now on its SSRC tells.
    try send(11)
    try send(13)
    stage.pass(.milliseconds(50))
    try again(12, ssrc: 9001, number: 501, rid: "low")
    marks = stage.media(to: 5000).map { $0.payload[2] }
    #expect(marks == [10, 11, 13, 12])
    try send(15)
    stage.pass(.milliseconds(50))
    try again(14, ssrc: 9001, number: 502)
    // A second SSRC for the same RID, and one that nobody knows.
    try send(17)
    stage.pass(.milliseconds(50))
    try again(16, ssrc: 9002, number: 7, rid: "low")
    #expect(stage.drops(port).otherStream == 1)
    let before = stage.drops(port).noProducer
    try again(16, ssrc: 9003, number: 7)
    #expect(stage.drops(port).noProducer == before + 1)
    marks = stage.media(to: 5000).map { $0.payload[2] }
    #expect(marks == [10, 11, 13, 12, 15, 14, 17])
    let first = try #require(stage.media(to: 5000).first?.sequence)
    let numbers = stage.media(to: 5000).map { ($0.sequence - first) & 0xFFFF }
    #expect(numbers == [0, 1, 3, 2, 5, 4, 7])
}

private func extensions(_ id: UInt8, _ rid: String) -> [RTPHeaderWriter.Extension] {
    [RTPHeaderWriter.Extension(id: 1, data: Array("v".utf8)), RTPHeaderWriter.Extension(id: id, data: Array(rid.utf8))]
}
