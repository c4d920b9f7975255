import Base
import ORTC
import RTP
import SFU
import TestSupport
import Testing

/// What a packet looks like in the log, seen through a consumer.
@Suite struct ReceivePathTests {
    private func parameters(
        _ codec: RTPCodecParameters, _ extensions: [(RTPHeaderExtensionURI, Int)]
    ) -> RTPParameters {
        RTPParameters(
            codecs: [codec],
            headerExtensions: extensions.map { RTPHeaderExtensionParameters(uri: $0.0.rawValue, id: $0.1) },
            encodings: [RTPEncodingParameters(ssrc: 2222)])
    }

    private static let av1 = RTPCodecParameters(mimeType: "video/AV1", payloadType: 45, clockRate: 90_000)
    private static let h265 = RTPCodecParameters(mimeType: "video/H265", payloadType: 46, clockRate: 90_000)

    @Test func `VP8's short picture ids are forwarded in two bytes`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.receiver("c", of: "video", at: 5000)
        let payloads: [[UInt8]] = [
            [0x90, 0xE0, 0x7F, 0x01, 0x00, 0x10, 0xAA],  // I L T: id 127
            [0x80, 0xE0, 0x80, 0x05, 0x01, 0x00, 0xBB],  // long already
            [0x10, 0x11, 0xCC],  // no id
        ]
        for (number, payload) in payloads.enumerated() {
            stage.feed(
                try Packets.rtp(sequence: number, padding: number == 0 ? 4 : 0, payload: payload), on: source.rtp)
        }
        let media = stage.media(to: 5000)
        #expect(
            media.map(\.payload) == [
                [0x90, 0xE0, 0x80, 0x7F, 0x01, 0x00, 0x10, 0xAA], payloads[1], payloads[2],
            ])
        #expect(media.first?.header?.paddingLength == 4)
    }

    @Test func `header extensions stay with an expanded descriptor`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        let codec = RTPCodecParameters(mimeType: "video/VP8", payloadType: 96, clockRate: 90_000)
        try stage.produce("video", on: source, parameters(codec, [(.videoOrientation, 3)]))
        try stage.receiver("c", of: "video", at: 5000)
        stage.feed(
            try Packets.rtp(
                sequence: 1, extensions: [.init(id: 3, data: [0x01])], payload: [0x90, 0x80, 0x07, 0x10, 0xAA]),
            on: source.rtp)
        let packet = try #require(stage.media(to: 5000).first)
        let element = packet.header?.headerExtension(id: 11, in: packet.bytes.span.bytes)
        #expect(element.map { packet.bytes[$0.offset] } == 0x01)
        #expect(packet.payload == [0x90, 0x80, 0x80, 0x07, 0x10, 0xAA])
    }

    @Test func `H265 and AV1 consumers wait for a key frame`() throws {
        for (codec, inter, key) in [
            (Self.h265, [0x02, 0x01, 0xD0], [0x42, 0x01, 0x01]), (Self.av1, [0x10, 0x32], [0x18, 0x0A]),
        ] as [(RTPCodecParameters, [UInt8], [UInt8])] {
            let stage = try Stage()
            let source = try stage.transport("source", rtcpMux: true)
            try stage.produce("video", on: source, parameters(codec, []))
            try stage.receiver("c", of: "video", at: 5000)
            for (number, payload) in [inter, inter, key, inter].enumerated() {
                stage.feed(
                    try Packets.rtp(
                        payloadType: codec.payloadType, sequence: number, timestamp: UInt32(number * 3000),
                        payload: payload), on: source.rtp)
            }
            #expect(stage.media(to: 5000).map(\.payload) == [key, inter], "\(codec.mimeType)")
        }
    }

    @Test func `a long dependency descriptor is kept in the two-byte form, beside the MID`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce(
            "video", on: source, parameters(Self.av1, [(.dependencyDescriptor, 12), (.videoOrientation, 3)]))
        try stage.receiver("c", of: "video", at: 5000, Parameters.everythingWithMID)
        let structure = (0..<30).map { UInt8($0) }
        let orientation = RTPHeaderWriter.Extension(id: 3, data: [0x02])
        let packets: [(UInt8, [RTPHeaderWriter.Extension])] = [
            (0x18, [.init(id: 12, data: structure), orientation]),
            (0x10, [.init(id: 12, data: [1, 2, 3]), orientation]),
        ]
        for (number, (first, extensions)) in packets.enumerated() {
            stage.feed(
                try Packets.rtp(
                    payloadType: 45, sequence: number, timestamp: 1, extensions: extensions, payload: [first, 0x0A]),
                on: source.rtp)
        }
        let media = stage.media(to: 5000)
        try #require(media.count == 2)
        let headers = try media.map { try #require($0.header) }
        #expect(headers.map(\.extensionProfile) == [0x1000, 0xBEDE])
        for (place, expected) in [structure, [1, 2, 3]].enumerated() {
            let bytes = media[place].bytes
            func element(_ id: UInt8) -> [UInt8]? {
                headers[place].headerExtension(id: id, in: bytes.span.bytes).map {
                    Array(bytes[$0.offset..<$0.offset + $0.length])
                }
            }
            #expect(element(8) == expected)
            #expect(element(11) == [0x02])
            #expect(element(1) == Array("0".utf8))
            #expect(media[place].payload == [place == 0 ? 0x18 : 0x10, 0x0A])
        }
    }
}
