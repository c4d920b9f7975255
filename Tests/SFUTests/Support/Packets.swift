import Base
import RTCP
import RTP
import SFU

/// Packets as encoders make them.
enum Packets {
    /// A VP8 payload: descriptor, then a frame tag whose lowest bit tells key frames (0) from others.
    static func vp8Payload(isKeyFrame: Bool, startsFrame: Bool = true, size: Int = 100) -> [UInt8] {
        var payload: [UInt8] = [startsFrame ? 0x10 : 0x00, isKeyFrame ? 0x10 : 0x11]
        payload += (0..<max(0, size - 2)).map { UInt8(truncatingIfNeeded: $0) }
        return payload
    }

    static func rtp(
        payloadType: UInt8 = 96, marker: Bool = false, sequence: Int, timestamp: UInt32 = 0, ssrc: UInt32 = 2222,
        extensions: [RTPHeaderWriter.Extension] = [], padding: UInt8 = 0, payload: [UInt8]
    ) throws -> [UInt8] {
        try RTPHeaderWriter(
            payloadType: payloadType, marker: marker, sequenceNumber: UInt16(truncatingIfNeeded: sequence),
            timestamp: timestamp, ssrc: ssrc, extensions: extensions, paddingLength: padding
        ).packet(payload: payload)
    }

    static func senderReport(ssrc: UInt32, ntp: NTPTime, timestamp: UInt32) -> [UInt8] {
        write { rtcp, bytes in
            rtcp.senderReport(
                SenderInfo(ssrc: ssrc, ntp: ntp, rtpTimestamp: timestamp, packetCount: 1, octetCount: 1), into: &bytes)
        }
    }

    static func receiverReport(_ block: ReportBlock) -> [UInt8] {
        write { rtcp, bytes in
            rtcp.receiverReport(ssrc: 1, into: &bytes)
            rtcp.reportBlock(block, into: &bytes)
        }
    }

    static func pictureLoss(ssrc: UInt32) -> [UInt8] {
        write { rtcp, bytes in rtcp.pictureLoss(senderSSRC: 1, mediaSSRC: ssrc, into: &bytes) }
    }

    static func write(_ body: (inout RTCPBuilder, inout MutableRawSpan) -> Void) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1500)
        var rtcp = RTCPBuilder()
        do {
            var span = buffer.mutableSpan
            var bytes = span.mutableBytes
            body(&rtcp, &bytes)
        }
        return Array(buffer.prefix(rtcp.length))
    }
}

/// One datagram that the engine sent.
struct Sent: Sendable, CustomStringConvertible {
    var socket: SocketID
    var destination: SocketAddress
    var bytes: [UInt8]

    var isRTCP: Bool { bytes.count > 1 && (192...223).contains(bytes[1]) }
    var header: RTPHeader? { try? RTPHeader(parsing: bytes.span.bytes) }
    var sequence: Int { Int(header?.sequenceNumber ?? 0) }
    var timestamp: UInt32 { header?.timestamp ?? 0 }
    var payload: [UInt8] { header.map { Array(bytes[$0.payloadRange]) } ?? [] }
    var isVP8KeyFrame: Bool { KeyFrame.isKeyFrame(codec: .vp8, payload: payload.span.bytes) }
    var description: String { isRTCP ? "RTCP to \(destination)" : "#\(sequence) @\(timestamp) to \(destination)" }

    /// The packets of an RTCP compound.
    var packets: [RTCPPacket] {
        guard isRTCP, var compound = try? RTCPCompound(validating: bytes.span.bytes) else { return [] }
        var packets: [RTCPPacket] = []
        while let packet = try? compound.next(in: bytes.span.bytes) { packets.append(packet) }
        return packets
    }

    var senderInfos: [SenderInfo] {
        packets.compactMap { if case .senderReport(let report) = $0 { report.info } else { nil } }
    }

    var isPictureLoss: Bool { packets.contains { if case .pictureLoss = $0 { true } else { false } } }
    var isFullIntraRequest: Bool { packets.contains { if case .fullIntraRequest = $0 { true } else { false } } }
}
