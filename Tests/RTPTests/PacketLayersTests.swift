import Base
import RTP
import TestSupport
import Testing

/// Packets around a payload, and what the reader says of them.
struct LayerProbe {
    var reader = PacketLayersReader()
    var codec: PayloadCodec

    init(_ codec: PayloadCodec, frameMarkingID: UInt8 = 0, dependencyDescriptorID: UInt8 = 0) {
        self.codec = codec
        reader = PacketLayersReader(frameMarkingID: frameMarkingID, dependencyDescriptorID: dependencyDescriptorID)
    }

    mutating func read(
        _ payload: [UInt8], marker: Bool = false, timestamp: UInt32 = 0,
        extensions: [RTPHeaderWriter.Extension] = []
    ) throws -> PacketLayers {
        let packet = try RTPHeaderWriter(
            payloadType: 96, marker: marker, sequenceNumber: 1, timestamp: timestamp, ssrc: 7, extensions: extensions
        ).packet(payload: payload)
        return try read(packet: packet)
    }

    mutating func read(packet: [UInt8]) throws -> PacketLayers {
        let span = packet.span.bytes
        return reader.layers(of: span, try RTPHeader(parsing: span), codec: codec)
    }
}

/// Layers as text, so that tables can be read: `s1t2` and the flags that are set.
func told(_ layers: PacketLayers) -> String {
    var words = ["s\(layers.spatial)t\(layers.temporal)"]
    if layers.startsFrame { words.append("start") }
    if layers.endsFrame { words.append("end") }
    if layers.startsKeyFrame { words.append("key") }
    if layers.isSwitchPoint { words.append("switch") }
    if layers.isInterPicturePredicted { words.append("inter") }
    if layers.isNotReferenceForUpperLayers { words.append("unreferenced") }
    if layers.hasPictureID { words.append("id") }
    if layers.isDiscontinuous { words.append("dtx") }
    return words.joined(separator: " ")
}

@Suite struct PacketLayersTests {
    @Test(
        arguments: [
            ([0x10, 0x00], false, "s0t0 start key"),  // S, P = 0, no more in the descriptor
            ([0x10, 0x01], true, "s0t0 start end"),
            ([0x00, 0x01], true, "s0t0 end"),  // goes on
            ([0x11, 0x00], false, "s0t0"),  // another partition's start
            ([0x90, 0xE0, 0x85, 0x01, 0x07, 0x00, 0x00], false, "s0t0 start key id"),
            ([0x90, 0xE0, 0x85, 0x01, 0x07, 0x80, 0x01], false, "s0t2 start id"),
            ([0x90, 0xE0, 0x85, 0x01, 0x07, 0x60, 0x01], false, "s0t1 start switch id"),  // Y
            ([0x80, 0xE0, 0x85, 0x01, 0x07, 0x60, 0x01], false, "s0t1 switch id"),
            ([0x90, 0x20, 0xC0, 0x01], false, "s0t3 start"),  // TID alone
            ([0x90, 0x10, 0xFF, 0x01], false, "s0t0 start"),  // KEYIDX alone: no TID, no Y
            ([0x90, 0xE0, 0x85], false, "s0t0"),  // cut
            ([], true, "s0t0"),
        ] as [([UInt8], Bool, String)])
    func `VP8`(payload: [UInt8], marker: Bool, expected: String) throws {
        var probe = LayerProbe(.vp8)
        #expect(told(try probe.read(payload, marker: marker)) == expected)
    }

    @Test(
        arguments: [
            // Not flexible: I, L, B …; TID U SID D, TL0PICIDX.
            ([0xA8, 0x01, 0x00, 0x07, 0x00], false, "s0t0 start key"),
            ([0xE8, 0x01, 0x50, 0x07, 0x00], false, "s0t2 start switch inter"),  // P, TID 2, U
            ([0xE4, 0x01, 0x43, 0x07, 0x00], true, "s1t2 end inter"),  // E, SID 1, D
            ([0xAD, 0x01, 0x05, 0x07, 0x00], true, "s2t0 start end unreferenced"),  // Z, SID 2: no key frame's start
            ([0xE9, 0x01, 0x05, 0x07, 0x00], false, "s2t0 start inter unreferenced"),
            // Flexible: no TL0PICIDX, but P_DIFF.
            ([0xB8, 0x01, 0x00, 0x00], false, "s0t0 start key"),
            ([0xF8, 0x01, 0x32, 0x02, 0x00], false, "s1t1 start switch inter"),
            ([0xF0, 0x01, 0x32, 0x03, 0x04, 0x00], false, "s1t1 switch inter"),
            ([0xF4, 0x01, 0x22, 0x02, 0x00], false, "s1t1 end inter"),
            // Without layer indices.
            ([0x88, 0x01, 0x00], true, "s0t0 start end key"),
            ([0xC8, 0x01], false, "s0t0 start inter"),
            ([0xA8, 0x01, 0x00], false, "s0t0"),  // cut
            ([], false, "s0t0"),
        ] as [([UInt8], Bool, String)])
    func `VP9`(payload: [UInt8], marker: Bool, expected: String) throws {
        var probe = LayerProbe(.vp9)
        #expect(told(try probe.read(payload, marker: marker)) == expected)
    }

    @Test(
        arguments: [
            ([0xA0, 0x00, 0x05], false, "s0t0 start key"),  // S, I
            ([0x80, 0x00, 0x05], false, "s0t0 start"),
            ([0x20, 0x00, 0x05], false, "s0t0"),  // I, not the start
            ([0x52, 0x00, 0x05], false, "s0t2 end"),  // E, D, TID 2
            ([0x8A, 0x00, 0x05], false, "s0t2 start switch"),  // B
            ([0x02, 0x10], true, "s1t2 end"),  // two bytes, DID 1, marker
            ([0x81, 0xF0, 0x05], false, "s7t1 start"),  // the reserved bit of LID does not count
            ([0xC0], false, "s0t0 start end"),  // one byte: no layers
        ] as [([UInt8], Bool, String)])
    func `H264 with frame marking`(marking: [UInt8], marker: Bool, expected: String) throws {
        var probe = LayerProbe(.h264, frameMarkingID: 6)
        let element = RTPHeaderWriter.Extension(id: 6, data: marking)
        #expect(told(try probe.read([0x61, 0x00], marker: marker, extensions: [element])) == expected)
        // Under another id it is none of ours.
        var other = LayerProbe(.h264, frameMarkingID: 7)
        #expect(try other.read([0x61, 0x00], extensions: [element]).temporal == 0)
    }

    @Test func `H264 without frame marking has frames by timestamp and marker`() throws {
        var probe = LayerProbe(.h264)
        #expect(told(try probe.read([0x67, 0x42], timestamp: 3000)) == "s0t0 start key")
        #expect(told(try probe.read([0x68, 0x42], timestamp: 3000)) == "s0t0")
        #expect(told(try probe.read([0x65, 0x42], marker: true, timestamp: 3000)) == "s0t0 end")
        #expect(told(try probe.read([0x61, 0x42], timestamp: 6000)) == "s0t0 start")
        // A late packet of the frame before.
        #expect(told(try probe.read([0x61, 0x42], timestamp: 3000)) == "s0t0")
        // The clock wraps.
        for timestamp: UInt32 in [0x7000_0000, 0xE000_0000] { _ = try probe.read([0x61, 0x42], timestamp: timestamp) }
        #expect(told(try probe.read([0x61, 0x42], timestamp: .max - 10)) == "s0t0 start")
        #expect(told(try probe.read([0x61, 0x42], marker: true, timestamp: 2990)) == "s0t0 start end")
        #expect(told(try probe.read([0x61, 0x42], timestamp: .max - 10)) == "s0t0")
    }

    @Test(
        arguments: [
            // The payload header is type << 1, LayerId 0, TID + 1.
            ([0x40, 0x01, 0x0C], "s0t0 start key"),  // VPS
            ([0x42, 0x01, 0x01], "s0t0 start key"),  // SPS
            ([0x44, 0x01, 0xC1], "s0t0 start key"),  // PPS
            ([0x26, 0x01, 0xAF], "s0t0 start key"),  // IDR_W_RADL, first slice
            ([0x26, 0x01, 0x2F], "s0t0 start"),  // a later slice of it
            ([0x2A, 0x01, 0x80], "s0t0 start key"),  // CRA
            ([0x20, 0x01, 0x80], "s0t0 start key"),  // BLA_W_LP
            ([0x2C, 0x01, 0x80], "s0t0 start"),  // 22 is reserved
            ([0x02, 0x01, 0x80], "s0t0 start"),  // TRAIL_R
            ([0x02, 0x03, 0x80], "s0t2 start"),
            ([0x04, 0x02, 0x80], "s0t1 start switch"),  // TSA_N
            ([0x0A, 0x03, 0x80], "s0t2 start switch"),  // STSA_R
            ([0x0A, 0x01, 0x80], "s0t0 start"),  // in the base layer it means nothing
            // Aggregation: sizes, then units.
            ([0x60, 0x01, 0x00, 0x03, 0x46, 0x01, 0x50, 0x00, 0x03, 0x40, 0x01, 0x0C], "s0t0 start key"),  // AUD, VPS
            ([0x60, 0x02, 0x00, 0x03, 0x46, 0x02, 0x50, 0x00, 0x03, 0x08, 0x02, 0x80], "s0t1 start switch"),
            ([0x60, 0x01, 0x00, 0x03, 0x02, 0x01, 0x80], "s0t0 start"),
            ([0x60, 0x01, 0xFF, 0xFF, 0x02, 0x01, 0x80], "s0t0 start"),
            ([0x60, 0x01, 0x00], "s0t0 start"),
            // Fragments: S, E, type.
            ([0x62, 0x01, 0x93, 0x80], "s0t0 start key"),  // start of an IDR's first slice
            ([0x62, 0x01, 0x13, 0x80], "s0t0 start"),  // goes on
            ([0x62, 0x01, 0x53, 0x80], "s0t0 start"),  // its end
            ([0x62, 0x02, 0x83, 0x80], "s0t1 start switch"),  // TSA_R
            ([0x62, 0x01, 0x93], "s0t0 start"),  // cut
            ([0x40, 0x00, 0x0C], "s0t0 start key"),  // TID 0 is forbidden
            ([0x40], "s0t0 start"), ([], "s0t0 start"),
        ] as [([UInt8], String)])
    func `H265`(payload: [UInt8], expected: String) throws {
        var probe = LayerProbe(.h265)
        #expect(told(try probe.read(payload)) == expected)
        #expect(KeyFrame.isKeyFrame(codec: .h265, payload: payload.span.bytes) == expected.contains("key"))
    }

    @Test func `AV1 without a dependency descriptor`() throws {
        var probe = LayerProbe(.av1)
        #expect(told(try probe.read([0x18, 0x0A], timestamp: 3000)) == "s0t0 start key")  // N
        #expect(told(try probe.read([0x90, 0x0A], marker: true, timestamp: 3000)) == "s0t0 end")  // Z
        #expect(told(try probe.read([0x10, 0x32], marker: true, timestamp: 6000)) == "s0t0 start end")
        #expect(told(try probe.read([0x98, 0x32], timestamp: 6000)) == "s0t0")  // Z and N exclude each other
        #expect(told(try probe.read([], timestamp: 9000)) == "s0t0 start")
    }

    @Test(
        arguments: [
            ([0x78], true), ([0x79], true), ([0xF8], true),  // codes 0 and 1 alone
            ([0x78, 0x00], false), ([0x79, 0x00], false),
            ([0x7A, 0x00], true), ([0x7A], false), ([0x7A, 0x01, 0x00], false),  // code 2 with its length
            ([0x7B, 0x00], false), ([0x7B], false),  // code 3
            ([], false),
        ] as [([UInt8], Bool)])
    func `Opus without sound is discontinuous transmission`(payload: [UInt8], expected: Bool) throws {
        var probe = LayerProbe(.opus)
        #expect(told(try probe.read(payload)) == (expected ? "s0t0 start end dtx" : "s0t0 start end"))
    }

    @Test func `other codecs have frames by timestamp and marker`() throws {
        var probe = LayerProbe(.other)
        #expect(told(try probe.read([1], timestamp: 1)) == "s0t0 start")
        #expect(told(try probe.read([1], marker: true, timestamp: 1)) == "s0t0 end")
    }

    @Test(arguments: [PayloadCodec.vp8, .vp9, .h264, .h265, .av1, .opus, .other])
    func `random packets never trap`(codec: PayloadCodec) throws {
        let seed: UInt64 = 77
        var generator = SeededGenerator(seed: seed)
        var probe = LayerProbe(codec, frameMarkingID: 6, dependencyDescriptorID: 8)
        var kinds: Set<PacketLayers> = []
        for round in 0..<20_000 {
            let payload = (0..<Int.random(in: 0...16, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let data = (0..<Int.random(in: 1...16, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let id = Bool.random(using: &generator) ? UInt8(6) : 8
            let layers = try probe.read(
                payload, timestamp: UInt32.random(in: 0...255, using: &generator),
                extensions: round % 3 == 0 ? [.init(id: id, data: data)] : [])
            #expect(layers.spatial <= 7 && layers.temporal <= 7)
            kinds.insert(layers)
        }
        // Opus knows two kinds; layers and flags of the others vary.
        #expect(kinds.count >= 2, "seed \(seed)")
    }
}
