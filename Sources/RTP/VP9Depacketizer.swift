import Base

/// VP9 (RFC 9628): a picture is the payloads of its layer frames without their descriptors.
///
/// Layer frames of one picture share a timestamp. More than one of them are written as a superframe (VP9 bitstream
/// specification, annex B): containers and most decoders know no other way to keep them together.
public struct VP9Depacketizer: Sendable {
    private var assembly = FrameAssembly()
    /// Where the layer frames of the open picture begin.
    private var layers: [Int] = []

    public init() {}

    public var needsKeyFrame: Bool { assembly.needsKeyFrame }

    public mutating func receive(
        _ payload: RawSpan, of header: RTPHeader, index: Int64, into units: inout [AccessUnit]
    ) {
        var layers = layers
        assembly.receive(
            index: index, timestamp: header.timestamp, marker: header.marker, isEmpty: payload.byteCount == 0,
            into: &units
        ) { bytes in
            if bytes.isEmpty { layers = [] }
            guard let descriptor = try? VP9PayloadDescriptor(parsing: payload),
                descriptor.length < payload.byteCount
            else { return FramePart(startsFrame: false, isWhole: false) }
            let isKeyFrame = bytes.isEmpty && Self.startsKeyFrame(descriptor, payload)
            if descriptor.startsFrame { layers.append(bytes.count) }
            bytes.append(payload, descriptor.length..<payload.byteCount)
            // With the marker the picture is whole: the index goes behind its last layer frame.
            if header.marker, layers.count > 1 { Self.appendSuperframeIndex(layers, to: &bytes) }
            return FramePart(
                startsFrame: descriptor.startsFrame && descriptor.spatialLayer == 0, isKeyFrame: isKeyFrame)
        }
        self.layers = layers
    }

    public mutating func end(into units: inout [AccessUnit]) { assembly.end(into: &units) }

    /// The descriptor's word and the frame header's: some packetizers (ffmpeg's) never set P.
    private static func startsKeyFrame(_ descriptor: VP9PayloadDescriptor, _ payload: RawSpan) -> Bool {
        !descriptor.isInterPicturePredicted && descriptor.startsFrame && descriptor.spatialLayer == 0
            && VP9FrameHeader.isKeyFrame(payload.uint8(at: descriptor.length))
    }

    /// marker | sizes, little-endian | marker; the marker is 110, bytes per size − 1 (2 bits), frames − 1 (3 bits).
    private static func appendSuperframeIndex(_ layers: [Int], to bytes: inout [UInt8]) {
        guard layers.count <= 8, layers[0] == 0 else { return }
        let sizes = zip(layers, layers.dropFirst() + [bytes.count]).map { $1 - $0 }
        let marker = 0xC0 | 3 << 3 | UInt8(layers.count - 1)
        bytes.append(marker)
        for size in sizes {
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: size >> shift)) }
        }
        bytes.append(marker)
    }
}

/// The beginning of a VP9 frame (VP9 bitstream specification §6.2).
enum VP9FrameHeader {
    /// frame_marker (2 bits: 10), profile (2 bits), one reserved bit in profile 3, show_existing_frame, frame_type.
    static func isKeyFrame(_ first: UInt8) -> Bool {
        guard first >> 6 == 0b10 else { return false }
        let skipped: UInt8 = first & 0x30 == 0x30 ? 1 : 0
        // Neither "show an existing frame" nor a frame_type of 1.
        return first & (0x0C >> skipped) == 0
    }
}
