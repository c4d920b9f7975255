import Base
import ORTC
import Testing

@Suite struct CodecMatchingTests {
    static let profileCases = Golden.cases(Golden.file("h264-profile-cases")) {
        "router \($0["router"]?.text ?? "?") asymmetry \($0["routerLevelAsymmetryAllowed"]?.text ?? "?"), "
            + "producer \($0["producer"]?.text ?? "?") asymmetry \($0["producerLevelAsymmetryAllowed"]?.text ?? "?")"
    }

    @Test func `no profile case is left out`() { #expect(Self.profileCases.count == 255) }

    @Test(arguments: profileCases)
    func `H264 profiles are answered as recorded`(golden: GoldenCase) throws {
        let router = try RouterCapabilities.make(mediaCodecs: [
            RTPCodecCapability(
                kind: .video, mimeType: "video/H264", clockRate: 90_000,
                parameters: Self.parameters(golden["router"], asymmetry: golden["routerLevelAsymmetryAllowed"]))
        ])
        let offer = RTPParameters(
            codecs: [
                RTPCodecParameters(
                    mimeType: "video/H264", payloadType: 96, clockRate: 90_000,
                    parameters: Self.parameters(golden["producer"], asymmetry: golden["producerLevelAsymmetryAllowed"]))
            ],
            encodings: [RTPEncodingParameters(ssrc: 1)])
        do {
            let answer = try negotiateProducer(
                kind: .video, rtpParameters: offer, routerCapabilities: router, firstMappedSSRC: 1)
            #expect(golden.json["error"] == nil)
            #expect((answer.rtpParameters.codecs[0].parameters["profile-level-id"] ?? "absent") == golden["result"])
        } catch {
            #expect(golden["error"] == .string(error.name.rawValue))
        }
    }

    private static func parameters(_ profileLevelID: JSONValue, asymmetry: JSONValue) -> [String: JSONValue] {
        var parameters = ["level-asymmetry-allowed": asymmetry, "packetization-mode": 1]
        if !profileLevelID.isNull { parameters["profile-level-id"] = profileLevelID }
        return parameters
    }

    @Test(arguments: [
        ("42e01f", H264ProfileLevelID(profile: .constrainedBaseline, level: .l31), "42e01f"),
        ("4D801F", H264ProfileLevelID(profile: .constrainedBaseline, level: .l31), "42e01f"),
        ("420020", H264ProfileLevelID(profile: .baseline, level: .l32), "420020"),
        ("58a00a", H264ProfileLevelID(profile: .baseline, level: .l1), "42000a"),
        ("42100b", H264ProfileLevelID(profile: .baseline, level: .l1b), "42100b"),
        ("42000b", H264ProfileLevelID(profile: .baseline, level: .l11), "42000b"),
        ("4d1034", H264ProfileLevelID(profile: .main, level: .l52), "4d0034"),
        ("640c28", H264ProfileLevelID(profile: .constrainedHigh, level: .l4), "640c28"),
        ("f40015", H264ProfileLevelID(profile: .predictiveHigh444, level: .l21), "f40015"),
    ])
    func `profile-level-ids are read and written canonically`(
        text: String, value: H264ProfileLevelID, canonical: String
    ) {
        #expect(H264ProfileLevelID(text) == value)
        #expect(value.text == canonical)
    }

    @Test(arguments: [
        "", "42e01", "42e01f0", "+2e01f", " 42e01", "42e0é", "000000", "42e000", "42e0ff", "ffe01f", "42e01g",
    ])
    func `what is no profile-level-id is refused`(text: String) {
        #expect(H264ProfileLevelID(text) == nil)
    }

    @Test func `level 1b stands between 1 and 1_1`() {
        #expect([.l52, .l11, .l1b, .l1].sorted() == [H264ProfileLevelID.Level.l1, .l1b, .l11, .l52])
    }

    static let scalabilityCases = Golden.cases(Golden.file("scalability-modes")) { $0["scalabilityMode"]?.text ?? "?" }

    @Test(arguments: scalabilityCases)
    func `scalability modes are read as recorded`(golden: GoldenCase) {
        let mode = ScalabilityMode(parsing: golden["scalabilityMode"].stringValue)
        let json: JSONValue = [
            "spatialLayers": JSONValue(mode.spatialLayers), "temporalLayers": JSONValue(mode.temporalLayers),
            "ksvc": .bool(mode.ksvc),
        ]
        #expect(json == golden["parsed"])
    }

    @Test func `no scalability mode is left out`() { #expect(Self.scalabilityCases.count == 19) }

    @Test(arguments: ["L٣T1", "L1T٣", "L3T3\u{301}", "L", "LT", "L1T", "\u{0}"])
    func `digits of other scripts and half modes mean one layer`(text: String) {
        let mode = ScalabilityMode(parsing: text)
        #expect(mode.temporalLayers == 1)
        #expect(!mode.ksvc)
    }
}
