import Base
import ORTC
import RTCP
import RTP
import SFU
import SRTP
import TestSupport
import Testing

/// A receiver's own numbers beside layers, probes and links.
@Suite struct LayeredNumberingTests {
    @Test func `all layers of simulcast leave under the receiver's numbers, and again as they were`() throws {
        let stage = try Stage()
        let source = try LayeredSource(stage, asksForPackets: true, isTurned: true)
        try source.play(1, keys: [0, 1, 2])
        let low = PreferredLayers(spatialLayer: 0)
        var capabilities = Parameters.everythingWithoutRTX
        capabilities.headerExtensions = Parameters.everythingWithMID.headerExtensions
        let state = try stage.consumeLayers(
            "c", at: 5000, preferring: low, capabilities, numbering: Offerer.numbering)
        _ = try stage.consumeLayers("d", at: 6000, preferring: low, capabilities)
        try source.play(20)
        for name in ["c", "d"] { try stage.prefer(2, of: name) }
        try source.play(20)
        for name in ["c", "d"] { try stage.prefer(1, of: name) }
        try source.play(8, keys: [1])
        let (own, told) = (stage.media(to: 5000), stage.media(to: 6000))
        let packets = stage.layered(to: 5000)
        expectContinuity(packets)
        #expect(Set(packets.map(\.place)) == [0, 1, 2])
        #expect(own.count == told.count)
        for (own, told) in zip(own, told) {
            #expect(own.payloadType == 96 && told.payloadType == 101)
            #expect(own.elements == [9: told.elements[1] ?? [], 3: [1]])
            #expect(told.elements[11] == [1] && own.payload.dropFirst(6) == told.payload.dropFirst(6))
        }
        // From before the switch, and behind it.
        let last = try #require(packets.last)
        let asked = try #require(packets.last { $0.place == 2 }).sequence - 3
        let ssrc = try #require(state.rtpParameters.encodings[0].ssrc)
        stage.sent = []
        // The camera has one socket, then come the receiver's two.
        stage.feed(
            Packets.write { rtcp, bytes in
                rtcp.nack(
                    NACKItem(packetID: UInt16(asked), lossBitmap: 0x7F), senderSSRC: 1, mediaSSRC: ssrc, into: &bytes)
            }, on: SocketID(3), from: Stage.address("198.51.100.7", 5001))
        let expected = own.filter { asked...min(asked + 7, last.sequence) ~= $0.sequence }
        #expect(stage.media(to: 5000).map(\.bytes) == expected.map(\.bytes))
        #expect(expected.count == 8)
    }

    @Test(arguments: [11, nil] as [UInt8?])
    func `AV1's dependency descriptor has the receiver's id, with its structure, too; or it is padding`(
        id: UInt8?
    ) throws {
        let source = try AV1Source(.full, on: Stage())
        let stage = source.stage
        try source.play(1, isKey: true)
        let told = try stage.consumeLayers("told", at: 5000)
        let router = try #require(told.rtpParameters.codecs.first?.payloadType)
        var numbering = ReceiverNumbering(payloadTypes: [router: 45])
        numbering.extensionIDs[8] = id
        _ = try stage.consumeLayers("offered", at: 6000, numbering: numbering)
        try source.play(10)
        try source.play(5, isKey: true)
        for port in [5000, 6000] as [UInt16] { source.expectDecodable(to: port) }
        let (plain, own) = (stage.media(to: 5000), stage.media(to: 6000))
        #expect(plain.count == own.count && plain.count > 80)
        #expect(plain.contains(where: \.hasLongForm) && plain.contains { !$0.hasLongForm })
        for (plain, own) in zip(plain, own) {
            #expect(own.payloadType == 45 && own.bytes.count == plain.bytes.count)
            #expect(own.payload == plain.payload && own.hasLongForm == plain.hasLongForm)
            let descriptor = try #require(plain.elements[8])
            #expect(own.elements == (id.map { [$0: descriptor] } ?? [:]))
        }
    }

    @Test(arguments: [nil, .aeadAES128GCM] as [SRTPCryptoSuite?])
    func `probes carry the receiver's ids, too`(suite: SRTPCryptoSuite?) throws {
        // Transport-wide numbers stay where the path of these tests reads them.
        let numbering = ReceiverNumbering(payloadTypes: [101: 96, 102: 97], extensionIDs: [1: 9, 4: 2, 5: 5])
        let scene = try ProbationTests.Scene(seed: 1, probes: true, suite: suite, numbering: numbering)
        try scene.play(seconds: 6)
        #expect(scene.places.first == 0 && scene.places.last == 2, "\(scene.path.available)")
        #expect(!scene.path.padding.isEmpty)
        for packet in scene.path.padding {
            #expect(packet.elements[9] == Array("probator".utf8) && packet.elements[2]?.count == 3)
            #expect(packet.elements.keys.sorted() == [2, 5, 9])
        }
        for packet in scene.path.sent where packet.header?.ssrc != 1234 {
            #expect(packet.payloadType == 96 && packet.elements.keys.sorted() == [2, 5, 9])
        }
    }

    // MARK: - Links

    @Test(arguments: [false, true])
    func `behind a link within the process it is as before it`(sameEngine: Bool) throws {
        let linked = try Linked(sameEngine: sameEngine)
        try linked.near.produce("video", on: linked.source, Offerer.camera)
        try linked.pipe("video")
        for (name, port, numbering) in [
            ("offered", 6000, Offerer.numbering), ("told", 7000, nil),
        ] as [(String, UInt16, ReceiverNumbering?)] {
            let transport = try linked.far.transport(name, router: linked.farRouter, comedia: false)
            try linked.far.connect(transport, to: port)
            try linked.far.consume(name, on: transport, of: "video", Offerer.capabilities, numbering: numbering)
        }
        linked.carry()
        for number in 0..<8 {
            linked.feed([
                try Packets.rtp(
                    marker: true, sequence: number, timestamp: UInt32(3000 * number),
                    extensions: [
                        .init(id: 1, data: [UInt8(number)]), .init(id: 3, data: [UInt8](repeating: 9, count: 8)),
                    ],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0))
            ])
            linked.pass(.milliseconds(20))
        }
        let (own, told) = (linked.far.media(to: 6000), linked.far.media(to: 7000))
        #expect(own.count == 8 && told.count == 8)
        for (own, told) in zip(own, told) {
            #expect(own.payloadType == 96 && told.payloadType == 101)
            var (elements, expected) = (own.elements, Offerer.renumbered(told.elements))
            // When it left, to 4 µs.
            (elements[Offerer.sendTime], expected[Offerer.sendTime]) = (nil, nil)
            #expect(elements == expected && elements[3]?.count == 1)
        }
    }

    @Test func `a pipe has the router's numbers, whatever is asked for`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Offerer.camera)
        try stage.engine.createInProcessPipe(router: Stage.room, transport: TransportID(rawValue: "pipe"))
        let port = Stage.Port(id: TransportID(rawValue: "pipe"), rtp: SocketID(77), rtcp: nil, tuples: source.tuples)
        let state = try stage.consume("c", on: port, of: "video", numbering: Offerer.numbering)
        #expect(state.type == "pipe" && state.rtpParameters.codecs.first?.payloadType == 101)
    }
}
