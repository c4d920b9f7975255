import Base
import ORTC
import Testing

/// The part of `validation-cases.json` that is negotiation.
@Suite struct ValidationTests {
    static let cases = Golden.cases(Golden.file("validation-cases")) {
        "\($0["group"]?.stringValue ?? "?"): \($0["name"]?.stringValue ?? "?")"
    }

    /// Groups that are none of negotiation's business, with the one whose it is.
    static let otherGroups: [String: String] = [
        "produce twice on one transport": "conflicts with other producers: the transport's RTP listener",
        "plain transport": "transports", "transport bitrate": "transports", "pipe transport": "transports",
        "pipe transport connect (srtp)": "transports", "direct transport": "transports",
        "webrtc transport": "WebRTC", "webrtc transport connect": "WebRTC",
        "webrtc transport candidates with a server": "WebRTC",
        "webrtc transport candidates with listenIps": "WebRTC",
        "produceData": "data", "produceData (SCTP)": "data", "consumeData": "data",
        "consume simulcast with preferredLayers": "layer choice", "consumer.setPreferredLayers": "layer choice",
        "consumer.setPriority": "consumers", "consumer.unsetPriority": "consumers", "consumer": "consumers",
        "closed objects": "life of objects", "pipeToRouter": "routers",
        "AudioLevelObserver": "observers", "ActiveSpeakerObserver": "observers",
        "createAudioLevelObserver": "observers", "createActiveSpeakerObserver": "observers",
    ]

    /// Cases of our groups that ask for something else.
    static let otherCases: [String: String] = [
        "appData not an object": "appData is checked where requests are read",
        "appData string": "appData is checked where requests are read",
        "preferredLayers spatial missing": "layer choice",
        "header extension: draft-holmer bwe 02 / dependency descriptor": "ours has AV1's dependency descriptor",
    ]

    static let ours = cases.filter { otherGroups[group($0)] == nil && otherCases[name($0)] == nil }
    static let produce = ours.filter { group($0) == "produce" }

    static func group(_ golden: GoldenCase) -> String { golden["group"].stringValue ?? "" }
    static func name(_ golden: GoldenCase) -> String { golden["name"].stringValue ?? "" }

    @Test func `each case is compared or has a reason not to be`() {
        #expect(Self.cases.count == 177)
        #expect(Set(Self.ours.map(Self.group)) == ["produce", "consume", "canConsume"])
        #expect(Self.produce.count == 42)
        #expect(Self.ours.count == 48)
    }

    @Test(arguments: produce)
    func `produce requests are answered as recorded`(golden: GoldenCase) throws {
        let expected = golden["result"]["rtpParameters"]
        let ours = outcome(
            of: { () throws(ORTCError) in
                let input = golden["input"]
                let kind = try MediaKind(json: input["kind"])
                var parameters = try RTPParameters(json: input["rtpParameters"] ?? .null)
                var cname = SharedCNAME()
                cname.apply(to: &parameters, orUse: expected?["rtcp"]?["cname"]?.stringValue ?? "?")
                let router = try RouterCapabilities.make(json: Golden.demoRouter["mediaCodecs"])
                return try negotiateProducer(
                    kind: kind, rtpParameters: parameters, routerCapabilities: router, firstMappedSSRC: 1)
            }, like: golden.json)
        guard let ours else { return }
        #expect(.string(ours.type.rawValue) == golden["result"]["type"])
        // Ours are always members by name: a list in the place of parameters comes out as an object.
        #expect(difference(ours.rtpParameters.json, Self.emptyListsAsObjects(expected)) == nil)
    }

    /// `"parameters": []` as `"parameters": {}`.
    private static func emptyListsAsObjects(_ golden: JSONValue?) -> JSONValue? {
        guard case .object(var members)? = golden, case .array(let codecs)? = members["codecs"] else { return golden }
        members["codecs"] = .array(
            codecs.map { codec in
                guard case .object(var codec) = codec else { return codec }
                if codec["parameters"] == [] { codec["parameters"] = .object([:]) }
                return .object(codec)
            })
        return .object(members)
    }

    /// The inputs of these cases weren't recorded: they are what the names say.
    static let consumeInputs: [String: JSONValue] = [
        "no rtpCapabilities": nil,
        "codecs not an array": ["codecs": [:]],
        "header extension kind empty": ["headerExtensions": [["kind": "", "uri": "urn:x", "preferredId": 1]]],
        "header extension preferredId missing": ["headerExtensions": [["kind": "audio", "uri": "urn:x"]]],
    ]

    @Test(arguments: ours.filter { group($0) == "consume" })
    func `capabilities of consume requests are refused as recorded`(golden: GoldenCase) throws {
        let input = try #require(Self.consumeInputs[Self.name(golden)])
        _ = outcome(of: { () throws(ORTCError) in try RTPCapabilities(json: input) }, like: golden.json)
    }

    static let canConsumeInputs: [String: JSONValue] = [
        "invalid capabilities": ["codecs": [["kind": "video"]]],
        "capabilities undefined": nil,
    ]

    @Test(arguments: ours.filter { group($0) == "canConsume" })
    func `bad capabilities can consume nothing`(golden: GoldenCase) throws {
        let input = try #require(Self.canConsumeInputs[Self.name(golden)])
        let consumable = RTPParameters(
            codecs: [RTPCodecParameters(mimeType: "video/VP8", payloadType: 101, clockRate: 90_000)])
        #expect(.bool(canConsume(consumable, json: input)) == golden["result"])
    }
}
