import Base
import ORTC
import SFU
import TestSupport
import Testing

/// What a remote side can make a transport remember.
@Suite struct BoundsTests {
    /// As many SSRCs as the transport's listener knows.
    private func knownSSRCs(_ stage: Stage, _ port: Stage.Port) throws -> Int {
        try stage.engine.dump(of: port.id)["rtpListener"]?["ssrcTable"]?.arrayValue?.count ?? -1
    }

    @Test func `who sends under ever new SSRCs and a known MID is remembered by one of them`() throws {
        let stage = try Stage()
        let port = try stage.transport("source", rtcpMux: true)
        let mid = [RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.mid.rawValue, id: 1)]
        try stage.produce("audio", on: port, Parameters.opus(ssrc: nil, mid: "a", extensions: mid), kind: .audio)
        #expect(try knownSSRCs(stage, port) == 0)
        for number in 0..<2000 {
            let packet = try Packets.rtp(
                payloadType: 100, sequence: number, ssrc: UInt32(10_000 + number),
                extensions: [.init(id: 1, data: Array("a".utf8))], payload: [1, 2, 3])
            stage.feed(packet, on: port.rtp)
        }
        #expect(try knownSSRCs(stage, port) == 1)
        #expect(stage.drops(port).otherStream == 1999)
    }

    @Test func `RTCP and RTP of ever new SSRCs is counted and leaves nothing behind`() throws {
        let stage = try Stage()
        let port = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        stage.feed(try Packets.rtp(payloadType: 100, sequence: 0, ssrc: 1111, payload: [1]), on: port.rtp)
        for number in 0..<2000 {
            stage.feed(Packets.pictureLoss(ssrc: UInt32(20_000 + number)), on: port.rtp)
            stage.feed(
                try Packets.rtp(payloadType: 100, sequence: number, ssrc: UInt32(30_000 + number), payload: [1]),
                on: port.rtp)
        }
        #expect(try knownSSRCs(stage, port) == 1)
        #expect(stage.drops(port).unknownSSRC == 2000)
        #expect(stage.drops(port).noProducer == 2000)
    }
}
