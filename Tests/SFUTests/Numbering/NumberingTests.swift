import Base
import ORTC
import RTCP
import RTP
import SFU
import SRTP
import TestSupport
import Testing

private let suites: [SRTPCryptoSuite?] = [nil, .aeadAES128GCM, .aesCM128HMACSHA1Tag80]

/// Elements by the source's ids.
private func turned(_ value: UInt8) -> [RTPHeaderWriter.Extension] {
    [
        .init(id: 1, data: [value]), .init(id: 2, data: [0, 1, value]),
        .init(id: 3, data: [1, 2, 3, 4, 5, 6, 7, value]), .init(id: 4, data: [0, 1, 2]),
    ]
}

@Suite struct NumberingTests {
    @Test func `a consumer is described in its receiver's numbers`() throws {
        let scene = try OfferedStage()
        let (told, own) = (scene.told.rtpParameters, scene.offered.rtpParameters)
        #expect(told.codecs.map(\.payloadType) == [101, 102] && own.codecs.map(\.payloadType) == [96, 97])
        #expect(own.codecs[1].associatedPayloadType == 96)
        #expect(own.codecs.map(\.mimeType) == told.codecs.map(\.mimeType))
        #expect(own.encodings[0].rtxSSRC != nil)
        #expect(
            Dictionary(uniqueKeysWithValues: own.headerExtensions.map { ($0.uri, $0.id) }) == [
                RTPHeaderExtensionURI.mid.rawValue: 9, RTPHeaderExtensionURI.absSendTime.rawValue: 2,
                RTPHeaderExtensionURI.transportWideCC.rawValue: 4,
            ])
        let dump = try scene.stage.engine.dump(of: scene.offered.id)
        #expect(dump["rtpParameters"]?["codecs"]?.arrayValue?.first?["payloadType"] == 96)
    }

    /// Under what each element goes out, whether the packet gets elements of its own before them or not, in all suites.
    @Test(arguments: suites, [true, false])
    func `packets leave under the receiver's numbers, and what it has no number for is padding`(
        suite: SRTPCryptoSuite?, hasOwn: Bool
    ) throws {
        let scene = try OfferedStage(suite: suite, hasOwn ? Offerer.capabilities : Parameters.everything)
        try scene.feed(turned(0), isKeyFrame: true)
        try scene.feed(turned(1), marker: false)
        // abs-capture-time alone, nothing, and what nobody keeps.
        try scene.feed([.init(id: 3, data: [9, 9, 9, 9, 9, 9, 9, 9])])
        try scene.feed([])
        try scene.feed([.init(id: 14, data: [1])])
        let taken = try scene.take()
        #expect(taken.told.count == 5 && taken.offered.count == 5)
        for (told, own) in zip(taken.told, taken.offered) {
            #expect(told.payloadType == 101 && own.payloadType == 96)
            #expect(told.header?.marker == own.header?.marker)
            #expect(told.bytes.count == own.bytes.count && told.payload == own.payload)
            let elements = own.elements
            for id in [Offerer.mid, Offerer.sendTime, Offerer.transportNumber] {
                #expect((elements[id] != nil) == hasOwn)
            }
            // MIDs are counted on each transport, and so are packets: here both are equal.
            #expect(elements == Offerer.renumbered(told.elements))
        }
        #expect(taken.offered[1].elements[3] == [1] && taken.offered[1].elements[14] == [0, 1, 1])
        // Its bytes are gone, not only its id.
        let emptied = taken.offered[2]
        let nines = emptied.bytes.prefix(emptied.header?.payloadOffset ?? 0).split { $0 != 9 }
        #expect(nines.allSatisfy { $0.count < 4 })
        #expect(taken.told[2].elements[13] == [9, 9, 9, 9, 9, 9, 9, 9])
        #expect(taken.offered[2].elements.count == (hasOwn ? 3 : 0))
    }

    @Test(arguments: Array(1...60) as [UInt64], [true, false])
    func `of whatever elements and numbers, the receiver reads what the other one does`(
        seed: UInt64, hasOwn: Bool
    ) throws {
        var random = SeededGenerator(seed: seed)
        var ids = (1...14 as ClosedRange<UInt8>).shuffled(using: &random)
        var numbering = ReceiverNumbering(payloadTypes: [101: UInt8.random(in: 96...127, using: &random)])
        // For some, so that others are left without.
        for id in [1, 4, 5] + Offerer.kept.map(\.router) where Bool.random(using: &random) {
            numbering.extensionIDs[id] = ids.removeLast()
        }
        let scene = try OfferedStage(
            rtx: false, hasOwn ? Offerer.capabilities : Parameters.everything, numbering: numbering)
        for number in 0..<12 {
            let elements = Offerer.kept.shuffled(using: &random).prefix(Int.random(in: 0...6, using: &random)).map {
                let isLong = $0.uri == .dependencyDescriptor && Bool.random(using: &random)
                let count = Int.random(in: isLong ? 17...200 : 1...16, using: &random)
                return RTPHeaderWriter.Extension(
                    id: $0.id, data: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            try scene.feed(elements, isKeyFrame: number == 0)
        }
        let taken = try scene.take()
        #expect(taken.told.count == 12 && taken.offered.count == 12, "seed \(seed)")
        for (told, own) in zip(taken.told, taken.offered) {
            #expect(own.payloadType == numbering.payloadTypes[101], "seed \(seed)")
            #expect(own.elements == Offerer.renumbered(told.elements, numbering), "seed \(seed)")
            #expect(own.payload == told.payload && own.hasLongForm == told.hasLongForm, "seed \(seed)")
            // Own elements that the receiver has no number for aren't there at all; nothing else changes a length.
            if !hasOwn { #expect(own.bytes.count == told.bytes.count, "seed \(seed)") }
        }
    }

    // MARK: - Retransmissions

    @Test(arguments: suites)
    func `a retransmission without RTX is the same packet, byte for byte`(suite: SRTPCryptoSuite?) throws {
        let scene = try OfferedStage(suite: suite, rtx: false)
        for number in 0..<10 as Range<UInt8> { try scene.feed(turned(number), isKeyFrame: number == 0) }
        let first = try scene.take()
        let number = UInt16(try #require(first.offered.first).sequence)
        try scene.ask([NACKItem(packetID: number, lossBitmap: 0xFFFF)], by: scene.offered)
        let again = scene.stage.media(to: 6000)
        #expect(again.map(\.bytes) == first.wire.map(\.bytes))
        #expect(again.count == 10)
    }

    @Test(arguments: suites)
    func `a retransmission has the receiver's type for it, and its ids`(suite: SRTPCryptoSuite?) throws {
        let scene = try OfferedStage(suite: suite)
        for number in 0..<6 as Range<UInt8> { try scene.feed(turned(number), isKeyFrame: number == 0) }
        let first = try scene.take()
        for state in [scene.told, scene.offered] {
            let sent = state.id == scene.told.id ? first.told : first.offered
            try scene.ask([NACKItem(packetID: UInt16(sent[1].sequence), lossBitmap: 0b101)], by: state)
        }
        let again = try scene.take()
        #expect(again.told.map(\.payloadType) == [102, 102, 102])
        #expect(again.offered.map(\.payloadType) == [97, 97, 97])
        for (place, repeated) in zip([1, 2, 4], again.offered) {
            let original = first.offered[place]
            #expect(repeated.header?.ssrc == scene.offered.rtpParameters.encodings[0].rtxSSRC)
            #expect(repeated.payload == Array(original.bytes[2..<4]) + original.payload)
            // It tells of its own way; all else is the original's.
            var (elements, expected) = (repeated.elements, original.elements)
            for id in [Offerer.sendTime, Offerer.transportNumber] {
                #expect(elements[id] != nil)
                (elements[id], expected[id]) = (nil, nil)
            }
            #expect(elements == expected && elements[3] == [UInt8(place)])
        }
    }

    // MARK: - Codecs

    @Test func `of a source with several codecs a receiver gets those that it has a number for, without a gap`() throws
    {
        let stage = try Stage()
        let source = try stage.transport("source")
        var parameters = Parameters.vp8()
        parameters.codecs += Parameters.h264().codecs
        try stage.produce("video", on: source, parameters)
        for (name, port, types) in [
            ("both", 5000, [101: 35, 107: 36]), ("one", 6000, [101: 35]), ("other", 7000, [107: 101]),
        ] as [(String, UInt16, [UInt8: UInt8])] {
            let transport = try stage.transport(name, comedia: false)
            try stage.connect(transport, to: port)
            let state = try stage.consume(
                name, on: transport, of: "video", numbering: ReceiverNumbering(payloadTypes: types))
            #expect(Set(state.rtpParameters.codecs.map(\.payloadType)) == Set(types.values))
        }
        for sequence in 100..<110 {
            let isVP8 = sequence % 3 != 1
            stage.feed(
                try Packets.rtp(
                    payloadType: isVP8 ? 96 : 112, sequence: sequence,
                    payload: isVP8 ? Packets.vp8Payload(isKeyFrame: true) : [0x65, 2, 3]), on: source.rtp)
        }
        // The first is no key frame of either.
        #expect(stage.media(to: 5000).map(\.payloadType) == [35, 35, 36, 35, 35, 36, 35, 35, 36])
        #expect(stage.media(to: 6000).map(\.payloadType) == Array(repeating: 35, count: 6))
        #expect(stage.media(to: 7000).map(\.payloadType) == Array(repeating: 101, count: 3))
        for port in [5000, 6000, 7000] as [UInt16] {
            let media = stage.media(to: port)
            #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
        }
    }

    @Test func `who has no number for any codec can't be a consumer, and numbers that no packet can carry are none`()
        throws
    {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        let port = try stage.transport("to", comedia: false)
        try stage.connect(port)
        for types in [[:], [102: 97], [101: 200]] as [[UInt8: UInt8]] {
            #expect(throws: SFUError(.unsupported, name: "UnsupportedError", "no compatible media codecs")) {
                try stage.consume(
                    "c", on: port, of: "video", numbering: ReceiverNumbering(payloadTypes: types))
            }
        }
        let state = try stage.consume(
            "c", on: port, of: "video", Parameters.everythingWithMID,
            numbering: ReceiverNumbering(payloadTypes: [101: 96, 102: 255], extensionIDs: [1: 15]))
        #expect(state.rtpParameters.codecs.map(\.payloadType) == [96])
        #expect(state.rtpParameters.encodings[0].rtxSSRC == nil && state.rtpParameters.headerExtensions.isEmpty)
    }

    @Test func `a trace tells the payload type that a packet left with`() throws {
        let scene = try OfferedStage()
        try scene.stage.engine.enableTraceEvent(TraceEventTypes(["rtp"]), of: scene.offered.id)
        try scene.feed(turned(0), isKeyFrame: true)
        let traces = scene.stage.takeEvents().compactMap { event -> JSONValue? in
            if case .consumerTrace(_, let trace) = event { trace.json } else { nil }
        }
        #expect(traces.count == 1)
        #expect(traces.first?["info"]?["rtpPacket"]?["payloadType"] == 96)
    }
}
