import Base
import ORTC

// Parameters as mediasoup's media process tells them back: defaults stand where the API leaves members out.

/// An absent member, not one that is null.
private func unlessEmpty(_ text: String) -> JSONValue? { text.isEmpty ? .none : .some(JSONValue(text)) }

extension RTPParameters {
    var dump: JSONValue {
        [
            "mid": JSONValue(mid ?? ""),
            "codecs": .array(codecs.map(\.dump)),
            "headerExtensions": .array(headerExtensions.map(\.dump)),
            "encodings": .array(encodings.map { $0.dump(codec: codec(for: $0)) }),
            "rtcp": ["cname": JSONValue(rtcp.cname ?? ""), "reducedSize": JSONValue(rtcp.reducedSize)],
        ]
    }
}

extension RTPCodecParameters {
    fileprivate var dump: JSONValue {
        .object(omittingAbsent: [
            "mimeType": JSONValue(mimeType), "payloadType": JSONValue(payloadType), "clockRate": JSONValue(clockRate),
            "channels": channels.map { JSONValue($0) }, "parameters": .object(parameters),
            "rtcpFeedback": .array(
                rtcpFeedback.map { feedback in
                    .object(omittingAbsent: [
                        "type": JSONValue(feedback.type),
                        "parameter": unlessEmpty(feedback.parameter),
                    ])
                }),
        ])
    }
}

extension RTPHeaderExtensionParameters {
    fileprivate var dump: JSONValue {
        [
            "uri": JSONValue(uri), "id": JSONValue(id), "encrypt": JSONValue(encrypt),
            "parameters": .object(parameters),
        ]
    }
}

extension RTPEncodingParameters {
    /// - Parameter codec: The one it carries; nil where none is told.
    func dump(codec: RTPCodecParameters?) -> JSONValue {
        let mode = scalabilityMode.flatMap { $0.isEmpty ? nil : $0 }
        return .object(omittingAbsent: [
            "ssrc": ssrc.map { JSONValue($0) },
            "rid": rid.flatMap(unlessEmpty),
            "codecPayloadType": codec.map { JSONValue($0.payloadType) },
            "rtx": rtxSSRC.map { ["ssrc": JSONValue($0)] },
            "dtx": JSONValue(dtx ?? false),
            "scalabilityMode": JSONValue(mode ?? "S1T1"),
            "maxBitrate": maxBitrate.map { JSONValue($0) },
        ])
    }
}

extension RTPMapping {
    var dump: JSONValue {
        [
            "codecs": .array(
                codecs.map {
                    [
                        "payloadType": JSONValue($0.payloadType),
                        "mappedPayloadType": JSONValue($0.mappedPayloadType),
                    ]
                }),
            "encodings": .array(
                encodings.map {
                    .object(omittingAbsent: [
                        "rid": JSONValue($0.rid ?? ""), "ssrc": $0.ssrc.map { JSONValue($0) } ?? JSONValue.null,
                        "scalabilityMode": $0.scalabilityMode.map { JSONValue($0) } ?? JSONValue.null,
                        "mappedSsrc": JSONValue($0.mappedSSRC),
                    ])
                }),
        ]
    }
}
