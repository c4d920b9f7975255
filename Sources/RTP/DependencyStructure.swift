import Base

/// The patterns that the frames of a stream follow, told with each key frame (template dependency structure, RTP
/// Payload Format for AV1 A.8.2): frames then name their pattern by number.
///
/// A value of fixed size (about 1 KB): reading packets allocates nothing.
struct DependencyStructure: Sendable {
    /// As many as 6 bits can number.
    static let maximumTemplates = 64

    struct Template: Sendable {
        /// Two bits for each decode target, from the lowest on.
        var indications: UInt64 = 0
        /// Bit n: references the frame n + 1 numbers before.
        var references: UInt16 = 0
        var spatial: UInt8 = 0
        var temporal: UInt8 = 0
    }

    private var templates = InlineArray<64, Template>(repeating: Template())
    /// 0: no structure was told yet.
    private(set) var templateCount = 0
    /// The number that frames call the first template by.
    private var offset: UInt8 = 0
    /// Decode targets: subsets of the stream that a receiver may want, as many as 32.
    private(set) var targetCount = 0
    private(set) var chainCount = 0
    private(set) var spatialLayers = 0
    private(set) var temporalLayers = 0
    /// The uppermost layers of each target: spatial in the high half, temporal in the low one.
    private var targetLayers = InlineArray<32, UInt8>(repeating: 0)
    /// For each spatial layer: the bits of indications that belong to targets above it.
    private var targetsAbove = InlineArray<4, UInt64>(repeating: 0)

    init() {}

    /// Reads a structure; nil when it is cut or breaks a bound. The cursor stands behind its flag then.
    init?(_ bits: inout BitCursor, in packet: RawSpan) {
        offset = UInt8(bits.read(6, in: packet))
        targetCount = Int(bits.read(5, in: packet)) + 1
        readLayers(&bits, in: packet)
        for template in 0..<templateCount {
            for target in 0..<targetCount {
                templates[template].indications |= UInt64(bits.read(2, in: packet)) << UInt64(2 * target)
            }
        }
        for template in 0..<templateCount {
            while bits.flag(in: packet) { templates[template].references |= 1 << UInt16(bits.read(4, in: packet)) }
        }
        readChains(&bits, in: packet)
        if bits.flag(in: packet) {
            // Width and height of each spatial layer.
            for _ in 0..<spatialLayers { _ = bits.read(32, in: packet) }
        }
        guard bits.isValid else { return nil }
        findTargetLayers()
    }

    /// The template of a frame; nil when the structure has none under this number.
    func template(_ number: UInt8) -> Template? {
        let index = Int((number &- offset) & 63)
        return index < templateCount ? templates[index] : nil
    }

    /// - Parameter target: below `targetCount`.
    func layers(ofTarget target: Int) -> (spatial: UInt8, temporal: UInt8) {
        (targetLayers[target] >> 4, targetLayers[target] & 0x0F)
    }

    /// Whether no target with upper spatial layers wants a frame with these indications.
    func isUnreferencedAbove(_ spatial: UInt8, _ indications: UInt64) -> Bool {
        spatialLayers > 1 && indications & targetsAbove[Int(spatial & 3)] == 0
    }

    /// Templates stand in order of layers; two bits tell what the next one's are.
    private mutating func readLayers(_ bits: inout BitCursor, in packet: RawSpan) {
        var (spatial, temporal): (UInt8, UInt8) = (0, 0)
        while true {
            (templates[templateCount].spatial, templates[templateCount].temporal) = (spatial, temporal)
            templateCount += 1
            temporalLayers = max(temporalLayers, Int(temporal) + 1)
            spatialLayers = Int(spatial) + 1
            switch bits.read(2, in: packet) {
            case 0: break
            case 1: temporal += 1
            case 2: (spatial, temporal) = (spatial + 1, 0)
            default: return
            }
            // Past the end of the element zeros are read, which would go on here.
            guard bits.isValid, templateCount < Self.maximumTemplates, temporal < 8, spatial < 4 else {
                return bits.fail()
            }
        }
    }

    /// Chains protect targets against lost frames; a receiver needs them, we read past them.
    private mutating func readChains(_ bits: inout BitCursor, in packet: RawSpan) {
        let chains = bits.readOne(of: UInt32(targetCount) + 1, in: packet)
        chainCount = Int(chains)
        guard chains > 0 else { return }
        for _ in 0..<targetCount { _ = bits.readOne(of: chains, in: packet) }
        for _ in 0..<templateCount * chainCount { _ = bits.read(4, in: packet) }
    }

    /// A target's layers are the uppermost among the templates that it has.
    private mutating func findTargetLayers() {
        for target in 0..<targetCount {
            var (spatial, temporal): (UInt8, UInt8) = (0, 0)
            for index in 0..<templateCount where templates[index].indications >> UInt64(2 * target) & 3 != 0 {
                spatial = max(spatial, templates[index].spatial)
                temporal = max(temporal, templates[index].temporal)
            }
            targetLayers[target] = spatial << 4 | temporal
            for below in 0..<Int(spatial) { targetsAbove[below] |= 3 << UInt64(2 * target) }
        }
    }
}
