import Base
import ORTC
import Testing

/// The named capability sets against one VP8 producer with RTX. The recordings consume with five of them; for the others
/// the expected values follow from mediasoup's rules (docs/protocols/ortc.md).
@Suite struct RemoteCapabilitiesTests {
    struct Expectation: Sendable, CustomTestStringConvertible {
        let name: String
        /// Nil when the producer can't be consumed.
        let payloadTypes: [UInt8]?
        var extensions: [Int] = []
        var feedback: Set<String> = []

        var testDescription: String { name }
    }

    private static let alwaysThere: Set<String> = ["nack", "nack pli", "ccm fir"]

    static let expectations = [
        Expectation(
            name: "browser", payloadTypes: [101, 102], extensions: [1, 4, 5, 11, 12, 13, 14],
            feedback: alwaysThere.union(["transport-cc"])),
        Expectation(name: "audioWithoutNack", payloadTypes: nil),
        Expectation(
            name: "absSendTimeOnly", payloadTypes: [101, 102], extensions: [1, 4],
            feedback: alwaysThere.union(["goog-remb"])),
        Expectation(name: "noExtensions", payloadTypes: [101, 102], feedback: alwaysThere),
        Expectation(name: "headerExtensionsAbsent", payloadTypes: [101, 102], feedback: alwaysThere),
        // Under another id than the router's, an extension isn't sent.
        Expectation(
            name: "otherExtensionIds", payloadTypes: [101, 102], extensions: [4],
            feedback: alwaysThere.union(["goog-remb"])),
        // The kind isn't compared.
        Expectation(
            name: "extensionOfOtherKind", payloadTypes: [101, 102], extensions: [1, 4, 5],
            feedback: alwaysThere.union(["transport-cc"])),
        Expectation(
            name: "noRtx", payloadTypes: [101], extensions: [1, 4, 5, 11, 12, 13, 14],
            feedback: alwaysThere.union(["transport-cc"])),
        // Any RTX codec will do: apt isn't compared.
        Expectation(
            name: "rtxOfOtherCodecOnly", payloadTypes: [101, 102], extensions: [1, 4, 5, 11, 12, 13, 14],
            feedback: alwaysThere.union(["transport-cc"])),
        Expectation(
            name: "vp8Only", payloadTypes: [101, 102], extensions: [1, 4, 5, 11, 12, 13, 14],
            feedback: alwaysThere.union(["transport-cc"])),
        Expectation(name: "rtxOnly", payloadTypes: nil),
        Expectation(name: "empty", payloadTypes: nil),
    ]

    @Test(arguments: expectations)
    func `a set gets what it has in common with the producer`(expected: Expectation) throws {
        let capabilities = try RTPCapabilities(json: try #require(Golden.file("remote-capabilities")[expected.name]))
        let consumable = try negotiateProducer(
            kind: .video,
            rtpParameters: RTPParameters(
                codecs: [NegotiationTests.vp8, NegotiationTests.rtx],
                encodings: [RTPEncodingParameters(ssrc: 1, rtxSSRC: 2)]),
            routerCapabilities: try Golden.demoCapabilities(), firstMappedSSRC: 1
        ).consumableRTPParameters
        #expect(canConsume(consumable, capabilities) == (expected.payloadTypes != nil))
        guard let payloadTypes = expected.payloadTypes else {
            #expect(throws: ORTCError.unsupported("no compatible media codecs")) {
                try negotiateConsumer(
                    consumable: consumable, capabilities: capabilities, enableRTX: true, ssrc: 7, mid: "0")
            }
            return
        }
        let consumer = try negotiateConsumer(
            consumable: consumable, capabilities: capabilities, enableRTX: true, ssrc: 7, mid: "0")
        #expect(consumer.codecs.map(\.payloadType) == payloadTypes)
        #expect(consumer.headerExtensions.map(\.id) == expected.extensions)
        let feedback = consumer.codecs.first?.rtcpFeedback.map {
            $0.parameter.isEmpty ? $0.type : "\($0.type) \($0.parameter)"
        }
        #expect(Set(feedback ?? []) == expected.feedback)
        #expect(consumer.encodings == [RTPEncodingParameters(ssrc: 7, rtxSSRC: payloadTypes.count > 1 ? 8 : nil)])

        let withoutRTX = try negotiateConsumer(
            consumable: consumable, capabilities: capabilities, enableRTX: false, ssrc: 7, mid: "0")
        #expect(withoutRTX.codecs.map(\.payloadType) == [101])
        #expect(withoutRTX.codecs[0].rtcpFeedback.allSatisfy { $0 != RTCPFeedback("nack") })
        #expect(withoutRTX.encodings == [RTPEncodingParameters(ssrc: 7)])
    }
}
