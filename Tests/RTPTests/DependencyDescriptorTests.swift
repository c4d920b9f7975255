import Base
import RTP
import TestSupport
import Testing

/// Bytes of a text of bits, filled up with zeros; what is no 0 or 1 is left out.
func bits(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0 == "0" ? UInt8(0) : $0 == "1" ? 1 : nil }
    return stride(from: 0, to: digits.count, by: 8).map { start in
        (0..<8).reduce(0) { byte, place in
            byte << 1 | (start + place < digits.count ? digits[start + place] : 0)
        }
    }
}

private func number(_ value: Int, _ width: Int) -> String {
    String((0..<width).reversed().map { value >> $0 & 1 == 1 ? "1" : "0" })
}

private func head(start: Bool = true, end: Bool = true, template: Int, frame: Int) -> String {
    "\(start ? 1 : 0)\(end ? 1 : 0)\(number(template, 6))\(number(frame, 16))"
}

@Suite struct DependencyDescriptorTests {
    /// L1T3 as libwebrtc's encoder has it: targets T0, T0+T1, T0+T1+T2; pictures 0 2 1 2 | 0 2 1 2 …
    static let threeTemporal = [
        "000000 00010",  // template offset 0, 3 decode targets
        "00 01 01 00 11",  // layers: T0, again T0, T1, T2, again T2, no more
        "10 10 10  10 10 10  00 01 10  00 00 01  00 00 01",  // SSS SSS -DS --D --D
        "0  1 0011 0  1 0001 0  1 0000 0  1 0000 0",  // references: none, 4, 2, 1, 1 before
    ]

    /// The same with one chain: ns(4) of 1 is 01, then each target's chain ns(1) has no bits, then 4 bits a template.
    static let structure =
        threeTemporal.joined() + "01" + "0000 0100 0010 0001 0011" + "1"
        + number(1279, 16) + number(719, 16)

    /// Reads descriptors as elements of a packet of their own.
    private func read(_ reader: inout DependencyDescriptorReader, _ bytes: [UInt8]) -> DependencyDescriptor? {
        let packet = [0xAA] + bytes + [0xFF]
        let element = RTPHeaderExtension(id: 8, offset: 1, length: bytes.count)
        return reader.read(element, in: packet.span.bytes)
    }

    @Test func `golden bytes of a key frame with one layer`() throws {
        // 1 0 000001 | frame 0x1234 | T=1 A D F C = 0 | offset 1 (000001), targets 1 (00000) |
        // layers: no more (11) | S (10) | no references (0) | chains ns(2) = 0 (0) | no resolutions (0)
        let bytes: [UInt8] = [0x81, 0x12, 0x34, 0x80, 0x20, 0xE0]
        #expect(bytes == bits("1 0 000001 0001001000110100 10000 000001 00000 11 10 0 0 0"))
        var reader = DependencyDescriptorReader()
        let descriptor = try #require(read(&reader, bytes))
        #expect(descriptor.startsFrame && !descriptor.endsFrame)
        #expect(descriptor.frameNumber == 0x1234)
        #expect(descriptor.hasStructure)
        #expect(descriptor.activeDecodeTargets == 1)
        #expect(descriptor.indication(of: 0) == .switch)
        #expect(descriptor.indication(of: 1) == .notPresent && descriptor.indication(of: -1) == .notPresent)
        #expect(descriptor.isIndependent)
        #expect(reader.spatialLayers == 1 && reader.temporalLayers == 1 && reader.decodeTargetCount == 1)
        // The last packet of the same frame: 3 bytes are enough.
        let last = try #require(read(&reader, [0x41, 0x12, 0x34]))
        #expect(!last.startsFrame && last.endsFrame && !last.hasStructure)
        #expect(last.activeDecodeTargets == nil)
        // Template 0 is none of this structure's: it begins at 1.
        #expect(read(&reader, [0x80, 0x12, 0x35]) == nil)
    }

    @Test func `three temporal layers: layers, indications and references come from templates`() throws {
        var reader = DependencyDescriptorReader()
        let key = try #require(read(&reader, bits(head(template: 0, frame: 1) + "10000" + Self.structure)))
        #expect(key.isIndependent && !key.isInterPicturePredicted)
        #expect(reader.temporalLayers == 3 && reader.spatialLayers == 1 && reader.decodeTargetCount == 3)
        #expect(key.activeDecodeTargets == 0b111)
        for (target, temporal) in [UInt8(0), 1, 2].enumerated() {
            let layers = try #require(reader.layers(ofDecodeTarget: target))
            #expect(layers.spatial == 0 && layers.temporal == temporal)
        }
        #expect(reader.layers(ofDecodeTarget: 3) == nil)
        let expected: [(template: Int, temporal: UInt8, String)] = [
            (3, 2, "--D"), (2, 1, "-DS"), (4, 2, "--D"), (1, 0, "SSS"),
        ]
        for (step, (template, temporal, indications)) in expected.enumerated() {
            let descriptor = try #require(read(&reader, bits(head(template: template, frame: 2 + step))))
            #expect(descriptor.temporalLayer == temporal)
            #expect(descriptor.isInterPicturePredicted && !descriptor.isIndependent)
            let told = (0..<3).map { target in
                switch descriptor.indication(of: target) {
                case .notPresent: "-"
                case .discardable: "D"
                case .switch: "S"
                case .required: "R"
                }
            }
            #expect(told.joined() == indications)
        }
    }

    @Test func `a frame may differ from its template`() throws {
        var reader = DependencyDescriptorReader()
        // Chains ns(4) of 2 are "10"; each target's chain is ns(2), a bit; two chains a template.
        let twoChains =
            Self.threeTemporal.joined() + "10" + "0 1 1" + String(repeating: "0000 0001", count: 5) + "0"
        _ = try #require(read(&reader, bits(head(template: 0, frame: 1) + "10000" + twoChains)))
        // A, D, F, C: targets 101; R-D; references 3 and 300 before; two chains of 8 bits.
        let custom =
            head(template: 1, frame: 2) + "01111" + "101" + "11 00 01" + "01 0010" + "11 000100101011" + "00"
            + "00000001 00000010"
        let descriptor = try #require(read(&reader, bits(custom)))
        #expect(descriptor.activeDecodeTargets == 0b101)
        #expect(descriptor.indication(of: 0) == .required)
        #expect(descriptor.indication(of: 1) == .notPresent)
        #expect(descriptor.indication(of: 2) == .discardable)
        #expect(!descriptor.isIndependent && descriptor.isInterPicturePredicted)
        // Without the last chain it is cut.
        #expect(read(&reader, Array(bits(custom).dropLast(2))) == nil)
    }

    @Test func `without a structure nothing can be told`() {
        var reader = DependencyDescriptorReader()
        #expect(read(&reader, bits(head(template: 0, frame: 1))) == nil)
        #expect(read(&reader, [0x80, 0x00]) == nil && read(&reader, []) == nil)
        let beyond = RTPHeaderExtension(id: 8, offset: 2, length: 3)
        let packet: [UInt8] = [0, 0, 0x80, 0x00]
        #expect(reader.read(beyond, in: packet.span.bytes) == nil)
    }

    @Test func `structures out of bounds are refused, and the one before stays`() {
        var reader = DependencyDescriptorReader()
        #expect(read(&reader, bits(head(template: 0, frame: 1) + "10000" + Self.structure)) != nil)
        let layers = [
            String(repeating: "10", count: 4) + "11",  // 5 spatial layers
            String(repeating: "01", count: 8) + "11",  // 9 temporal layers
            String(repeating: "00", count: 64) + "11",  // 65 templates
        ]
        for text in layers {
            let structure = "000000 00000" + text + String(repeating: "0", count: 400)
            #expect(read(&reader, bits(head(template: 0, frame: 9) + "10000" + structure)) == nil)
        }
        #expect(reader.temporalLayers == 3)
        // As many as there may be.
        let most = "000000 11111" + String(repeating: "00", count: 63) + "11" + String(repeating: "0", count: 5_000)
        #expect(read(&reader, bits(head(template: 63, frame: 9) + "10000" + most)) != nil)
        #expect(reader.decodeTargetCount == 32)
    }

    @Test func `a descriptor cut at any length is refused`() throws {
        let whole = bits(head(template: 0, frame: 1) + "10000" + Self.structure)
        for length in 0..<whole.count {
            var reader = DependencyDescriptorReader()
            #expect(read(&reader, Array(whole[..<length])) == nil, "\(length) bytes")
        }
        var reader = DependencyDescriptorReader()
        #expect(read(&reader, whole) != nil)
    }

    @Test func `flipped and random bytes never trap`() {
        let seed: UInt64 = 12
        var generator = SeededGenerator(seed: seed)
        let whole = bits(head(template: 0, frame: 1) + "11111" + Self.structure + String(repeating: "01", count: 64))
        var (reader, read) = (DependencyDescriptorReader(), 0)
        for round in 0..<40_000 {
            var bytes = whole
            if round % 4 == 0 {
                bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            }
            for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            if round % 3 == 0 { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) }
            guard let descriptor = self.read(&reader, bytes) else { continue }
            read += 1
            #expect(descriptor.spatialLayer < 4 && descriptor.temporalLayer < 8, "seed \(seed), round \(round)")
            #expect(reader.layers(ofDecodeTarget: descriptor.decodeTargetCount) == nil)
        }
        #expect(read > 1_000, "seed \(seed)")
    }
}

@Suite struct AV1LayersTests {
    /// Structure on the first packet; each further frame names its template.
    private func layers(_ structure: String, _ frames: [(template: Int, number: Int)]) throws -> [String] {
        var probe = LayerProbe(.av1, dependencyDescriptorID: 8)
        return try frames.enumerated().map { step, frame in
            let text = head(template: frame.template, frame: frame.number) + (step == 0 ? "10000" + structure : "")
            return told(
                try probe.read([0x10, 0x32], extensions: [.init(id: 8, data: bits(text))]))
        }
    }

    @Test func `temporal layers: only frames that hang on the base layer are switch points`() throws {
        let told = try layers(
            DependencyDescriptorTests.structure,
            [(0, 65_534), (3, 65_535), (2, 0), (4, 1), (1, 2), (3, 3), (2, 4), (4, 5)])
        #expect(
            told == [
                "s0t0 start end key",
                "s0t2 start end switch inter",  // on T0
                "s0t1 start end switch inter",  // on T0
                "s0t2 start end inter",  // on T1
                "s0t0 start end inter",
                "s0t2 start end switch inter", "s0t1 start end switch inter", "s0t2 start end inter",
            ])
    }

    @Test func `a reference that was never seen is no reason to switch`() throws {
        // Frame 3 of T1 references 1, which was lost.
        let told = try layers(DependencyDescriptorTests.structure, [(0, 0), (2, 3)])
        #expect(told.last == "s0t1 start end inter")
    }

    /// L2T1_KEY: targets S0 and S0+S1. Templates: key S0, delta S0, key S1 (on S0), delta S1 (on S1 alone).
    static let keySVC =
        "000000 00001" + "00 10 00 11" + "10 10  10 00  00 10  00 10" + "0  1 0001 0  1 0000 0  1 0001 0"
        + "00" + "0"

    /// L2T1: the delta of S1 hangs on S0 of its picture as well.
    static let fullSVC =
        "000000 00001" + "00 10 00 11" + "10 10  10 11  00 10  00 10" + "0  1 0001 0  1 0000 0  1 0000 1 0001 0"
        + "00" + "0"

    @Test func `spatial layers: K-SVC frames stand alone but in key pictures`() throws {
        let told = try layers(Self.keySVC, [(0, 0), (2, 1), (1, 2), (3, 3)])
        #expect(
            told == [
                "s0t0 start end key", "s1t0 start end unreferenced",
                "s0t0 start end inter unreferenced", "s1t0 start end inter unreferenced",
            ])
    }

    @Test func `spatial layers: full SVC builds on the layer below`() throws {
        let told = try layers(Self.fullSVC, [(0, 0), (2, 1), (1, 2), (3, 3)])
        #expect(
            told == [
                "s0t0 start end key", "s1t0 start end unreferenced",
                "s0t0 start end inter", "s1t0 start end inter unreferenced",
            ])
    }

    @Test func `a structure too large for the one-byte form is read from the two-byte form`() throws {
        let data =
            bits(
                head(template: 0, frame: 0) + "10000" + DependencyDescriptorTests.structure)
            + [UInt8](repeating: 0, count: 20)
        #expect(data.count > 16)
        var probe = LayerProbe(.av1, dependencyDescriptorID: 8)
        #expect(try probe.read([0x18, 0x0A], extensions: [.init(id: 8, data: data)]).startsKeyFrame)
        #expect(
            try probe.read([0x10, 0x32], extensions: [.init(id: 8, data: bits(head(template: 2, frame: 2)))]).temporal
                == 1)
    }

    @Test func `an unreadable descriptor leaves what the payload tells`() throws {
        var probe = LayerProbe(.av1, dependencyDescriptorID: 8)
        let unknown = RTPHeaderWriter.Extension(id: 8, data: bits(head(template: 5, frame: 0)))
        #expect(try probe.read([0x18, 0x0A], extensions: [unknown]).startsKeyFrame)
        #expect(try probe.read([0x10, 0x0A], marker: true, extensions: [unknown]).endsFrame)
    }
}
