import Base
import ORTC
import Testing

/// Where we differ from mediasoup 3.14.16 on purpose: it cuts numbers to 8 or 32 bits, we refuse them by name and value.
@Suite struct NumberRangeTests {
    static let codec: JSONValue = ["mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2]

    static let parameterCases: [(JSONValue, String)] = [
        (codecs(["payloadType": 300]), "codec.payloadType [value:300, expected:0..127]"),
        (codecs(["payloadType": 128]), "codec.payloadType [value:128, expected:0..127]"),
        (codecs(["payloadType": -1]), "codec.payloadType [value:-1, expected:0..127]"),
        (codecs(["payloadType": 96.5]), "codec.payloadType [value:96.5, expected:0..127]"),
        (codecs(["payloadType": 1e300]), "codec.payloadType [value:1e+300, expected:0..127]"),
        (codecs(["clockRate": -1]), "codec.clockRate [value:-1, expected:0..4294967295]"),
        (codecs(["clockRate": 1e18]), "codec.clockRate [value:1e+18, expected:0..4294967295]"),
        (codecs(["clockRate": 0.5]), "codec.clockRate [value:0.5, expected:0..4294967295]"),
        (codecs(["channels": 256]), "codec.channels [value:256, expected:0..255]"),
        (encodings(["ssrc": 4_294_967_301]), "encoding.ssrc [value:4294967301, expected:0..4294967295]"),
        (encodings(["ssrc": -5]), "encoding.ssrc [value:-5, expected:0..4294967295]"),
        (encodings(["ssrc": 1, "rtx": ["ssrc": -5]]), "encoding.rtx.ssrc [value:-5, expected:0..4294967295]"),
        (encodings(["codecPayloadType": 200]), "encoding.codecPayloadType [value:200, expected:0..127]"),
        (encodings(["maxBitrate": -1]), "encoding.maxBitrate [value:-1, expected:0..4294967295]"),
        (encodings(["maxBitrate": 1e300]), "encoding.maxBitrate [value:1e+300, expected:0..4294967295]"),
        (extensions(["uri": "urn:x", "id": 256]), "ext.id [value:256, expected:0..255]"),
    ]

    static func codecs(_ change: [String: JSONValue]) -> JSONValue {
        ["codecs": [.object((codec.objectValue ?? [:]).merging(change) { $1 })]]
    }
    static func encodings(_ encoding: JSONValue) -> JSONValue { ["codecs": [codec], "encodings": [encoding]] }
    static func extensions(_ ext: JSONValue) -> JSONValue { ["codecs": [codec], "headerExtensions": [ext]] }

    @Test(arguments: parameterCases)
    func `numbers that don't fit are refused by name and value`(json: JSONValue, message: String) {
        #expect(throws: ORTCError.type("invalid \(message)")) { try RTPParameters(json: json) }
    }

    static let capabilityCases: [(JSONValue, String)] = [
        (
            ["codecs": [["mimeType": "video/VP8", "clockRate": 90_000, "preferredPayloadType": 300]]],
            "codec.preferredPayloadType [value:300, expected:0..127]"
        ),
        (
            ["codecs": [["mimeType": "video/VP8", "clockRate": 4_294_967_296]]],
            "codec.clockRate [value:4294967296, expected:0..4294967295]"
        ),
        (
            ["headerExtensions": [["kind": "audio", "uri": "urn:x", "preferredId": -1]]],
            "ext.preferredId [value:-1, expected:0..255]"
        ),
    ]

    @Test(arguments: capabilityCases)
    func `capabilities are held to the same ranges`(json: JSONValue, message: String) {
        #expect(throws: ORTCError.type("invalid \(message)")) { try RTPCapabilities(json: json) }
    }

    @Test func `the ends of the ranges are taken`() throws {
        let parameters = try RTPParameters(json: [
            "codecs": [["mimeType": "video/VP8", "payloadType": 127, "clockRate": 4_294_967_295.0]],
            "encodings": [["ssrc": 4_294_967_295, "rtx": ["ssrc": 0], "codecPayloadType": 0, "maxBitrate": 2.5]],
            "headerExtensions": [["uri": "urn:x", "id": 255]],
        ])
        #expect(parameters.codecs[0].clockRate == 4_294_967_295)
        // Bit rates are computed by applications: a fraction is rounded down.
        #expect(
            parameters.encodings == [
                RTPEncodingParameters(ssrc: .max, codecPayloadType: 0, rtxSSRC: 0, dtx: false, maxBitrate: 2)
            ])
    }

    @Test(arguments: ["codecPayloadType", "maxBitrate"])
    func `what must be a number is no text`(member: String) {
        #expect(throws: ORTCError.type("invalid encoding.\(member)")) {
            try RTPParameters(json: ["codecs": [Self.codec], "encodings": [.object([member: "96"])]])
        }
    }
}
