import Base
import RTCP
import SFU
import Testing

@Suite struct IngressTests {
    private func stage(packets: Int?, bits: Int?) throws -> (Stage, Stage.Port) {
        var configuration = SFUConfiguration()
        configuration.ingress = .init(packetsPerSecond: packets, bitsPerSecond: bits)
        let stage = try Stage(configuration)
        let port = try stage.transport("in", rtcpMux: true)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        return (stage, port)
    }

    private func audio(_ sequence: Int, size: Int = 88) throws -> [UInt8] {
        try Packets.rtp(
            payloadType: 100, sequence: sequence, ssrc: 1111, payload: [UInt8](repeating: 1, count: size))
    }

    @Test func `a sender gets a second's worth at once, then its rate, and what is beyond is counted`() throws {
        let (stage, port) = try stage(packets: 100, bits: nil)
        for sequence in 0..<150 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).ceiling == 50)
        // 10 ms a packet.
        stage.pass(.milliseconds(50))
        for sequence in 150..<160 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).ceiling == 55)
        stage.pass(.seconds(5))
        for sequence in 160..<260 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).ceiling == 55)
    }

    @Test func `bits have a ceiling of their own, RTCP counts as well`() throws {
        // 1,000 bytes a second.
        let (stage, port) = try stage(packets: nil, bits: 8000)
        for sequence in 0..<12 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).ceiling == 2)
        stage.feed(
            Packets.senderReport(ssrc: 1111, ntp: NTPTime(unixNanoseconds: stage.unixNow), timestamp: 1), on: port.rtp)
        #expect(stage.drops(port).ceiling == 3)
        stage.pass(.milliseconds(500))
        for sequence in 12..<20 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).ceiling == 6)
    }

    @Test func `without ceilings nothing is held back`() throws {
        let (stage, port) = try stage(packets: nil, bits: nil)
        for sequence in 0..<5000 { stage.feed(try audio(sequence, size: 1000), on: port.rtp) }
        #expect(stage.drops(port) == DropCounters())
    }

    @Test func `a stranger's flood is counted as foreign and takes nothing from the sender`() throws {
        let (stage, port) = try stage(packets: 10, bits: nil)
        stage.feed(try audio(0), on: port.rtp)
        for sequence in 0..<1000 {
            stage.feed(try audio(sequence), on: port.rtp, from: Stage.address("192.0.2.66", 666))
        }
        for sequence in 1..<10 { stage.feed(try audio(sequence), on: port.rtp) }
        #expect(stage.drops(port).foreignSource == 1000)
        #expect(stage.drops(port).ceiling == 0)
    }

    @Test func `RTCP about streams that nobody has is counted`() throws {
        let (stage, port) = try stage(packets: nil, bits: nil)
        let ntp = NTPTime(unixNanoseconds: stage.unixNow)
        stage.feed(Packets.senderReport(ssrc: 1111, ntp: ntp, timestamp: 1), on: port.rtp)
        #expect(stage.drops(port).unknownSSRC == 0)
        stage.feed(Packets.senderReport(ssrc: 99, ntp: ntp, timestamp: 1), on: port.rtp)
        stage.feed(Packets.pictureLoss(ssrc: 98), on: port.rtp)
        #expect(stage.drops(port).unknownSSRC == 2)
    }
}

@Suite struct SendFailureTests {
    /// The outgoing stream that the last datagrams belonged to.
    private func owner(_ stage: Stage, _ source: Stage.Port, _ track: inout VideoTrack) throws -> SlabIndex {
        for packet in try track.frame(isKeyFrame: true, packets: 4) { stage.receive(packet, on: source.rtp) }
        _ = stage.engine.flush(now: stage.now, into: &stage.outbox)
        let owner = try #require(stage.outbox.runs.compactMap(\.owner).last)
        stage.collect()
        return owner
    }

    @Test func `packets that could not be sent lower the score of their consumer, and it recovers`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.receiver("good", of: "video", at: 5000)
        try stage.receiver("full", of: "video", at: 6000)
        var track = VideoTrack()
        var owners: Set<SlabIndex> = []
        for packet in try track.frame(isKeyFrame: true, packets: 4) { stage.receive(packet, on: source.rtp) }
        while stage.engine.flush(now: stage.now, into: &stage.outbox) {}
        for run in stage.outbox.runs where run.destination.port == 6000 {
            if let owner = run.owner { owners.insert(owner) }
        }
        stage.collect()
        #expect(owners.count == 1)
        let owner = try #require(owners.first)
        stage.engine.sendFailed(owner, count: 2, now: stage.now)
        _ = stage.takeEvents()
        stage.pass(.seconds(1))
        var scores = stage.takeEvents().compactMap { event in
            if case .consumerScore(let id, let score) = event { (id.rawValue, score.score) } else { nil }
        }
        // Half came through: (1/2)⁴ · 10.
        #expect(scores.map(\.0) == ["full"] && scores.map(\.1) == [1])
        let stats = try stage.engine.stats(of: ConsumerID(rawValue: "full"), now: stage.now).arrayValue?.first
        #expect(stats?["packetsDiscarded"] == 2 && stats?["score"] == 1)
        stage.pass(.seconds(20))
        scores = stage.takeEvents().compactMap { event in
            if case .consumerScore(let id, let score) = event { (id.rawValue, score.score) } else { nil }
        }
        #expect(scores.map(\.1) == [2, 3, 4, 5, 6, 7, 8, 9, 10])
    }

    @Test func `a failure told of a stream that has closed meanwhile does nothing`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        let owner = try owner(stage, source, &track)
        stage.engine.close(ConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox)
        stage.engine.sendFailed(owner, count: 2, now: stage.now)
        stage.pass(.seconds(3))
        #expect(
            !stage.events.contains { if case .consumerScore(_, let score) = $0 { score.score < 10 } else { false } })
    }
}
