import Base

/// What the dependency descriptor says of a packet's frame (RTP Payload Format for AV1, appendix A).
///
///      0                   1                   2
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |S|E|  template |         frame number          |  S, E: the frame's first and last packet
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |T|A|D|F|C| structure with T, active targets with A, custom indications with D, references F, chains C
///     +-+-+-+-+-+
///
/// A frame is one picture of one spatial layer.
public struct DependencyDescriptor: Sendable, Hashable {
    /// What a frame is to a decode target.
    public enum Indication: UInt8, Sendable, Hashable {
        case notPresent, discardable
        /// Whoever decodes this frame can decode all that follow in the target.
        case `switch`
        case required
    }

    public var startsFrame: Bool
    public var endsFrame: Bool
    /// Wraps.
    public var frameNumber: UInt16
    /// 0…3.
    public var spatialLayer: UInt8
    /// 0…7.
    public var temporalLayer: UInt8
    /// The packet brought a structure: a coded video sequence begins.
    public var hasStructure: Bool
    /// One bit for each decode target that is being sent; nil: as before.
    public var activeDecodeTargets: UInt32?
    public var decodeTargetCount: Int
    /// Two bits for each decode target.
    var indications: UInt64
    /// Bit n: the frame references the one n + 1 numbers before.
    var references: UInt16
    /// It references one from more than 16 numbers before.
    var hasLongReference: Bool

    /// References nothing.
    public var isIndependent: Bool { references == 0 && !hasLongReference }

    /// References more than the lower spatial layers of its own picture.
    public var isInterPicturePredicted: Bool { hasLongReference || references >> UInt16(spatialLayer) != 0 }

    /// What the frame is to a decode target; `notPresent` for targets that there are none of.
    public func indication(of target: Int) -> Indication {
        guard (0..<decodeTargetCount).contains(target) else { return .notPresent }
        return Indication(rawValue: UInt8(indications >> UInt64(2 * target) & 3)) ?? .notPresent
    }
}

/// Reads the dependency descriptors of one stream: it keeps the structure that key frames tell, and which layers the
/// last frames were of.
public struct DependencyDescriptorReader: Sendable {
    private var structure = DependencyStructure()
    /// Frame number and temporal layer of the last frames, by the low bits of the number.
    private var recent = InlineArray<32, (number: UInt16, temporal: UInt8)>(repeating: (0, Self.unknown))
    private static let unknown: UInt8 = 0xFF

    public init() {}

    /// Of the structure that was told last; 0 before.
    public var spatialLayers: Int { structure.spatialLayers }
    public var temporalLayers: Int { structure.temporalLayers }
    public var decodeTargetCount: Int { structure.targetCount }

    /// The uppermost layers of a decode target; nil when there is none of this number.
    public func layers(ofDecodeTarget target: Int) -> (spatial: UInt8, temporal: UInt8)? {
        (0..<structure.targetCount).contains(target) ? structure.layers(ofTarget: target) : nil
    }

    /// Takes in a descriptor.
    /// - Returns: Nil when it is broken, or names a template of a structure that we never saw.
    public mutating func read(_ element: RTPHeaderExtension, in packet: RawSpan) -> DependencyDescriptor? {
        guard element.length >= 3, element.offset >= 0, element.offset + element.length <= packet.byteCount else {
            return nil
        }
        var bits = BitCursor(element.offset..<element.offset + element.length, of: packet)
        let startsFrame = bits.flag(in: packet)
        let endsFrame = bits.flag(in: packet)
        let number = UInt8(bits.read(6, in: packet))
        let frameNumber = UInt16(bits.read(16, in: packet))
        var extended = Extended()
        if element.length > 3 {
            extended = Extended(&bits, in: packet)
            if extended.hasStructure {
                guard let told = DependencyStructure(&bits, in: packet) else { return nil }
                structure = told
                recent = InlineArray(repeating: (0, Self.unknown))
            }
        }
        guard let template = structure.template(number) else { return nil }
        var descriptor = DependencyDescriptor(
            startsFrame: startsFrame, endsFrame: endsFrame, frameNumber: frameNumber, spatialLayer: template.spatial,
            temporalLayer: template.temporal, hasStructure: extended.hasStructure, activeDecodeTargets: nil,
            decodeTargetCount: structure.targetCount, indications: template.indications,
            references: template.references, hasLongReference: false)
        read(extended, &bits, in: packet, into: &descriptor)
        guard bits.isValid else { return nil }
        recent[Int(frameNumber & 31)] = (frameNumber, template.temporal)
        return descriptor
    }

    private struct Extended {
        var hasStructure = false
        var hasActiveTargets = false
        var hasIndications = false
        var hasReferences = false
        var hasChains = false

        init() {}

        init(_ bits: inout BitCursor, in packet: RawSpan) {
            hasStructure = bits.flag(in: packet)
            hasActiveTargets = bits.flag(in: packet)
            hasIndications = bits.flag(in: packet)
            hasReferences = bits.flag(in: packet)
            hasChains = bits.flag(in: packet)
        }
    }

    /// What this frame has otherwise than its template.
    private func read(
        _ extended: Extended, _ bits: inout BitCursor, in packet: RawSpan, into descriptor: inout DependencyDescriptor
    ) {
        if extended.hasActiveTargets {
            descriptor.activeDecodeTargets = bits.read(structure.targetCount, in: packet)
        } else if extended.hasStructure {
            descriptor.activeDecodeTargets = .max >> UInt32(32 - structure.targetCount)
        }
        if extended.hasIndications {
            descriptor.indications = 0
            for target in 0..<structure.targetCount {
                descriptor.indications |= UInt64(bits.read(2, in: packet)) << UInt64(2 * target)
            }
        }
        if extended.hasReferences {
            descriptor.references = 0
            // One to three groups of four bits, or the end.
            while case let size = bits.read(2, in: packet), size > 0 {
                let difference = bits.read(4 * Int(size), in: packet)
                if difference < 16 {
                    descriptor.references |= 1 << UInt16(difference)
                } else {
                    descriptor.hasLongReference = true
                }
            }
        }
        if extended.hasChains { for _ in 0..<structure.chainCount { _ = bits.read(8, in: packet) } }
    }

    /// Places the packet among the layers.
    func layers(of descriptor: DependencyDescriptor) -> PacketLayers {
        var layers = PacketLayers(spatial: descriptor.spatialLayer, temporal: descriptor.temporalLayer)
        layers.startsFrame = descriptor.startsFrame
        layers.endsFrame = descriptor.endsFrame
        layers.startsKeyFrame = descriptor.hasStructure && descriptor.startsFrame && descriptor.isIndependent
        layers.isInterPicturePredicted = descriptor.isInterPicturePredicted
        layers.isNotReferenceForUpperLayers = structure.isUnreferencedAbove(
            descriptor.spatialLayer, descriptor.indications)
        layers.isSwitchPoint = descriptor.temporalLayer > 0 && isSwitchPoint(descriptor)
        return layers
    }

    /// Whether who had the lower temporal layers can begin with this frame's: it references nothing but the base layer
    /// and its own picture, and nothing later in the layer will reference what was before it. Indications alone don't
    /// tell: a frame that is discardable in its own layer may still hang on the frame before.
    private func isSwitchPoint(_ descriptor: DependencyDescriptor) -> Bool {
        guard !descriptor.hasLongReference, indicationOfOwnTarget(descriptor) != .required else { return false }
        var references = descriptor.references >> UInt16(descriptor.spatialLayer)
        var number = descriptor.frameNumber &- UInt16(descriptor.spatialLayer)
        while references != 0 {
            number &-= 1
            if references & 1 != 0 {
                let frame = recent[Int(number & 31)]
                guard frame.number == number, frame.temporal == 0 else { return false }
            }
            references >>= 1
        }
        return true
    }

    private func indicationOfOwnTarget(_ descriptor: DependencyDescriptor) -> DependencyDescriptor.Indication {
        for target in 0..<structure.targetCount
        where structure.layers(ofTarget: target) == (descriptor.spatialLayer, descriptor.temporalLayer) {
            return descriptor.indication(of: target)
        }
        return .notPresent
    }
}
