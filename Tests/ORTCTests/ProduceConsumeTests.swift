import Base
import ORTC
import Testing

/// What was random in the recording (first mapped SSRC, SSRCs of consumers, CNAME) is handed in from the recording, so
/// that whole values can be compared.
@Suite struct ProduceConsumeTests {
    static let file = Golden.file("produce-consume-cases")
    static let cases = Golden.cases(file["cases"]) { $0["name"]?.stringValue ?? "?" }
    static let accepted = cases.filter { $0["produced"]["result"] != nil }

    @Test func `no case is left out`() {
        #expect(Self.cases.count == 35)
        #expect(Self.accepted.count == 26)
        #expect(Self.accepted.map { $0["consumes"].arrayValue?.count ?? 0 }.reduce(0, +) == 40)
    }

    @Test(arguments: cases)
    func `producers become what mediasoup makes of them`(golden: GoldenCase) throws {
        let ours = outcome(of: { () throws(ORTCError) in try Self.negotiate(golden) }, like: golden["produced"])
        guard let ours, let expected = golden["produced"]["result"] else { return }
        #expect(.string(ours.type.rawValue) == expected["type"])
        #expect(difference(ours.rtpParameters.json, expected["rtpParameters"]) == nil)
        #expect(difference(ours.consumableRTPParameters.json, expected["consumableRtpParameters"]) == nil)

        // The media process dumps the codecs without order, and of the encodings only the SSRCs.
        let codecs = ours.mapping.json["codecs"]?.arrayValue ?? []
        #expect(Set(codecs) == Set(expected["rtpMapping"]?["codecs"]?.arrayValue ?? []))
        let encodings = ours.mapping.encodings.map { [$0.ssrc.map { JSONValue($0) }, JSONValue($0.mappedSSRC)] }
        let dumped = expected["rtpMapping"]?["encodings"]?.arrayValue ?? []
        #expect(encodings == dumped.map { [$0["ssrc"]?.isNull == true ? nil : $0["ssrc"], $0["mappedSsrc"]] })
        #expect(ours.mapping.encodings.map(\.rid) == ours.rtpParameters.encodings.map(\.rid))
        #expect(ours.mapping.encodings.map(\.scalabilityMode) == ours.rtpParameters.encodings.map(\.scalabilityMode))
    }

    @Test(arguments: accepted)
    func `consumers get what mediasoup gives them`(golden: GoldenCase) throws {
        let producer = try Self.negotiate(golden)
        let kind = try MediaKind(json: golden["produce"]["kind"])
        var nextMID = 0
        for (index, consume) in (golden["consumes"].arrayValue ?? []).enumerated() {
            let capabilities = try Self.capabilities(consume["rtpCapabilities"], of: golden)
            let comment = Comment("consume \(index): \(consume["rtpCapabilities"]?.text ?? "?")")
            #expect(.bool(canConsume(producer.consumableRTPParameters, capabilities)) == consume["canConsume"], comment)
            let pipe = consume["options"]?["pipe"]?.boolValue ?? false
            let expected = consume["consumed"]?["result"]?["rtpParameters"]
            let encoding = expected?["encodings"]?.arrayValue?.first
            let ours = outcome(
                of: { () throws(ORTCError) in
                    try negotiateConsumer(
                        consumable: producer.consumableRTPParameters, capabilities: capabilities, pipe: pipe,
                        enableRTX: consume["options"]?["enableRtx"]?.boolValue ?? enablesRTXByDefault(kind),
                        ssrc: Self.ssrc(encoding?["ssrc"]),
                        // Without pipe it must come out as the next number by itself.
                        rtxSSRC: pipe ? Self.ssrc(encoding?["rtx"]?["ssrc"]) : nil, mid: "\(nextMID)")
                }, like: consume["consumed"] ?? .null)
            guard let ours else { continue }
            #expect(difference(ours.json, expected) == nil, comment)
            let type = ConsumerType(of: producer.type, pipe: pipe)
            #expect(.string(type.rawValue) == consume["consumed"]?["result"]?["type"], comment)
            nextMID += pipe ? 0 : 1
        }
    }

    @Test(arguments: accepted, ["pipe", "pipeWithRtx"])
    func `pipes carry what mediasoup's pipes carry`(golden: GoldenCase, member: String) throws {
        let producer = try Self.negotiate(golden)
        let expected = try #require(golden[member]["result"])
        let encoding = expected["encodings"]?.arrayValue?.first
        let ours = negotiatePipeConsumer(
            consumable: producer.consumableRTPParameters, enableRTX: member == "pipeWithRtx",
            ssrc: Self.ssrc(encoding?["ssrc"]), rtxSSRC: Self.ssrc(encoding?["rtx"]?["ssrc"]))
        #expect(difference(ours.json, expected) == nil)
    }

    // MARK: - Inputs

    private static func negotiate(_ golden: GoldenCase) throws(ORTCError) -> ProducerNegotiation {
        let result = golden["produced"]["result"]
        let router = try RTPCapabilities(json: routerCapabilities(of: golden))
        var parameters = try RTPParameters(json: golden["produce"]["rtpParameters"] ?? .null)
        var cname = SharedCNAME()
        cname.apply(to: &parameters, orUse: result?["rtpParameters"]?["rtcp"]?["cname"]?.stringValue ?? "?")
        return try negotiateProducer(
            kind: try MediaKind(json: golden["produce"]["kind"]), rtpParameters: parameters,
            routerCapabilities: router,
            firstMappedSSRC: ssrc(result?["rtpMapping"]?["encodings"]?.arrayValue?.first?["mappedSsrc"]))
    }

    private static func routerCapabilities(of golden: GoldenCase) -> JSONValue {
        file["routers"]?[golden["router"].stringValue ?? ""]?["rtpCapabilities"] ?? .null
    }

    private static func capabilities(_ name: JSONValue?, of golden: GoldenCase) throws -> RTPCapabilities {
        let name = try #require(name?.stringValue)
        if name == "router" { return try RTPCapabilities(json: routerCapabilities(of: golden)) }
        return try RTPCapabilities(json: try #require(Golden.file("remote-capabilities")[name]))
    }

    private static func ssrc(_ json: JSONValue?) -> UInt32 { json?.integerValue.flatMap { UInt32(exactly: $0) } ?? 0 }
}
