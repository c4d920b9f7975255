import Base
import RTP

/// Dependency descriptors of one stream, each behind its length in two bytes: read alone, and as a header extension of a
/// packet among its layers. Both have to tell the same.
func fuzzDependencyDescriptors(_ bytes: RawSpan) {
    var input = FuzzInput(bytes)
    var reader = DependencyDescriptorReader()
    var layersReader = PacketLayersReader(dependencyDescriptorID: 8)
    var sequence: UInt16 = 0
    while !input.isAtEnd {
        let data = input.datagram()
        let packet = [0xFF] + data + [0xFF]
        let element = RTPHeaderExtension(id: 8, offset: 1, length: data.count)
        let descriptor = reader.read(element, in: packet.span.bytes)
        if let descriptor { check(descriptor, reader) }
        // What no header can carry is not looked for in one, but may have told a structure.
        guard !data.isEmpty, data.count <= 255 else {
            layersReader = PacketLayersReader(dependencyDescriptorID: 8)
            reader = DependencyDescriptorReader()
            continue
        }
        sequence &+= 1
        let writer = RTPHeaderWriter(
            payloadType: 45, marker: false, sequenceNumber: sequence, timestamp: UInt32(sequence), ssrc: 1,
            extensions: [.init(id: 8, data: data)])
        // Z: no payload says by itself that a key frame begins.
        guard let datagram = try? writer.packet(payload: [0x90, 0]),
            let header = try? RTPHeader(parsing: datagram.span.bytes)
        else { preconditionFailure("an element of this length can be written and read") }
        let layers = layersReader.layers(of: datagram.span.bytes, header, codec: .av1)
        guard let descriptor else {
            precondition(layers.spatial == 0 && layers.temporal == 0, "what can't be read says nothing of layers")
            continue
        }
        precondition(
            layers.spatial == descriptor.spatialLayer && layers.temporal == descriptor.temporalLayer
                && layers.startsFrame == descriptor.startsFrame && layers.endsFrame == descriptor.endsFrame
                && layers.isInterPicturePredicted == descriptor.isInterPicturePredicted,
            "a packet's layers are those of its descriptor")
        precondition(!layers.startsKeyFrame || descriptor.hasStructure, "key frames tell their structure")
        precondition(!layers.isSwitchPoint || layers.temporal > 0, "one switches up to upper layers")
    }
}

private func check(_ descriptor: DependencyDescriptor, _ reader: DependencyDescriptorReader) {
    precondition(
        descriptor.spatialLayer < 4 && Int(descriptor.spatialLayer) < reader.spatialLayers
            && descriptor.temporalLayer < 8 && Int(descriptor.temporalLayer) < reader.temporalLayers,
        "a frame's layers are among those of the structure")
    let count = descriptor.decodeTargetCount
    precondition((1...32).contains(count) && count == reader.decodeTargetCount, "there are 1 to 32 decode targets")
    precondition(
        UInt64(descriptor.activeDecodeTargets ?? 0) < 1 << UInt64(count), "only targets that there are can be active")
    for target in 0..<count {
        guard let layers = reader.layers(ofDecodeTarget: target) else {
            preconditionFailure("each decode target has its layers")
        }
        precondition(
            Int(layers.spatial) < reader.spatialLayers && Int(layers.temporal) < reader.temporalLayers,
            "a target's layers are among those of the structure")
        _ = descriptor.indication(of: target)
    }
    precondition(
        reader.layers(ofDecodeTarget: count) == nil && descriptor.indication(of: count) == .notPresent,
        "beyond the targets there is none")
    precondition(
        !descriptor.isIndependent || !descriptor.isInterPicturePredicted, "who references nothing is not predicted")
}
