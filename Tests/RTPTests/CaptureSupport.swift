import Base
import RTP
import TestSupport

/// A recorded conversation: datagrams in order of arrival.
struct Capture {
    var rtp: [[UInt8]] = []
    var rtcp: [[UInt8]] = []

    /// From Tests/Vectors/rtp: each datagram behind its length (RFC 4571).
    init(_ name: String) throws {
        let bytes = try Vectors.bytes("rtp/\(name).rtp4571")
        var offset = 0
        while offset + 2 <= bytes.count {
            let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
            let datagram = Array(bytes[offset + 2..<offset + 2 + length])
            switch PacketKind.of(datagram.span.bytes) {
            case .rtp: rtp.append(datagram)
            case .rtcp: rtcp.append(datagram)
            case .other: throw CaptureError.unknownDatagram(at: offset)
            }
            offset += 2 + length
        }
    }
}

func header(of packet: [UInt8]) throws(RTPParseError) -> RTPHeader { try RTPHeader(parsing: packet.span.bytes) }

enum CaptureError: Error { case unknownDatagram(at: Int) }

/// Depacketizes `packets`, whose sequence numbers decide the index.
func depacketize(_ packets: [[UInt8]], as codec: PayloadCodec) throws -> (units: [AccessUnit], needsKeyFrame: Bool) {
    guard var depacketizer = Depacketizer(codec: codec) else { return ([], false) }
    var units: [AccessUnit] = []
    var unwrapper = SequenceUnwrapper()
    for packet in packets {
        let span = packet.span.bytes
        let header = try RTPHeader(parsing: span)
        depacketizer.receive(
            span.extracting(header.payloadRange), of: header, index: unwrapper.unwrap(header.sequenceNumber),
            into: &units)
    }
    let needsKeyFrame = depacketizer.needsKeyFrame
    depacketizer.end(into: &units)
    return (units, needsKeyFrame)
}

/// The frames of an IVF file: a 32-byte head, then frames behind a 12-byte head (length, little-endian, and time).
func ivfFrames(_ name: String) throws -> [[UInt8]] {
    let bytes = try Vectors.bytes("rtp/\(name).ivf")
    var frames: [[UInt8]] = []
    var offset = 32
    while offset + 12 <= bytes.count {
        let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        frames.append(Array(bytes[offset + 12..<offset + 12 + length]))
        offset += 12 + length
    }
    return frames
}

/// The NAL units of an Annex B stream, without start codes and without the zeros before them.
func nalUnits(_ bytes: [UInt8]) -> [[UInt8]] {
    var units: [[UInt8]] = []
    var start: Int?
    var position = 0
    while position + 3 <= bytes.count {
        if bytes[position] == 0, bytes[position + 1] == 0, bytes[position + 2] == 1 {
            if let start { units.append(trimmed(bytes[start..<position])) }
            start = position + 3
            position += 3
        } else {
            position += 1
        }
    }
    if let start { units.append(trimmed(bytes[start...])) }
    return units
}

private func trimmed(_ unit: ArraySlice<UInt8>) -> [UInt8] {
    var unit = unit
    while unit.last == 0 { unit.removeLast() }
    return Array(unit)
}

/// The packets of the first stream of an Ogg file (RFC 3533), its two header packets left out.
func oggPackets(_ name: String) throws -> [[UInt8]] {
    let bytes = try Vectors.bytes("rtp/\(name).ogg")
    var packets: [[UInt8]] = []
    var packet: [UInt8] = []
    var offset = 0
    while offset + 27 <= bytes.count {
        let segments = bytes[offset + 27..<offset + 27 + Int(bytes[offset + 26])]
        offset += 27 + segments.count
        for length in segments {
            packet += bytes[offset..<offset + Int(length)]
            offset += Int(length)
            if length < 255 {
                packets.append(packet)
                packet = []
            }
        }
    }
    return Array(packets.dropFirst(2))
}
