/// Where a packet stands among the layers of its stream and in its frame, in two bytes beside its place in the log:
/// told once when the packet comes in, so that whatever goes out is decided without looking into payloads.
///
/// All zero means: a stream without layers, in the midst of a frame.
public struct PacketLayers: Sendable, Hashable {
    /// Bits 0–2 spatial layer, 3–5 temporal layer, then the flags below.
    @usableFromInline var bits: UInt16

    @inlinable
    public init() { bits = 0 }

    @inlinable
    init(bits: UInt16) { self.bits = bits }

    /// - Parameters:
    ///   - spatial: 0…7; more than 7 is taken for 7.
    ///   - temporal: 0…7; more than 7 is taken for 7.
    @inlinable
    public init(spatial: UInt8, temporal: UInt8) {
        bits = UInt16(min(spatial, 7)) | UInt16(min(temporal, 7)) << 3
    }

    @inlinable public var spatial: UInt8 { UInt8(bits & 7) }
    @inlinable public var temporal: UInt8 { UInt8(bits >> 3 & 7) }

    /// The first packet of a frame of its spatial layer.
    @inlinable public var startsFrame: Bool {
        get { bits & 1 << 6 != 0 }
        set { set(6, newValue) }
    }

    /// The last packet of a frame of its spatial layer.
    @inlinable public var endsFrame: Bool {
        get { bits & 1 << 7 != 0 }
        set { set(7, newValue) }
    }

    /// Belongs to the first packet of a key frame: a receiver can begin here.
    @inlinable public var startsKeyFrame: Bool {
        get { bits & 1 << 8 != 0 }
        set { set(8, newValue) }
    }

    /// From this frame on its temporal layer can be decoded by whoever had only the lower ones until now (VP8 Y,
    /// VP9 U, a switching point of AV1).
    @inlinable public var isSwitchPoint: Bool {
        get { bits & 1 << 9 != 0 }
        set { set(9, newValue) }
    }

    /// Depends on earlier pictures (VP9 P; AV1 frames that are no switch or key frames).
    @inlinable public var isInterPicturePredicted: Bool {
        get { bits & 1 << 10 != 0 }
        set { set(10, newValue) }
    }

    /// Nothing of another spatial layer builds on it (VP9 Z).
    @inlinable public var isNotReferenceForUpperLayers: Bool {
        get { bits & 1 << 11 != 0 }
        set { set(11, newValue) }
    }

    /// Has a payload descriptor whose picture id and TL0PICIDX a receiver follows (VP8): rewritten when streams or
    /// layers change.
    @inlinable public var hasPictureID: Bool {
        get { bits & 1 << 12 != 0 }
        set { set(12, newValue) }
    }

    /// Opus in discontinuous transmission: carries no sound worth a packet (RFC 7587 §3.1.3).
    @inlinable public var isDiscontinuous: Bool {
        get { bits & 1 << 13 != 0 }
        set { set(13, newValue) }
    }

    /// Of the packet log alone: the packet is a byte longer than it came.
    @inlinable var isWidened: Bool {
        get { bits & 1 << 14 != 0 }
        set { set(14, newValue) }
    }

    @inlinable
    mutating func set(_ bit: UInt16, _ value: Bool) {
        if value { bits |= 1 << bit } else { bits &= ~(1 << bit) }
    }
}
