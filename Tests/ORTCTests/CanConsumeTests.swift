import Base
import ORTC
import Testing

@Suite struct CanConsumeTests {
    static let file = Golden.file("can-consume-cases")
    static let cases = Golden.cases(file["cases"]) { $0["rtpCapabilitiesName"]?.stringValue ?? "?" }

    @Test func `no case is left out`() {
        #expect(Self.cases.count == 21)
        #expect(Self.file["producers"]?.objectValue?.count == 6)
    }

    @Test(arguments: cases)
    func `capabilities play what mediasoup says they play`(golden: GoldenCase) throws {
        let router = try Golden.demoCapabilities()
        var capabilities = golden["rtpCapabilities"]
        if capabilities.stringValue == "see router-capabilities-demo.json" { capabilities = router.json }
        for (name, producer) in try #require(Self.file["producers"]?.objectValue) {
            let negotiation = try ProducerNegotiation(
                kind: producer["kind"], rtpParameters: producer["rtpParameters"], routerCapabilities: router,
                firstMappedSSRC: 1)
            let ours = canConsume(negotiation.consumableRTPParameters, json: capabilities)
            #expect(.bool(ours) == golden["canConsume"][name], "\(name)")
        }
    }
}
