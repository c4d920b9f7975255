import Base
import ORTC
import TestSupport
import Testing

@Suite struct RouterCapabilitiesTests {
    @Test func `the supported table is mediasoup's`() throws {
        let golden = try RTPCapabilities(json: Golden.file("supported-rtp-capabilities"))
        #expect(difference(SupportedCapabilities.all.json, golden.json) == nil)
        #expect(golden.codecs.count == 26)
        #expect(golden.headerExtensions.count == 17)
    }

    @Test(arguments: ["router-capabilities-demo", "router-capabilities-all"])
    func `routers offer what mediasoup's routers offer`(file: String) throws {
        let golden = Golden.file(file)
        let ours = try RouterCapabilities.make(json: golden["mediaCodecs"])
        #expect(difference(ours.json, golden["rtpCapabilities"]) == nil)
        #expect(try RTPCapabilities(json: ours.json) == ours)
    }

    static let cases = Golden.cases(Golden.file("router-capabilities-cases")) { $0["name"]?.stringValue ?? "?" }

    @Test func `no router case is left out`() { #expect(Self.cases.count == 24) }

    @Test(arguments: cases)
    func `media codecs become a router's codecs or the recorded error`(golden: GoldenCase) {
        let ours = outcome(
            of: { () throws(ORTCError) in try RouterCapabilities.make(json: golden["mediaCodecs"]) }, like: golden.json)
        guard let ours else { return }
        #expect(difference(ours.json["codecs"], golden["result"]["codecs"]) == nil)
        #expect(JSONValue(ours.headerExtensions.count) == golden["result"]["headerExtensionCount"])
    }

    @Test func `the standard codecs keep the demo's payload types and add VP9 profile 0`() throws {
        let ours = try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
        #expect(difference(ours.json, try Vectors.json("ortc/router-capabilities-standard.json")) == nil)
        #expect(Array(ours.codecs.prefix(9)) == (try Golden.demoCapabilities()).codecs)
        #expect(ours.codecs.map(\.preferredPayloadType) == (100...110).map { UInt8($0) })
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
