import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// A core with one router, and what most tests want of it.
struct Stage {
    let core: EmbeddedCore
    let router: RouterDescription

    init(_ configuration: MediaPlaneConfiguration = MediaPlaneConfiguration()) async throws {
        core = try EmbeddedCore(configuration)
        router = try await core.createRouter(mediaCodecs: nil)
    }

    init(_ core: EmbeddedCore, _ router: RouterDescription) {
        (self.core, self.router) = (core, router)
    }

    init(on core: EmbeddedCore) async throws {
        self.core = core
        router = try await core.createRouter(mediaCodecs: nil)
    }

    /// A transport that takes what comes, as the broadcaster API makes them.
    func inlet(rtcpMux: Bool = true) async throws -> PlainTransportDescription {
        try await core.createPlainTransport(on: router.id, PlainTransportOptions(rtcpMux: rtcpMux, comedia: true))
    }

    /// A transport that sends to that port of ours.
    func outlet(to port: UInt16) async throws -> PlainTransportDescription {
        let transport = try await core.createPlainTransport(on: router.id, PlainTransportOptions())
        return try await core.connect(transport.id, PlainTransportRemote(ip: core.configuration.listenIP, port: port))
    }

    /// Opus with payload type 111.
    func produceAudio(on transport: TransportID, ssrc: UInt32) async throws -> ProducerDescription {
        let opus = RTPCodecParameters(
            mimeType: "audio/opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: [:],
            rtcpFeedback: [])
        return try await core.produce(
            on: transport,
            ProduceOptions(
                kind: .audio,
                rtpParameters: RTPParameters(codecs: [opus], encodings: [RTPEncodingParameters(ssrc: ssrc)])))
    }

    func produceVideo(on transport: TransportID, ssrc: UInt32) async throws -> ProducerDescription {
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000, channels: nil, parameters: [:],
            rtcpFeedback: [])
        return try await core.produce(
            on: transport,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: ssrc)])))
    }

    func consume(_ producer: ProducerID, on transport: TransportID) async throws -> ConsumerDescription {
        try await core.consume(
            on: transport, ConsumeOptions(producer: producer, rtpCapabilities: router.rtpCapabilities))
    }
}

/// The fixed header of RFC 3550 §5.1 and the payload.
func rtpPacket(
    ssrc: UInt32, sequence: UInt16, timestamp: UInt32 = 0, payloadType: UInt8 = 111, marker: Bool = false,
    payload: [UInt8]
) -> [UInt8] {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
    return [0x80, (marker ? 0x80 : 0) | payloadType] + bytes(sequence) + bytes(timestamp) + bytes(ssrc) + payload
}

/// What a receiver sees of an RTP packet.
struct SeenPacket {
    let payloadType: UInt8
    let marker: Bool
    let sequence: UInt16
    let timestamp: UInt32
    let ssrc: UInt32
    let payload: ArraySlice<UInt8>

    /// Nil for RTCP and for what is no RTP.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 12, bytes[0] >> 6 == 2, !(192...223).contains(bytes[1]) else { return nil }
        func number(_ range: Range<Int>) -> UInt32 { bytes[range].reduce(0) { $0 << 8 | UInt32($1) } }
        (payloadType, marker) = (bytes[1] & 127, bytes[1] & 128 != 0)
        (sequence, timestamp, ssrc) = (UInt16(number(2..<4)), number(4..<8), number(8..<12))
        var start = 12 + 4 * Int(bytes[0] & 15)
        if bytes[0] & 0x10 != 0, bytes.count >= start + 4 {
            start += 4 + 4 * Int(number(start + 2..<start + 4))
        }
        guard start <= bytes.count else { return nil }
        payload = bytes[start...]
    }
}

extension TestSocket {
    /// The next RTP packet; RTCP is passed over. Nil after `patience`.
    func receiveRTP() -> SeenPacket? {
        while let (bytes, _) = receive() {
            if let packet = SeenPacket(bytes) { return packet }
        }
        return nil
    }
}
