import Base
import ORTC
import Testing

/// Whatever JSON comes, negotiation gives a value or an `ORTCError`. The golden inputs with one node replaced or
/// dropped reach behind every check; a trap would end the test run.
@Suite struct MutationTests {
    static let replacements: [JSONValue] = [
        .null, false, true, 0, 1, -1, 96, 300, 4_294_967_301, 1e300, -0.5, "", "x", "L9T9", "42e01f", [], [[]],
        [nil, "x", 1], [:], ["a": [:]], .integer(.min), .integer(.max), .double(.infinity), .double(.nan),
        .string(String(repeating: "é/", count: 1000)),
    ]

    /// Every value that differs from `json` in one node, lists' elements and objects' members counting as nodes.
    static func mutants(of json: JSONValue) -> [JSONValue] {
        var all = replacements
        switch json {
        case .array(let elements):
            for index in elements.indices {
                var dropped = elements
                all.append(.array(elements + [dropped.remove(at: index)]))
                all.append(.array(dropped))
                for mutant in mutants(of: elements[index]) {
                    var changed = elements
                    changed[index] = mutant
                    all.append(.array(changed))
                }
            }
        case .object(let members):
            for (name, value) in members {
                var changed = members
                changed[name] = nil
                all.append(.object(changed))
                for mutant in mutants(of: value) {
                    changed[name] = mutant
                    all.append(.object(changed))
                }
            }
        default: break
        }
        return all
    }

    @Test(arguments: ProduceConsumeTests.cases + ValidationTests.produce)
    func `mutated producers give a value or an error`(golden: GoldenCase) throws {
        let produce = golden.json["produce"] ?? golden["input"]
        let router = try Golden.demoCapabilities()
        for mutant in Self.mutants(of: produce) {
            guard
                let producer = try? ProducerNegotiation(
                    kind: mutant["kind"], rtpParameters: mutant["rtpParameters"], routerCapabilities: router,
                    firstMappedSSRC: .max)
            else { continue }
            // What was accepted holds together: it reads back as it was written, and can be consumed and piped.
            let written = producer.rtpParameters.json
            #expect(try RTPParameters(json: written).codecs == producer.rtpParameters.codecs, "\(mutant.text)")
            #expect(producer.rtpParameters.encodings.count == producer.mapping.encodings.count)
            #expect(producer.rtpParameters.codecs.count == producer.mapping.codecs.count)
            let consumer = try negotiateConsumer(
                consumable: producer.consumableRTPParameters, capabilities: router, enableRTX: true, ssrc: .max,
                mid: "0")
            #expect(consumer.encodings.count == 1)
            _ = negotiatePipeConsumer(consumable: producer.consumableRTPParameters, enableRTX: true, ssrc: .max)
        }
    }

    static let capabilitySets = (Golden.file("remote-capabilities").objectValue ?? [:]).map {
        GoldenCase(name: $0.key, json: $0.value)
    }

    @Test(arguments: capabilitySets)
    func `mutated capabilities give a value or an error`(golden: GoldenCase) throws {
        let router = try Golden.demoCapabilities()
        let producer = try negotiateProducer(
            kind: .video,
            rtpParameters: RTPParameters(
                codecs: [NegotiationTests.vp8, NegotiationTests.rtx], encodings: [RTPEncodingParameters(ssrc: 1)]),
            routerCapabilities: router, firstMappedSSRC: 1)
        for mutant in Self.mutants(of: golden.json) {
            let playable = canConsume(producer.consumableRTPParameters, json: mutant)
            guard let capabilities = try? RTPCapabilities(json: mutant) else {
                #expect(!playable)
                continue
            }
            #expect(try RTPCapabilities(json: capabilities.json) == capabilities, "\(mutant.text)")
            let consumer = try? negotiateConsumer(
                consumable: producer.consumableRTPParameters, capabilities: capabilities, enableRTX: true, ssrc: 1,
                mid: "0")
            #expect((consumer != nil) == playable, "\(mutant.text)")
        }
    }

    @Test func `mutated router codecs give a value or an error`() throws {
        let inputs = [Golden.demoRouter["mediaCodecs"], Golden.file("router-capabilities-all")["mediaCodecs"]]
        for mutant in inputs.compactMap({ $0 }).flatMap(Self.mutants) {
            guard let router = try? RouterCapabilities.make(json: mutant) else { continue }
            #expect(try RTPCapabilities(json: router.json) == router)
            #expect(Set(router.codecs.map(\.preferredPayloadType)).count == router.codecs.count)
        }
    }

    @Test func `the mutants reach both outcomes`() throws {
        let router = try Golden.demoCapabilities()
        let input = try #require(ProduceConsumeTests.cases.first?["produce"])
        let outcomes = Self.mutants(of: input).map { mutant in
            (try? ProducerNegotiation(
                kind: mutant["kind"], rtpParameters: mutant["rtpParameters"], routerCapabilities: router,
                firstMappedSSRC: 1)) != nil
        }
        #expect(outcomes.count > 300)
        #expect(outcomes.contains(true) && outcomes.contains(false))
    }
}
