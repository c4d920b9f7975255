import Base

/// How a producer's payload types and SSRCs become the router's.
public struct RTPMapping: Sendable, Hashable {
    public struct Codec: Sendable, Hashable {
        /// As the producer sends it.
        public var payloadType: UInt8
        /// As consumers get it.
        public var mappedPayloadType: UInt8

        public init(payloadType: UInt8, mappedPayloadType: UInt8) {
            self.payloadType = payloadType
            self.mappedPayloadType = mappedPayloadType
        }
    }

    public struct Encoding: Sendable, Hashable {
        /// Nil when the stream is known by `rid` or by the producer's mid only.
        public var ssrc: UInt32?
        public var rid: String?
        public var scalabilityMode: String?
        /// What the router calls the stream.
        public var mappedSSRC: UInt32

        public init(ssrc: UInt32? = nil, rid: String? = nil, scalabilityMode: String? = nil, mappedSSRC: UInt32) {
            self.ssrc = ssrc
            self.rid = rid
            self.scalabilityMode = scalabilityMode
            self.mappedSSRC = mappedSSRC
        }
    }

    /// Media codecs in the producer's order, then RTX codecs.
    public var codecs: [Codec]
    /// One for each encoding of the producer, in its order.
    public var encodings: [Encoding]

    public init(codecs: [Codec], encodings: [Encoding]) {
        self.codecs = codecs
        self.encodings = encodings
    }
}

extension RTPMapping {
    public var json: JSONValue {
        ["codecs": .array(codecs.map(\.json)), "encodings": .array(encodings.map(\.json))]
    }
}

extension RTPMapping.Codec {
    public var json: JSONValue {
        ["payloadType": JSONValue(payloadType), "mappedPayloadType": JSONValue(mappedPayloadType)]
    }
}

extension RTPMapping.Encoding {
    public var json: JSONValue {
        .object(omittingAbsent: [
            "ssrc": ssrc.map { JSONValue($0) },
            "rid": rid.map { .string($0) },
            "scalabilityMode": scalabilityMode.map { .string($0) },
            "mappedSsrc": JSONValue(mappedSSRC),
        ])
    }
}
