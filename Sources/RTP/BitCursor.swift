import Base

/// Reads bits, the highest of each byte first, from a piece of a packet. Past the end it reads zeros and says so
/// once at the end (`isValid`): a parser checks in the end rather than at each bit.
struct BitCursor {
    private(set) var isValid = true
    /// In bits from the beginning of the packet.
    private var position: Int
    private let end: Int

    /// - Parameter bytes: Within `packet`, the one that is given to each read; what exceeds it is left out.
    init(_ bytes: Range<Int>, of packet: RawSpan) {
        let bytes = bytes.clamped(to: 0..<packet.byteCount)
        position = 8 * bytes.lowerBound
        end = 8 * bytes.upperBound
    }

    /// Not to be trusted any more: what was read makes no sense.
    mutating func fail() { isValid = false }

    /// An unsigned number.
    /// - Parameter count: 0…32 bits.
    mutating func read(_ count: Int, in packet: RawSpan) -> UInt32 {
        guard isValid, count <= end - position else {
            isValid = false
            return 0
        }
        var value: UInt32 = 0
        var left = count
        while left > 0 {
            let free = 8 - position & 7
            let taken = min(free, left)
            let byte = UInt32(packet.uint8(at: position >> 3))
            value = value << UInt32(taken) | (byte >> UInt32(free - taken)) & (1 << UInt32(taken) - 1)
            position += taken
            left -= taken
        }
        return value
    }

    mutating func flag(in packet: RawSpan) -> Bool { read(1, in: packet) == 1 }

    /// One of `count` values, in as few bits as they need: the ns(n) of AV1 (AV1 bitstream specification §4.10.7).
    /// - Parameter count: 1…64.
    mutating func readOne(of count: UInt32, in packet: RawSpan) -> UInt32 {
        // The first values have a bit less, so that none is wasted when `count` is no power of two.
        let width = 32 - count.leadingZeroBitCount
        let short = UInt32(1) << UInt32(width) - count
        let value = read(width - 1, in: packet)
        if value < short { return value }
        return value << 1 - short + read(1, in: packet)
    }
}
