import Base
import RTP

func fuzzRTPHeader(_ packet: RawSpan) {
    _ = PacketKind.of(packet)
    guard let header = try? RTPHeader(parsing: packet) else { return }
    precondition(
        header.payloadOffset + header.payloadLength + Int(header.paddingLength) == packet.byteCount,
        "header, payload and padding are the packet")
    let sources = (0..<Int(header.csrcCount)).map { header.csrc($0, in: packet) }

    var elements: [RTPHeaderWriter.Extension] = []
    var cursor = RTPHeaderExtensionCursor(header)
    var end = header.extensionOffset
    while let element = cursor.next(in: packet) {
        precondition(element.offset >= end, "elements follow one another")
        end = element.offset + element.length
        precondition(end <= header.payloadOffset, "an element lies in the extension")
        elements.append(.init(id: element.id, data: array(packet.extracting(element.offset..<end))))
        precondition(header.headerExtension(id: element.id, in: packet) != nil, "an element is found by its id")
    }
    let written = RTPHeaderWriter(
        payloadType: header.payloadType, marker: header.marker, sequenceNumber: header.sequenceNumber,
        timestamp: header.timestamp, ssrc: header.ssrc, contributingSources: sources, extensions: elements,
        paddingLength: header.paddingLength)
    guard let bytes = try? written.packet(payload: array(packet.extracting(header.payloadRange))) else { return }
    guard let again = try? RTPHeader(parsing: bytes.span.bytes) else {
        preconditionFailure("what we wrote can be read")
    }
    precondition(
        again.ssrc == header.ssrc && again.sequenceNumber == header.sequenceNumber
            && again.timestamp == header.timestamp && again.payloadType == header.payloadType
            && again.marker == header.marker && again.csrcCount == header.csrcCount
            && again.payloadLength == header.payloadLength && again.paddingLength == header.paddingLength,
        "what we wrote is what we read")
    var count = 0
    var second = RTPHeaderExtensionCursor(again)
    while let element = second.next(in: bytes.span.bytes) {
        precondition(
            count < elements.count && element.id == elements[count].id
                && array(bytes.span.bytes.extracting(element.offset..<element.offset + element.length))
                    == elements[count].data,
            "elements are written as they were read")
        count += 1
    }
    precondition(count == elements.count, "all elements are written")
}

/// Datagrams behind their lengths, as recorded captures are kept.
func fuzzPayloads(_ bytes: RawSpan, _ codec: PayloadCodec) {
    var depacketizer = Depacketizer(codec: codec)
    var unwrapper = SequenceUnwrapper()
    var reader = PacketLayersReader(frameMarkingID: 6, dependencyDescriptorID: 8)
    var units: [AccessUnit] = []
    var (input, output) = (0, 0)
    var offset = 0
    while offset + 2 <= bytes.byteCount {
        let length = Int(bytes.uint16(at: offset))
        let end = min(offset + 2 + length, bytes.byteCount)
        let packet = bytes.extracting(offset + 2..<end)
        offset = end
        guard let header = try? RTPHeader(parsing: packet) else {
            // Not a packet: taken for a bare payload, which is what mutations mostly leave.
            look(into: packet, codec)
            continue
        }
        let payload = packet.extracting(header.payloadRange)
        look(into: payload, codec)
        let layers = reader.layers(of: packet, header, codec: codec)
        precondition(layers.spatial <= 7 && layers.temporal <= 7, "layers are 0 to 7")
        input += payload.byteCount
        depacketizer?.receive(
            payload, of: header, index: unwrapper.unwrap(header.sequenceNumber), into: &units)
        output += units.reduce(0) { $0 + $1.bytes.count }
        units.removeAll(keepingCapacity: true)
        _ = depacketizer?.needsKeyFrame
    }
    depacketizer?.end(into: &units)
    output += units.reduce(0) { $0 + $1.bytes.count }
    // A frame is its payloads, with start codes (H264: 4 bytes for each unit of at least 3) and a superframe index
    // (VP9: at most 34 bytes). H264 parameter sets may stand again before each picture that came without: quadratic in
    // the input, and bounded by it.
    precondition(output <= input * max(64, input), "frames grow beyond what came in")
}

private func look(into payload: RawSpan, _ codec: PayloadCodec) {
    let isKeyFrame = KeyFrame.isKeyFrame(codec: codec, payload: payload)
    switch codec {
    case .vp8:
        if let descriptor = try? VP8PayloadDescriptor(parsing: payload) {
            precondition(descriptor.length <= payload.byteCount, "a descriptor lies in its payload")
            precondition(
                descriptor.pictureID == nil
                    || descriptor.pictureIDOffset + (descriptor.hasLongPictureID ? 2 : 1) <= descriptor.length,
                "a picture id lies in its descriptor")
        } else {
            precondition(!isKeyFrame)
        }
    case .vp9:
        if let descriptor = try? VP9PayloadDescriptor(parsing: payload) {
            precondition(descriptor.length <= payload.byteCount, "a descriptor lies in its payload")
        } else {
            precondition(!isKeyFrame)
        }
    case .h264: precondition(!isKeyFrame || payload.byteCount > 0)
    case .h265: precondition(!isKeyFrame || payload.byteCount >= 3, "a key frame has a unit's header and a byte of it")
    default: precondition(!isKeyFrame)
    }
}

func array(_ bytes: RawSpan) -> [UInt8] {
    var array: [UInt8] = []
    array.reserveCapacity(bytes.byteCount)
    for offset in 0..<bytes.byteCount { array.append(bytes.uint8(at: offset)) }
    return array
}
