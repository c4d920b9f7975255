import Base
import ORTC
import TestSupport
import Testing

@Suite struct RouterCapabilitiesTests {
    @Test func `the supported table is mediasoup's, with AV1 and its extension at the end`() throws {
        let golden = try RTPCapabilities(json: Golden.file("supported-rtp-capabilities"))
        let ours = SupportedCapabilities.all
        #expect(difference(without(ours).json, golden.json) == nil)
        #expect(ours.codecs.dropLast() == golden.codecs[...] && ours.codecs.last?.mimeType == "video/AV1")
        #expect(ours.codecs.last?.rtcpFeedback == ours.codecs.first { $0.mimeType == "video/VP9" }?.rtcpFeedback)
        #expect(ours.headerExtensions.dropLast() == golden.headerExtensions[...])
        let descriptor = ours.headerExtensions.last
        #expect(descriptor?.preferredID == 8 && descriptor?.kind == .video && descriptor?.direction == .recvonly)
        // No id means two things.
        #expect(!golden.headerExtensions.contains { $0.preferredID == 8 })
        #expect(golden.codecs.count == 26)
        #expect(golden.headerExtensions.count == 17)
    }

    @Test(arguments: ["router-capabilities-demo", "router-capabilities-all"])
    func `routers offer what mediasoup's routers offer`(file: String) throws {
        let golden = Golden.file(file)
        let ours = try RouterCapabilities.make(json: golden["mediaCodecs"])
        #expect(difference(without(ours).json, golden["rtpCapabilities"]) == nil)
        #expect(try RTPCapabilities(json: ours.json) == ours)
    }

    /// Without what mediasoup 3.14 does not have.
    private func without(_ capabilities: RTPCapabilities) -> RTPCapabilities {
        var capabilities = capabilities
        capabilities.codecs.removeAll { $0.mimeType == "video/AV1" }
        capabilities.headerExtensions.removeAll { $0.uri == RTPHeaderExtensionURI.dependencyDescriptor.rawValue }
        return capabilities
    }

    static let recorded = Golden.cases(Golden.file("router-capabilities-cases")) { $0["name"]?.stringValue ?? "?" }
    /// Ours has AV1.
    static let cases = recorded.filter { $0["name"] != "AV1 not supported" }

    @Test func `no router case is left out but that of AV1, which we have`() throws {
        #expect(Self.recorded.count == 24 && Self.cases.count == 23)
        let refused = try #require(Self.recorded.first { $0["name"] == "AV1 not supported" })
        #expect(throws: Never.self) { try RouterCapabilities.make(json: refused["mediaCodecs"]) }
    }

    @Test(arguments: cases)
    func `media codecs become a router's codecs or the recorded error`(golden: GoldenCase) {
        let ours = outcome(
            of: { () throws(ORTCError) in try RouterCapabilities.make(json: golden["mediaCodecs"]) }, like: golden.json)
        guard let ours else { return }
        #expect(difference(ours.json["codecs"], golden["result"]["codecs"]) == nil)
        #expect(JSONValue(without(ours).headerExtensions.count) == golden["result"]["headerExtensionCount"])
    }

    @Test func `the standard codecs keep the demo's payload types, then add VP9 profile 0, AV1 and H265`() throws {
        let ours = try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
        #expect(difference(ours.json, try Vectors.json("ortc/router-capabilities-standard.json")) == nil)
        #expect(Array(ours.codecs.prefix(9)) == (try Golden.demoCapabilities()).codecs)
        #expect(ours.codecs.map(\.preferredPayloadType) == (100...114).map { UInt8($0) })
    }

    @Test func `codecs made in code are validated like JSON`() throws {
        let mono = RTPCodecCapability(kind: .video, mimeType: "AUDIO/pcmu", clockRate: 8000)
        let made = try RouterCapabilities.make(mediaCodecs: [mono])
        #expect(made.codecs.first?.kind == .audio)
        #expect(made.codecs.first?.channels == 1)
        #expect(throws: ORTCError.type("invalid codec parameter [key:xs, value:true]")) {
            try RouterCapabilities.make(mediaCodecs: [
                RTPCodecCapability(kind: .video, mimeType: "video/VP8", clockRate: 90_000, parameters: ["x": true])
            ])
        }
    }
}
