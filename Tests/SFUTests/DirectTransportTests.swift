import Base
import ORTC
import RTCP
import SFU
import TestSupport
import Testing

@Suite struct DirectTransportTests {
    private static let socket = SocketID(0x8000_0001)
    private static let here = Stage.address("0.0.0.0", 0)

    private func stage() throws -> Stage {
        let stage = try Stage()
        try stage.engine.createDirectTransport(
            DirectTransportSetup(router: Stage.room, id: TransportID(rawValue: "direct"), socket: Self.socket),
            now: stage.now, into: &stage.outbox)
        return stage
    }

    private func port(_ stage: Stage) throws -> Stage.Port {
        let id = TransportID(rawValue: "direct")
        let tuples = stage.engine.tuples(of: id)
        return Stage.Port(id: id, rtp: Self.socket, rtcp: nil, tuples: try #require(tuples))
    }

    @Test func `it is connected at once, takes packets from code and gives packets and reports to it`() throws {
        let stage = try stage()
        let port = try port(stage)
        try stage.produce("video", on: port, Parameters.vp8())
        try stage.consume("c", on: port, of: "video")
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true, packets: 3) {
            stage.feed(packet, on: Self.socket, from: Self.here)
        }
        #expect(stage.sent.filter { $0.socket == Self.socket && !$0.isRTCP }.map(\.number) == [0, 1, 2])
        #expect(stage.sent.contains { $0.socket == Self.socket && !$0.senderInfos.isEmpty })
        stage.pass(.seconds(3))
        // Receiver reports about the producer, too.
        #expect(stage.sent.filter { $0.socket == Self.socket && $0.isRTCP }.count >= 2)
        let stats = try stage.engine.stats(of: port.id, now: stage.now).arrayValue?.first
        #expect(stats?["type"] == "direct-transport" && stats?["tuple"] == nil && stats?["comedia"] == nil)
        // connect() does nothing, however often.
        for _ in 0..<2 {
            _ = try stage.engine.connect(
                port.id, ip: nil, port: nil, rtcpPort: nil, now: stage.now, into: &stage.outbox)
        }
        stage.engine.close(port.id, now: stage.now, into: &stage.outbox)
        stage.collect()
        #expect(stage.closedSockets == [Self.socket])
    }

    @Test func `its bitrates can't be limited, in the recorded words`() throws {
        var compared = 0
        for recorded in try #require(try Vectors.json("mediasoup-3.14.16/validation-cases.json").arrayValue)
        where recorded["group"] == "direct transport" {
            let stage = try stage()
            let id = TransportID(rawValue: "direct")
            var message: String?
            do {
                switch recorded["name"]?.stringValue {
                case "setMaxIncomingBitrate": try stage.engine.setMaxIncomingBitrate(id, 100_000, now: stage.now)
                case "setMaxOutgoingBitrate":
                    try stage.engine.setMaxOutgoingBitrate(id, 100_000, now: stage.now, into: &stage.outbox)
                default: continue
                }
            } catch { message = "\(error.name): \(error.message)" }
            let expected = recorded["error"]?["message"]?.stringValue
            #expect(message == expected.map { "UnsupportedError: \($0)" })
            compared += 1
        }
        #expect(compared == 2)
    }

    @Test func `up to 1,600 bytes are taken`() throws {
        let stage = try stage()
        let port = try port(stage)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        for (sequence, size) in [1600, 1601].enumerated() {
            stage.feed(
                try Packets.rtp(
                    payloadType: 100, sequence: sequence, ssrc: 1111, payload: [UInt8](repeating: 1, count: size - 12)),
                on: Self.socket, from: Self.here)
        }
        #expect(stage.drops(port).oversized == 1)
    }
}
