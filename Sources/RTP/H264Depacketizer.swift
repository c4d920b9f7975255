import Base

/// H264 (RFC 6184, packetization modes 0 and 1): single NAL units, STAP-A and FU-A become Annex B access units.
///
/// The interleaved forms (STAP-B, MTAP, FU-B) are never negotiated; they make a frame incomplete.
public struct H264Depacketizer: Sendable {
    private var assembly = FrameAssembly()
    private var picture = Picture()

    /// What is known of the open access unit, and what outlives it.
    fileprivate struct Picture {
        /// The last parameter sets, for IDR pictures that come without.
        var sequenceParameterSet: [UInt8] = []
        var pictureParameterSet: [UInt8] = []
        var hasSequenceParameterSet = false
        /// A fragmented NAL unit has begun and not ended.
        var isInFragment = false
        /// Index of the packet before, to see holes inside a fragmented unit.
        var lastIndex: Int64 = -1
    }

    public init() {}

    public var needsKeyFrame: Bool { assembly.needsKeyFrame }

    /// The latest parameter sets, without start codes; empty before they came. For a container's header.
    public var parameterSets: (sequence: [UInt8], picture: [UInt8]) {
        (picture.sequenceParameterSet, picture.pictureParameterSet)
    }

    public mutating func receive(
        _ payload: RawSpan, of header: RTPHeader, index: Int64, into units: inout [AccessUnit]
    ) {
        var picture = picture
        self.picture = Picture()
        assembly.receive(
            index: index, timestamp: header.timestamp, marker: header.marker, isEmpty: payload.byteCount == 0,
            into: &units
        ) { bytes in
            if bytes.isEmpty {
                picture.hasSequenceParameterSet = false
                picture.isInFragment = false
            }
            let part = picture.append(payload, index: index, to: &bytes)
            picture.lastIndex = index
            return part
        }
        self.picture = picture
    }

    public mutating func end(into units: inout [AccessUnit]) { assembly.end(into: &units) }
}

extension H264Depacketizer.Picture {
    fileprivate mutating func append(_ payload: RawSpan, index: Int64, to bytes: inout [UInt8]) -> FramePart {
        let count = payload.byteCount
        let type = payload.uint8(at: 0) & 0x1F
        // A unit that began and was not ended when another begins, has lost its end.
        var isWhole = !isInFragment
        switch type {
        case 1...23:
            isInFragment = false
            let starts = Self.startsAccessUnit(payload, 0..<count)
            let isKeyFrame = appendUnit(payload, 0..<count, to: &bytes)
            return FramePart(startsFrame: starts, isKeyFrame: isKeyFrame, isWhole: isWhole)

        case H264.aggregation:
            isInFragment = false
            var (offset, starts, isKeyFrame) = (1, false, false)
            while offset < count {
                guard offset + 2 <= count else { return FramePart(startsFrame: starts, isWhole: false) }
                let length = Int(payload.uint16(at: offset))
                let unit = offset + 2..<offset + 2 + length
                guard length > 0, unit.upperBound <= count else {
                    return FramePart(startsFrame: starts, isKeyFrame: isKeyFrame, isWhole: false)
                }
                if offset == 1 { starts = Self.startsAccessUnit(payload, unit) }
                if appendUnit(payload, unit, to: &bytes) { isKeyFrame = true }
                offset = unit.upperBound
            }
            return FramePart(startsFrame: starts, isKeyFrame: isKeyFrame, isWhole: isWhole)

        case H264.fragment:
            guard count >= 2 else { return FramePart(startsFrame: false, isWhole: false) }
            let head = payload.uint8(at: 1)
            let unitType = head & 0x1F
            if head & 0x80 != 0 {
                isInFragment = true
                let isKeyFrame = appendHead(payload.uint8(at: 0) & 0xE0 | unitType, to: &bytes)
                let starts = Self.startsAccessUnit(type: unitType, next: count > 2 ? payload.uint8(at: 2) : 0)
                bytes.append(payload, 2..<count)
                if head & 0x40 != 0 { isInFragment = false }
                return FramePart(startsFrame: starts, isKeyFrame: isKeyFrame, isWhole: isWhole)
            }
            // A later fragment; without its start and all between, there is nothing that it could be added to.
            isWhole = isInFragment && index == lastIndex + 1
            if isWhole { bytes.append(payload, 2..<count) }
            if head & 0x40 != 0 || !isWhole { isInFragment = false }
            return FramePart(startsFrame: false, isWhole: isWhole)

        default:
            isInFragment = false
            return FramePart(startsFrame: false, isWhole: false)
        }
    }

    /// Appends a whole NAL unit; true when it makes the access unit a key frame.
    private mutating func appendUnit(_ payload: RawSpan, _ range: Range<Int>, to bytes: inout [UInt8]) -> Bool {
        let head = payload.uint8(at: range.lowerBound)
        switch head & 0x1F {
        case H264.sequenceParameterSet:
            sequenceParameterSet = []
            sequenceParameterSet.append(payload, range)
        case H264.pictureParameterSet:
            pictureParameterSet = []
            pictureParameterSet.append(payload, range)
        default: break
        }
        let isKeyFrame = appendHead(head, to: &bytes)
        bytes.append(payload, range.lowerBound + 1..<range.upperBound)
        return isKeyFrame
    }

    /// Appends a start code and a NAL unit's head. An IDR slice is a key frame when its parameter sets are known;
    /// those of before are written again in front of it when the access unit brings none.
    private mutating func appendHead(_ head: UInt8, to bytes: inout [UInt8]) -> Bool {
        let type = head & 0x1F
        if type == H264.sequenceParameterSet { hasSequenceParameterSet = true }
        if type == H264.idrSlice, !hasSequenceParameterSet, !sequenceParameterSet.isEmpty {
            hasSequenceParameterSet = true
            bytes += [0, 0, 0, 1] + sequenceParameterSet
            bytes += [0, 0, 0, 1] + pictureParameterSet
        }
        bytes += [0, 0, 0, 1, head]
        return type == H264.idrSlice && hasSequenceParameterSet
    }

    private static func startsAccessUnit(_ payload: RawSpan, _ range: Range<Int>) -> Bool {
        startsAccessUnit(
            type: payload.uint8(at: range.lowerBound) & 0x1F,
            next: range.count > 1 ? payload.uint8(at: range.lowerBound + 1) : 0)
    }

    /// Whether nothing of the access unit can come before this NAL unit, as far as one can see: SEI, parameter sets
    /// and delimiters, and slices whose first_mb_in_slice is 0 (Exp-Golomb: a leading 1 bit; H.264 §7.3.3).
    private static func startsAccessUnit(type: UInt8, next: UInt8) -> Bool {
        switch type {
        case 1, 2, H264.idrSlice: next & 0x80 != 0
        case 6...9: true
        default: false
        }
    }
}
