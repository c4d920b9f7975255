import Base

/// Tells where the packets of one stream stand among its layers, by payload descriptors and header extensions.
/// One per received stream; it remembers what some codecs say once for many packets.
///
/// It never allocates, and broken payloads give a packet without layers in the midst of a frame.
///
/// | codec | layers | start and end of a frame | switch point |
/// |---|---|---|---|
/// | VP8 | TID | S of partition 0, marker | Y |
/// | VP9 | SID, TID | B, E | U |
/// | H264 | frame marking: LID, TID | frame marking, else a new timestamp, marker | B |
/// | H265 | TID of the payload header | a new timestamp, marker | TSA, STSA |
/// | AV1 | dependency descriptor | dependency descriptor, else a new timestamp, marker | dependency descriptor |
/// | others | none | a new timestamp, marker; of audio each packet is both | – |
public struct PacketLayersReader: Sendable {
    private let frameMarkingID: UInt8
    private let dependencyDescriptorID: UInt8
    /// Of the newest packet: where payloads don't tell, a frame begins with its timestamp.
    private var newestTimestamp: UInt32?
    /// Of the key frame that told the structure of dependency descriptors.
    private var structureTimestamp: UInt32?
    /// What the dependency descriptors of the stream told.
    public private(set) var dependencies = DependencyDescriptorReader()

    /// - Parameters:
    ///   - frameMarkingID: The sender's id of the header extension; 0: not negotiated.
    ///   - dependencyDescriptorID: Likewise.
    public init(frameMarkingID: UInt8 = 0, dependencyDescriptorID: UInt8 = 0) {
        self.frameMarkingID = frameMarkingID
        self.dependencyDescriptorID = dependencyDescriptorID
    }

    /// To be called once for each packet of the stream, in order of arrival.
    /// - Parameters:
    ///   - codec: Of the packet's payload type.
    ///   - header: Of this packet, as it came: offsets and extension ids are the sender's.
    public mutating func layers(of packet: RawSpan, _ header: RTPHeader, codec: PayloadCodec) -> PacketLayers {
        let payload = packet.extracting(header.payloadRange)
        let isNewFrame = takeTimestamp(header.timestamp)
        switch codec {
        case .vp8: return Self.vp8(payload, isLast: header.marker)
        case .vp9: return Self.vp9(payload, isLast: header.marker)
        case .h264: return h264(packet, header, payload, isNewFrame: isNewFrame)
        case .h265:
            var layers = PacketLayers(spatial: 0, temporal: H265.temporalLayer(payload) ?? 0)
            layers.startsKeyFrame = KeyFrame.isKeyFrame(codec: .h265, payload: payload)
            layers.startsFrame = isNewFrame || layers.startsKeyFrame
            layers.endsFrame = header.marker
            layers.isSwitchPoint = layers.temporal > 0 && H265.isSwitchPoint(payload)
            return layers
        case .av1: return av1(packet, header, payload, isNewFrame: isNewFrame)
        case .opus:
            var layers = PacketLayers()
            (layers.startsFrame, layers.endsFrame) = (true, true)
            layers.isDiscontinuous = OpusPacket.isDiscontinuous(payload)
            return layers
        case .other:
            var layers = PacketLayers()
            (layers.startsFrame, layers.endsFrame) = (isNewFrame, header.marker)
            return layers
        }
    }

    /// True for a timestamp that is newer than all before, which late packets are not.
    private mutating func takeTimestamp(_ timestamp: UInt32) -> Bool {
        if let newestTimestamp, timestamp == newestTimestamp || Self.isOlder(timestamp, than: newestTimestamp) {
            return false
        }
        newestTimestamp = timestamp
        return true
    }

    private static func isOlder(_ timestamp: UInt32, than other: UInt32) -> Bool {
        // Half a minute of video back: the sender started over.
        Int32(bitPattern: timestamp &- other) < 0 && other &- timestamp < 30 * 90_000
    }

    private static func vp8(_ payload: RawSpan, isLast: Bool) -> PacketLayers {
        guard let descriptor = try? VP8PayloadDescriptor(parsing: payload) else { return PacketLayers() }
        var layers = PacketLayers(spatial: 0, temporal: descriptor.temporalLayer ?? 0)
        layers.startsFrame = descriptor.startsFrame
        layers.endsFrame = isLast
        layers.startsKeyFrame = KeyFrame.isKeyFrame(codec: .vp8, payload: payload)
        layers.isSwitchPoint = descriptor.isLayerSync
        layers.hasPictureID = descriptor.pictureID != nil
        return layers
    }

    private static func vp9(_ payload: RawSpan, isLast: Bool) -> PacketLayers {
        guard let descriptor = try? VP9PayloadDescriptor(parsing: payload) else { return PacketLayers() }
        var layers = PacketLayers(spatial: descriptor.spatialLayer, temporal: descriptor.temporalLayer ?? 0)
        layers.startsFrame = descriptor.startsFrame
        layers.endsFrame = descriptor.endsFrame || isLast
        layers.startsKeyFrame = KeyFrame.isKeyFrame(codec: .vp9, payload: payload)
        layers.isSwitchPoint = descriptor.isSwitchingUpPoint
        layers.isInterPicturePredicted = descriptor.isInterPicturePredicted
        layers.isNotReferenceForUpperLayers = descriptor.isNotReferenceForUpperLayers
        return layers
    }

    private func h264(
        _ packet: RawSpan, _ header: RTPHeader, _ payload: RawSpan, isNewFrame: Bool
    ) -> PacketLayers {
        let startsKeyFrame = KeyFrame.isKeyFrame(codec: .h264, payload: payload)
        guard let marking = frameMarking(packet, header) else {
            var layers = PacketLayers()
            layers.startsKeyFrame = startsKeyFrame
            layers.startsFrame = isNewFrame || startsKeyFrame
            layers.endsFrame = header.marker
            return layers
        }
        var layers = PacketLayers(spatial: marking.h264SpatialLayer, temporal: marking.temporalLayer)
        layers.startsFrame = marking.startsFrame
        layers.endsFrame = marking.endsFrame || header.marker
        layers.startsKeyFrame = startsKeyFrame || (marking.startsFrame && marking.isIndependent)
        layers.isSwitchPoint = marking.isBaseLayerSync
        return layers
    }

    private mutating func av1(
        _ packet: RawSpan, _ header: RTPHeader, _ payload: RawSpan, isNewFrame: Bool
    ) -> PacketLayers {
        let startsKeyFrame = KeyFrame.isKeyFrame(codec: .av1, payload: payload)
        if dependencyDescriptorID != 0, header.hasExtension,
            let element = header.headerExtension(id: dependencyDescriptorID, in: packet),
            let descriptor = read(element, in: packet, header.timestamp)
        {
            var layers = dependencies.layers(of: descriptor)
            // Some senders mark each layer of a key picture; only with the lowest can a receiver begin.
            if startsKeyFrame, descriptor.spatialLayer == 0 { layers.startsKeyFrame = true }
            return layers
        }
        var layers = PacketLayers()
        layers.startsKeyFrame = startsKeyFrame
        layers.startsFrame = isNewFrame || startsKeyFrame
        layers.endsFrame = header.marker
        return layers
    }

    /// A structure that comes late, behind a newer one, is for its own packet only.
    private mutating func read(
        _ element: RTPHeaderExtension, in packet: RawSpan, _ timestamp: UInt32
    ) -> DependencyDescriptor? {
        if let structureTimestamp, Self.isOlder(timestamp, than: structureTimestamp) {
            var own = dependencies
            guard let descriptor = own.read(element, in: packet) else { return nil }
            if !descriptor.hasStructure { dependencies = own }
            return descriptor
        }
        let descriptor = dependencies.read(element, in: packet)
        if descriptor?.hasStructure ?? false { structureTimestamp = timestamp }
        return descriptor
    }

    private func frameMarking(_ packet: RawSpan, _ header: RTPHeader) -> FrameMarking? {
        guard frameMarkingID != 0, header.hasExtension else { return nil }
        return header.headerExtension(id: frameMarkingID, in: packet).flatMap { FrameMarking($0, in: packet) }
    }
}
