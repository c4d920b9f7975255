import Base
import ORTC
import Testing

/// Rules that no recording shows.
@Suite struct NegotiationTests {
    static let vp8 = RTPCodecParameters(mimeType: "video/VP8", payloadType: 96, clockRate: 90_000)
    static let rtx = RTPCodecParameters(
        mimeType: "video/rtx", payloadType: 97, clockRate: 90_000, parameters: ["apt": 96])

    private func negotiate(_ parameters: RTPParameters, firstMappedSSRC: UInt32 = 1) throws -> ProducerNegotiation {
        try negotiateProducer(
            kind: .video, rtpParameters: parameters,
            routerCapabilities: try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard),
            firstMappedSSRC: firstMappedSSRC)
    }

    @Test(arguments: [
        ("audio", MediaKind.audio as MediaKind?), ("video", .video), ("Video", nil), ("", nil), ("data", nil),
    ])
    func `kinds are read to the letter`(text: String, kind: MediaKind?) {
        #expect((try? MediaKind(json: .string(text))) == kind)
    }

    @Test func `a kind that isn't there is quoted like in JavaScript`() {
        #expect(throws: ORTCError.type("invalid kind \"undefined\"")) { try MediaKind(json: nil) }
        #expect(throws: ORTCError.type("invalid kind \"3\"")) { try MediaKind(json: 3) }
        #expect(throws: ORTCError.type("invalid kind \"[object Object]\"")) { try MediaKind(json: [:]) }
    }

    // MARK: - Producers

    @Test func `mapped SSRCs count up and wrap rather than overflow`() throws {
        let parameters = RTPParameters(
            codecs: [Self.vp8], encodings: [1, 2, 3].map { RTPEncodingParameters(ssrc: $0) })
        let ours = try negotiate(parameters, firstMappedSSRC: .max)
        #expect(ours.mapping.encodings.map(\.mappedSSRC) == [.max, 0, 1])
        #expect(ours.consumableRTPParameters.encodings.map(\.ssrc) == [.max, 0, 1])
    }

    @Test func `streams without SSRC are mapped by rid, and empty texts count as absent`() throws {
        let ours = try negotiate(
            RTPParameters(
                mid: "0", codecs: [Self.vp8],
                encodings: [
                    RTPEncodingParameters(rid: "a", scalabilityMode: ""), RTPEncodingParameters(ssrc: 0, rid: "b"),
                ]))
        #expect(
            ours.mapping.encodings == [
                RTPMapping.Encoding(rid: "a", mappedSSRC: 1), RTPMapping.Encoding(rid: "b", mappedSSRC: 2),
            ])
        #expect(
            ours.mapping.json["encodings"] == [["rid": "a", "mappedSsrc": 1], ["rid": "b", "mappedSsrc": 2]])
    }

    static let refused: [(String, RTPParameters, ORTCError)] = [
        (
            "one SSRC for media and retransmissions",
            RTPParameters(codecs: [vp8, rtx], encodings: [RTPEncodingParameters(ssrc: 7, rtxSSRC: 7)]),
            ORTCError(.plain, "RTX ssrc already exists in RTP listener [ssrc:7] [method:transport.produce]")
        ),
        (
            "one rid twice without mid",
            RTPParameters(
                codecs: [vp8], encodings: [RTPEncodingParameters(rid: "a"), RTPEncodingParameters(rid: "a")]),
            ORTCError(
                .plain, "RID already exists in RTP listener and no MID is given [rid:a] [method:transport.produce]")
        ),
        (
            "simulcast of SVC streams",
            RTPParameters(
                codecs: [vp8],
                encodings: [
                    RTPEncodingParameters(ssrc: 1, scalabilityMode: "L2T1"), RTPEncodingParameters(ssrc: 2),
                ]),
            .type(
                "cannot use both simulcast and encodings with multiple SVC spatial layers [method:transport.produce]")
        ),
        (
            "an encoding of a codec that isn't there",
            RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 1, codecPayloadType: 99)]),
            .type("unknown codecPayloadType [method:transport.produce]")
        ),
        (
            "RTX of RTX",
            RTPParameters(
                codecs: [
                    vp8, rtx,
                    RTPCodecParameters(
                        mimeType: "video/rtx", payloadType: 98, clockRate: 90_000, parameters: ["apt": 97]),
                ],
                encodings: [RTPEncodingParameters(ssrc: 1)]),
            .type("missing media codec found for RTX PT 98")
        ),
    ]

    @Test(arguments: refused.indices)
    func `contradicting parameters are refused by name`(index: Int) {
        let (name, parameters, error) = Self.refused[index]
        #expect(throws: error, "\(name)") { try negotiate(parameters) }
    }

    @Test func `comfort noise alone is no media`() throws {
        let router = try RouterCapabilities.make(json: [["mimeType": "audio/CN", "clockRate": 8000]])
        let parameters = RTPParameters(
            codecs: [RTPCodecParameters(mimeType: "audio/CN", payloadType: 13, clockRate: 8000)],
            encodings: [RTPEncodingParameters(ssrc: 1)])
        #expect(throws: ORTCError.type("no media codecs found [method:transport.produce]")) {
            try negotiateProducer(
                kind: .audio, rtpParameters: parameters, routerCapabilities: router, firstMappedSSRC: 1)
        }
    }

    @Test func `negotiated parameters negotiate to themselves`() throws {
        let first = try negotiate(
            RTPParameters(codecs: [Self.vp8, Self.rtx], encodings: [RTPEncodingParameters(ssrc: 1)]))
        let again = try negotiate(first.rtpParameters)
        #expect(again == first)
    }

    @Test func `codecs of encodings are found`() throws {
        let other = RTPCodecParameters(mimeType: "video/VP9", payloadType: 98, clockRate: 90_000)
        let parameters = RTPParameters(codecs: [Self.rtx, Self.vp8, other])
        let unnamed = RTPEncodingParameters(ssrc: 1)
        let named = RTPEncodingParameters(ssrc: 2, codecPayloadType: 98)
        #expect(parameters.codec(for: unnamed) == Self.vp8)
        #expect(parameters.rtxCodec(for: unnamed) == Self.rtx)
        #expect(parameters.codec(for: named) == other)
        #expect(parameters.rtxCodec(for: named) == nil)
        #expect(parameters.codec(for: RTPEncodingParameters(codecPayloadType: 5)) == nil)
    }

    // MARK: - CNAME

    @Test func `the first producer that names a CNAME decides for all`() {
        var shared = SharedCNAME()
        var (first, second) = (RTPParameters(codecs: []), RTPParameters(codecs: []))
        first.rtcp.cname = "a"
        second.rtcp.cname = "b"
        shared.apply(to: &first, orUse: "random")
        shared.apply(to: &second, orUse: "random")
        #expect([first, second].map(\.rtcp.cname) == ["a", "a"])
    }

    @Test func `without a name a random CNAME stays`() {
        var shared = SharedCNAME()
        var (first, second) = (RTPParameters(codecs: []), RTPParameters(codecs: []))
        first.rtcp.cname = ""
        second.rtcp.cname = "b"
        shared.apply(to: &first, orUse: "random")
        shared.apply(to: &second, orUse: "other")
        #expect([first, second].map(\.rtcp.cname) == ["random", "random"])
    }

    // MARK: - AV1

    private static let av1 = RTPCodecParameters(mimeType: "video/AV1", payloadType: 45, clockRate: 90_000)
    private static let descriptor = RTPHeaderExtensionParameters(
        uri: RTPHeaderExtensionURI.dependencyDescriptor.rawValue, id: 12)

    @Test(
        arguments: [
            (nil, .simple), ("L1T1", .simple), ("L1T3", .svc), ("L3T3", .svc), ("L3T3_KEY", .svc),
        ] as [(String?, ProducerType)])
    func `AV1's layers are SVC`(mode: String?, type: ProducerType) throws {
        let ours = try negotiate(
            RTPParameters(
                codecs: [Self.av1], headerExtensions: [Self.descriptor],
                encodings: [RTPEncodingParameters(ssrc: 1, scalabilityMode: mode)]))
        #expect(ours.type == type)
        #expect(ours.consumableRTPParameters.codecs.map(\.payloadType) == [111, 112])
    }

    @Test func `AV1 is no codec of simulcast, as in mediasoup`() {
        let parameters = RTPParameters(
            codecs: [Self.av1], encodings: [RTPEncodingParameters(ssrc: 1), RTPEncodingParameters(ssrc: 2)])
        #expect(throws: ORTCError.type("video/AV1 codec not supported for simulcast [method:transport.produce]")) {
            try negotiate(parameters)
        }
    }

    @Test func `the dependency descriptor goes through pipes, and to no receiver`() throws {
        let producer = try negotiate(
            RTPParameters(
                codecs: [Self.av1], headerExtensions: [Self.descriptor], encodings: [RTPEncodingParameters(ssrc: 1)]))
        let capabilities = try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
        let consumer = try negotiateConsumer(
            consumable: producer.consumableRTPParameters, capabilities: capabilities, enableRTX: true, ssrc: 1, mid: nil
        )
        #expect(consumer.codecs.first?.mimeType == "video/AV1")
        #expect(consumer.id(of: .dependencyDescriptor) == nil)
        let pipe = negotiatePipeConsumer(consumable: producer.consumableRTPParameters, enableRTX: false, ssrc: 1)
        #expect(pipe.id(of: .dependencyDescriptor) == 8)
        // What comes out of the pipe is a producer there.
        let beyond = try negotiate(pipe)
        #expect(beyond.rtpParameters.id(of: .dependencyDescriptor) == 8)
        let vp8 = try negotiate(RTPParameters(codecs: [Self.vp8], encodings: [RTPEncodingParameters(ssrc: 1)]))
        let other = negotiatePipeConsumer(consumable: vp8.consumableRTPParameters, enableRTX: false, ssrc: 1)
        #expect(other.id(of: .dependencyDescriptor) == nil)
    }

    // MARK: - Consumers

    @Test func `an RTX SSRC that is handed in is used, also at the end of the numbers`() throws {
        let producer = try negotiate(RTPParameters(codecs: [Self.vp8], encodings: [RTPEncodingParameters(ssrc: 1)]))
        let capabilities = try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
        for (rtxSSRC, expected) in [(nil, 0), (77, 77)] as [(UInt32?, UInt32)] {
            let consumer = try negotiateConsumer(
                consumable: producer.consumableRTPParameters, capabilities: capabilities, enableRTX: true,
                ssrc: .max, rtxSSRC: rtxSSRC, mid: "x")
            #expect(consumer.encodings == [RTPEncodingParameters(ssrc: .max, rtxSSRC: expected)])
            #expect(consumer.mid == "x")
        }
    }

    @Test func `capabilities made in code are validated too`() throws {
        let producer = try negotiate(RTPParameters(codecs: [Self.vp8], encodings: [RTPEncodingParameters(ssrc: 1)]))
        var capabilities = try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
        capabilities.headerExtensions[0].preferredID = 300
        #expect(!canConsume(producer.consumableRTPParameters, capabilities))
        #expect(throws: ORTCError.type("invalid ext.preferredId [value:300, expected:0..255]")) {
            try negotiateConsumer(
                consumable: producer.consumableRTPParameters, capabilities: capabilities, enableRTX: true, ssrc: 1,
                mid: nil)
        }
    }
}
