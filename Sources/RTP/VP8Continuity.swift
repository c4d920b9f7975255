import Base

/// The numbers by which a VP8 decoder follows pictures (RFC 7741 §4.2).
public struct VP8PictureNumbers: Sendable, Hashable {
    /// 15 bits; counts pictures.
    public var pictureID: UInt16
    /// TL0PICIDX: counts pictures of the base temporal layer.
    public var temporalLayerZeroIndex: UInt8?

    public init(pictureID: UInt16, temporalLayerZeroIndex: UInt8?) {
        self.pictureID = pictureID & 0x7FFF
        self.temporalLayerZeroIndex = temporalLayerZeroIndex
    }

    /// Of a descriptor; nil when it has no picture id.
    public init?(_ descriptor: VP8PayloadDescriptor) {
        guard let pictureID = descriptor.pictureID else { return nil }
        self.init(pictureID: pictureID, temporalLayerZeroIndex: descriptor.temporalLayerZeroIndex)
    }
}

/// Lets picture ids and TL0PICIDX run on when a receiver is switched to another stream, and closes the gaps that
/// dropped temporal layers leave. One per receiver.
///
///     in    7  8  9d 10 11d 12 | 500 501   d: dropped, |: another stream
///     out   7  8      9     10 |  11  12
///
/// Late packets get the numbers that their picture had when it went out, as far back as 32 dropped pictures.
public struct VP8Continuity: Sendable {
    /// Dropped pictures that are remembered.
    private static let memory = 32

    /// Of the stream that is followed now, unwrapped; nil: the next picture begins another one.
    private var newest: Int?
    /// Outgoing number = incoming number − shift.
    private var pictureShift = 0
    private var indexShift: UInt8 = 0
    private var lastOutgoing: (picture: Int, index: UInt8)?
    /// The last dropped pictures, a ring.
    private var dropped = InlineArray<32, Int>(repeating: .min)
    private var droppedNext = 0

    public init() {}

    /// What comes next is of another stream, or of this one behind a gap that shall not be seen.
    public mutating func restart() { newest = nil }

    /// The numbers under which a packet goes out.
    public mutating func forward(_ numbers: VP8PictureNumbers) -> VP8PictureNumbers {
        guard let newest else { return begin(numbers) }
        let picture = Self.unwrap(numbers.pictureID, near: newest)
        var shift = pictureShift
        if picture < newest { for slot in 0..<Self.memory where dropped[slot] > picture { shift -= 1 } }
        self.newest = max(newest, picture)
        let outgoing = VP8PictureNumbers(
            pictureID: UInt16(truncatingIfNeeded: picture - shift),
            temporalLayerZeroIndex: numbers.temporalLayerZeroIndex.map { $0 &- indexShift })
        if picture >= newest { note(picture - shift, outgoing) }
        return outgoing
    }

    /// The packet is not forwarded: its picture leaves no gap. To be called for each packet of it.
    ///
    /// A picture that is late, or of which a packet has been forwarded already, does leave one.
    public mutating func drop(_ numbers: VP8PictureNumbers) {
        guard let newest else { return }
        let picture = Self.unwrap(numbers.pictureID, near: newest)
        guard picture > newest else { return }
        self.newest = picture
        pictureShift += 1
        dropped[droppedNext] = picture
        droppedNext = (droppedNext + 1) % Self.memory
    }

    /// The first picture follows the last one that went out; the very first keeps its numbers.
    private mutating func begin(_ numbers: VP8PictureNumbers) -> VP8PictureNumbers {
        let picture = Int(numbers.pictureID)
        newest = picture
        if let lastOutgoing {
            pictureShift = picture - (lastOutgoing.picture + 1)
            indexShift = (numbers.temporalLayerZeroIndex ?? 0) &- (lastOutgoing.index &+ 1)
        }
        dropped = InlineArray(repeating: .min)
        droppedNext = 0
        let outgoing = VP8PictureNumbers(
            pictureID: UInt16(truncatingIfNeeded: picture - pictureShift),
            temporalLayerZeroIndex: numbers.temporalLayerZeroIndex.map { $0 &- indexShift })
        note(picture - pictureShift, outgoing)
        return outgoing
    }

    private mutating func note(_ picture: Int, _ outgoing: VP8PictureNumbers) {
        lastOutgoing = (picture, outgoing.temporalLayerZeroIndex ?? lastOutgoing?.index ?? 0)
    }

    /// 15 bits, at most half their range from a picture.
    private static func unwrap(_ pictureID: UInt16, near picture: Int) -> Int {
        let step = Int16(bitPattern: (pictureID &- UInt16(truncatingIfNeeded: picture)) << 1) >> 1
        return picture + Int(step)
    }
}

// MARK: - In the log and in send slots

// Descriptors with a picture id begin with two fixed bytes, and in the log the id has been expanded to two bytes:
//
//     | X … | I L T K | M, picture id (2 bytes) | TL0PICIDX, if L | …
extension VP8PictureNumbers {
    /// Of a packet in a log; nil when its descriptor has no long picture id.
    public init?(of record: PacketLog.Record, at position: UInt64, in log: borrowing PacketLog) {
        let payload = Int(record.headerLength)
        guard Int(record.length) >= payload + 4, log.byte(position, at: payload) & 0x80 != 0,
            log.byte(position, at: payload + 2) & 0x80 != 0
        else { return nil }
        let flags = log.byte(position, at: payload + 1)
        guard flags & 0x80 != 0 else { return nil }
        let hasIndex = flags & 0x40 != 0 && Int(record.length) > payload + 4
        self.init(
            pictureID: UInt16(log.byte(position, at: payload + 2)) << 8 | UInt16(log.byte(position, at: payload + 3)),
            temporalLayerZeroIndex: hasIndex ? log.byte(position, at: payload + 4) : nil)
    }

    /// Sets the numbers in a copy of a packet that had some.
    /// - Parameter offset: Where the copy's payload begins.
    public func write(to area: inout ByteArea, payloadAt offset: Int) {
        area.store(0x8000 | pictureID, at: offset + 2)
        if let temporalLayerZeroIndex { area.store(temporalLayerZeroIndex, at: offset + 4) }
    }
}
