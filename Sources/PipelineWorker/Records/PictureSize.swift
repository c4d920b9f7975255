import LibAV
import RTP

/// The size of a picture.
struct PictureSize: Sendable, Hashable {
    var width: Int
    var height: Int
    /// Of a sample; more than 8 in VP9's profile 2 alone.
    var bitDepth = 8

    /// What a key frame begins with.
    /// - Returns: nil when the frame does not tell.
    static func of(_ keyFrame: [UInt8], codec: PayloadCodec) -> PictureSize? {
        switch codec {
        case .vp8: vp8(keyFrame)
        case .vp9: vp9(keyFrame)
        case .h264: H264PictureSize.of(keyFrame).map { PictureSize(width: $0.width, height: $0.height) }
        case .h265, .av1, .opus, .other: nil
        }
    }

    /// RFC 6386 §9.1: a tag of 3 bytes, the start code 9D 01 2A, then 14 bits each with 2 bits of scaling.
    private static func vp8(_ frame: [UInt8]) -> PictureSize? {
        guard frame.count >= 10, frame[0] & 1 == 0, frame[3...5].elementsEqual([0x9D, 0x01, 0x2A]) else { return nil }
        let width = (Int(frame[7]) << 8 | Int(frame[6])) & 0x3FFF
        let height = (Int(frame[9]) << 8 | Int(frame[8])) & 0x3FFF
        return width > 0 && height > 0 ? PictureSize(width: width, height: height) : nil
    }

    /// The uncompressed header of a VP9 key frame (VP9 bitstream specification §6.2).
    private static func vp9(_ frame: [UInt8]) -> PictureSize? {
        var bits = BitReader(frame)
        guard bits.read(2) == 2, let low = bits.read(1), let high = bits.read(1) else { return nil }
        let profile = high << 1 | low
        if profile == 3 { _ = bits.read(1) }
        // show_existing_frame, frame_type (0: key frame), show_frame, error_resilient_mode.
        guard bits.read(1) == 0, bits.read(1) == 0, bits.read(2) != nil, bits.read(24) == 0x49_8342 else { return nil }
        let bitDepth = profile >= 2 ? (bits.read(1) == 1 ? 12 : 10) : 8
        guard let colourSpace = bits.read(3) else { return nil }
        if colourSpace != 7 {
            _ = bits.read(1)
            if profile == 1 || profile == 3 { _ = bits.read(3) }
        } else if profile == 1 || profile == 3 {
            _ = bits.read(1)
        }
        guard let width = bits.read(16), let height = bits.read(16) else { return nil }
        return PictureSize(width: width + 1, height: height + 1, bitDepth: bitDepth)
    }
}

/// Bits from the top of each byte downwards.
private struct BitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nil when fewer bits are left.
    mutating func read(_ count: Int) -> Int? {
        guard position + count <= bytes.count * 8 else { return nil }
        var value = 0
        for _ in 0..<count {
            value = value << 1 | Int(bytes[position / 8] >> (7 - position % 8) & 1)
            position += 1
        }
        return value
    }
}
