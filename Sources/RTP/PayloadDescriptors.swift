import Base

/// Why a payload is not one of its codec. Numbers are byte counts.
public enum PayloadParseError: Error, Sendable, Hashable, CustomStringConvertible {
    case truncated(needed: Int, got: Int)

    public var description: String {
        switch self {
        case .truncated(let needed, let got): "payload of \(got) bytes, its descriptor needs \(needed)"
        }
    }
}

/// What stands before the VP8 data in each packet (RFC 7741 §4.2).
///
///      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+
///     |X|R|N|S|R| PID | (REQUIRED)
///     +-+-+-+-+-+-+-+-+
///     |I|L|T|K| RSV   | X
///     +-+-+-+-+-+-+-+-+
///     |M| PictureID   | I: 7 bits, or 15 with M
///     +-+-+-+-+-+-+-+-+
///     |   TL0PICIDX   | L
///     +-+-+-+-+-+-+-+-+
///     |TID|Y| KEYIDX  | T or K
///     +-+-+-+-+-+-+-+-+
public struct VP8PayloadDescriptor: Sendable, Hashable {
    public var isNonReference: Bool
    public var startsPartition: Bool
    /// 0…7.
    public var partition: UInt8
    public var pictureID: UInt16?
    /// Where the picture id stands, and whether it has 15 bits: for those who rewrite it. 0 without one.
    public var pictureIDOffset: Int
    public var hasLongPictureID: Bool
    public var temporalLayerZeroIndex: UInt8?
    /// 0…3.
    public var temporalLayer: UInt8?
    public var isLayerSync: Bool
    /// 0…31.
    public var keyIndex: UInt8?
    /// Bytes of the descriptor: VP8 data begins here.
    public var length: Int

    /// The descriptor of a packet that begins a frame: first partition, its start.
    public var startsFrame: Bool { startsPartition && partition == 0 }

    public init(parsing payload: RawSpan) throws(PayloadParseError) {
        let count = payload.byteCount
        guard count >= 1 else { throw .truncated(needed: 1, got: count) }
        let first = payload.uint8(at: 0)
        isNonReference = first & 0x20 != 0
        startsPartition = first & 0x10 != 0
        partition = first & 0x07
        (pictureIDOffset, hasLongPictureID, isLayerSync) = (0, false, false)
        length = 1
        guard first & 0x80 != 0 else { return }

        guard count >= 2 else { throw .truncated(needed: 2, got: count) }
        let flags = payload.uint8(at: 1)
        length = 2
        if flags & 0x80 != 0 {
            guard length < count else { throw .truncated(needed: length + 1, got: count) }
            pictureIDOffset = length
            hasLongPictureID = payload.uint8(at: length) & 0x80 != 0
            if hasLongPictureID {
                guard length + 2 <= count else { throw .truncated(needed: length + 2, got: count) }
                pictureID = payload.uint16(at: length) & 0x7FFF
            } else {
                pictureID = UInt16(payload.uint8(at: length))
            }
            length += hasLongPictureID ? 2 : 1
        }
        if flags & 0x40 != 0 {
            guard length < count else { throw .truncated(needed: length + 1, got: count) }
            temporalLayerZeroIndex = payload.uint8(at: length)
            length += 1
        }
        if flags & 0x30 != 0 {
            guard length < count else { throw .truncated(needed: length + 1, got: count) }
            let byte = payload.uint8(at: length)
            if flags & 0x20 != 0 { temporalLayer = byte >> 6 }
            isLayerSync = flags & 0x20 != 0 && byte & 0x20 != 0
            if flags & 0x10 != 0 { keyIndex = byte & 0x1F }
            length += 1
        }
    }
}

/// What stands before the VP9 data in each packet (RFC 9628 §4.2).
///
///      0 1 2 3 4 5 6 7                      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///     |I|P|L|F|B|E|V|Z| (REQUIRED)         |I|P|L|F|B|E|V|Z| (REQUIRED)
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///     |M| PICTURE ID  | I: 7 or 15 bits    |M| PICTURE ID  | I
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///     | TID |U| SID |D| L                  | TID |U| SID |D| L
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///     | P_DIFF      |N| F and P: 1 to 3    |   TL0PICIDX   | L and not F
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///     | SS …          | V                  | SS …          | V
///     +-+-+-+-+-+-+-+-+                    +-+-+-+-+-+-+-+-+
///       flexible (F = 1)                     non-flexible
public struct VP9PayloadDescriptor: Sendable, Hashable {
    public var isInterPicturePredicted: Bool
    public var isFlexible: Bool
    public var startsFrame: Bool
    public var endsFrame: Bool
    /// The frame is no reference for upper spatial layers (Z).
    public var isNotReferenceForUpperLayers: Bool
    public var pictureID: UInt16?
    /// 0…7.
    public var temporalLayer: UInt8?
    public var isSwitchingUpPoint: Bool
    /// 0…7; 0 without layer indices.
    public var spatialLayer: UInt8
    public var isInterLayerPredicted: Bool
    public var temporalLayerZeroIndex: UInt8?
    /// The scalability structure (SS), when this packet brings one: number of spatial layers 1…8.
    public var spatialLayerCount: UInt8?
    /// Width and height of the uppermost spatial layer, when SS tells them.
    public var width: UInt16?
    public var height: UInt16?
    /// Bytes of the descriptor: VP9 data begins here.
    public var length: Int

    public init(parsing payload: RawSpan) throws(PayloadParseError) {
        let count = payload.byteCount
        guard count >= 1 else { throw .truncated(needed: 1, got: count) }
        let first = payload.uint8(at: 0)
        isInterPicturePredicted = first & 0x40 != 0
        isFlexible = first & 0x10 != 0
        startsFrame = first & 0x08 != 0
        endsFrame = first & 0x04 != 0
        isNotReferenceForUpperLayers = first & 0x01 != 0
        (isSwitchingUpPoint, isInterLayerPredicted, spatialLayer) = (false, false, 0)
        length = 1

        if first & 0x80 != 0 {
            guard length < count else { throw .truncated(needed: length + 1, got: count) }
            if payload.uint8(at: length) & 0x80 != 0 {
                guard length + 2 <= count else { throw .truncated(needed: length + 2, got: count) }
                pictureID = payload.uint16(at: length) & 0x7FFF
                length += 2
            } else {
                pictureID = UInt16(payload.uint8(at: length))
                length += 1
            }
        }
        if first & 0x20 != 0 {
            let needed = length + (isFlexible ? 1 : 2)
            guard needed <= count else { throw .truncated(needed: needed, got: count) }
            let layers = payload.uint8(at: length)
            temporalLayer = layers >> 5
            isSwitchingUpPoint = layers & 0x10 != 0
            spatialLayer = layers >> 1 & 0x07
            isInterLayerPredicted = layers & 0x01 != 0
            if !isFlexible { temporalLayerZeroIndex = payload.uint8(at: length + 1) }
            length = needed
        }
        if isFlexible, isInterPicturePredicted {
            // One to three reference differences; N says that another follows. A fourth would break the RFC's bound.
            for _ in 0..<3 {
                guard length < count else { throw .truncated(needed: length + 1, got: count) }
                length += 1
                if payload.uint8(at: length - 1) & 0x01 == 0 { break }
            }
        }
        if first & 0x02 != 0 { try parseScalabilityStructure(payload) }
    }

    ///      0 1 2 3 4 5 6 7
    ///     +-+-+-+-+-+-+-+-+
    ///     | N_S |Y|G|-|-|-|
    ///     +-+-+-+-+-+-+-+-+
    ///     | WIDTH, HEIGHT | Y: 16 bits each, N_S + 1 times
    ///     +-+-+-+-+-+-+-+-+
    ///     |      N_G      | G
    ///     +-+-+-+-+-+-+-+-+
    ///     | TID |U| R |-|-| N_G times, each followed by R bytes of P_DIFF
    ///     +-+-+-+-+-+-+-+-+
    private mutating func parseScalabilityStructure(_ payload: RawSpan) throws(PayloadParseError) {
        let count = payload.byteCount
        guard length < count else { throw .truncated(needed: length + 1, got: count) }
        let head = payload.uint8(at: length)
        let layers = head >> 5 + 1
        spatialLayerCount = layers
        length += 1
        if head & 0x10 != 0 {
            let end = length + 4 * Int(layers)
            guard end <= count else { throw .truncated(needed: end, got: count) }
            width = payload.uint16(at: end - 4)
            height = payload.uint16(at: end - 2)
            length = end
        }
        guard head & 0x08 != 0 else { return }
        guard length < count else { throw .truncated(needed: length + 1, got: count) }
        let groups = payload.uint8(at: length)
        length += 1
        for _ in 0..<groups {
            guard length < count else { throw .truncated(needed: length + 1, got: count) }
            length += 1 + Int(payload.uint8(at: length) >> 2 & 0x03)
            guard length <= count else { throw .truncated(needed: length, got: count) }
        }
    }
}
