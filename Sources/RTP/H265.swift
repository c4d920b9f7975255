import Base

/// What an H265 payload says about its picture (RFC 7798 §1.1.4 and §4.4; types from H.265 table 7-1).
///
///      0                   1
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |F|   Type    |  LayerId  | TID |   of a NAL unit, and the same before aggregation packets (48) and
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+   fragments (49), which then have the lowest TID of what they hold
enum H265 {
    private static let aggregation: UInt8 = 48
    private static let fragment: UInt8 = 49

    private static let bla: UInt8 = 16
    private static let cra: UInt8 = 21
    private static let videoParameterSet: UInt8 = 32
    private static let pictureParameterSet: UInt8 = 34

    /// Whether a decoder can begin with this packet: it has parameter sets, or the first slice of a picture from
    /// which all decoding can begin (IRAP: BLA, IDR, CRA).
    static func startsKeyFrame(_ payload: RawSpan) -> Bool { hasUnit(payload, .keyFrame) }

    /// Whether the packet is of a picture at which one may go up to its temporal layer: TSA or STSA.
    static func isSwitchPoint(_ payload: RawSpan) -> Bool { hasUnit(payload, .switchPoint) }

    /// 0…6, from the payload header: each packet has it. Nil for a broken payload.
    static func temporalLayer(_ payload: RawSpan) -> UInt8? {
        guard payload.byteCount >= 3 else { return nil }
        let identifier = payload.uint8(at: 1) & 0x07
        // TID is one more than TemporalId; 0 is forbidden.
        return identifier == 0 ? nil : identifier - 1
    }

    private enum Sought {
        case keyFrame
        case switchPoint

        /// - Parameter firstByte: Of what is behind the unit's header.
        func matches(_ type: UInt8, firstByte: UInt8) -> Bool {
            switch (self, type) {
            case (.keyFrame, videoParameterSet...pictureParameterSet): true
            // first_slice_segment_in_pic_flag: later slices of the picture begin nothing.
            case (.keyFrame, bla...cra): firstByte & 0x80 != 0
            case (.switchPoint, 2...5): true
            default: false
            }
        }
    }

    /// Asks the NAL units that begin in this packet.
    private static func hasUnit(_ payload: RawSpan, _ sought: Sought) -> Bool {
        let count = payload.byteCount
        guard count >= 3 else { return false }
        let type = payload.uint8(at: 0) >> 1 & 0x3F
        switch type {
        case aggregation:
            // Without DONL and DOND fields: sprop-max-don-diff is 0 in real-time use.
            var offset = 2
            while offset + 5 <= count {
                let unit = payload.uint8(at: offset + 2) >> 1 & 0x3F
                if sought.matches(unit, firstByte: payload.uint8(at: offset + 4)) { return true }
                offset += 2 + Int(payload.uint16(at: offset))
            }
            return false
        case fragment:
            // The FU header follows: |S|E|FuType (6 bits)|. Only the start has the byte behind the unit's header.
            guard count >= 4, payload.uint8(at: 2) & 0x80 != 0 else { return false }
            return sought.matches(payload.uint8(at: 2) & 0x3F, firstByte: payload.uint8(at: 3))
        default: return sought.matches(type, firstByte: payload.uint8(at: 2))
        }
    }
}
