import Base
import ORTC
import RTCP
import SFU
import TestSupport
import Testing

@Suite struct PipeConsumerTests {
    /// A pipe over UDP.
    private func pipe(_ stage: Stage, _ name: String, remote: UInt16) throws -> SocketID {
        let socket = SocketID(UInt32(remote))
        _ = try stage.engine.createPipeTransport(
            PipeTransportSetup(
                router: Stage.room, id: TransportID(rawValue: name),
                local: LocalEndpoint(socket: socket, address: "192.0.2.1", port: 9000)), now: stage.now)
        _ = try stage.engine.connectPipe(
            TransportID(rawValue: name), ip: "198.51.100.7", port: remote, now: stage.now, into: &stage.outbox)
        stage.collect()
        return socket
    }

    @Test func `over UDP it has the encodings' own streams, no mid, and asks the source for a picture`() throws {
        let (near, far) = (try Stage(), try Stage())
        let source = try near.transport("source", rtcpMux: true, cname: "camera")
        try near.produce("video", on: source, Parameters.vp8())
        var track = VideoTrack()
        for packet in try track.frame() { near.feed(packet, on: source.rtp) }
        near.pass(.seconds(2))
        near.sent = []
        _ = try pipe(near, "out", remote: 6000)
        let consumer = try near.engine.consume(
            ConsumerSetup(
                transport: TransportID(rawValue: "out"), id: ConsumerID(rawValue: "p"),
                producer: ProducerID(rawValue: "video"), rtpCapabilities: RTPCapabilities(codecs: []), paused: true),
            now: near.now, into: &near.outbox)
        near.collect()
        #expect(consumer.type == "pipe" && !consumer.paused && consumer.rtpParameters.mid == nil)
        #expect(consumer.rtpParameters.encodings.count == 1)
        #expect(near.sent.filter(\.isPictureLoss).count == 1)

        let socket = try pipe(far, "in", remote: 9000)
        let produced = try far.engine.produce(
            ProducerSetup(
                transport: TransportID(rawValue: "in"), id: ProducerID(rawValue: "video"), kind: .video,
                rtpParameters: consumer.rtpParameters), now: far.now, into: &far.outbox)
        #expect(produced.rtpParameters.rtcp.cname == "camera")
        try far.receiver("c", of: "video", at: 5000)
        for packet in try track.frame(isKeyFrame: true, packets: 2) { near.feed(packet, on: source.rtp) }
        for packet in near.media(to: 6000) {
            far.feed(packet.bytes, on: socket, from: Stage.address("198.51.100.7", 9000))
        }
        #expect(far.media(to: 5000).map(\.number) == [1, 2])
    }
}
