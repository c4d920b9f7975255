import Base

/// VP8 (RFC 7741): a frame is its payloads without their descriptors, one behind the other.
public struct VP8Depacketizer: Sendable {
    private var assembly = FrameAssembly()

    public init() {}

    public var needsKeyFrame: Bool { assembly.needsKeyFrame }

    public mutating func receive(
        _ payload: RawSpan, of header: RTPHeader, index: Int64, into units: inout [AccessUnit]
    ) {
        assembly.receive(
            index: index, timestamp: header.timestamp, marker: header.marker, isEmpty: payload.byteCount == 0,
            into: &units
        ) { bytes in
            guard let descriptor = try? VP8PayloadDescriptor(parsing: payload),
                descriptor.length < payload.byteCount
            else { return FramePart(startsFrame: false, isWhole: false) }
            let isKeyFrame = bytes.isEmpty && KeyFrame.isKeyFrame(codec: .vp8, payload: payload)
            // A second start in one frame: the end of the one before is missing, and its timestamp is the same.
            let isWhole = bytes.isEmpty || !descriptor.startsFrame
            bytes.append(payload, descriptor.length..<payload.byteCount)
            return FramePart(startsFrame: descriptor.startsFrame, isKeyFrame: isKeyFrame, isWhole: isWhole)
        }
    }

    public mutating func end(into units: inout [AccessUnit]) { assembly.end(into: &units) }
}
