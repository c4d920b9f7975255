/// The packets of one received stream, in order of arrival, in a ring of bytes.
///
/// A packet is named by its absolute position, a number that only grows; nobody holds a reference, and a position
/// behind the tail is refused. The log is the pending run of every consumer, the GOP cache and the retransmission
/// store at once.
///
///     position & (capacity − 1) = place in the ring
///     | record (24 bytes) | packet bytes, and at least one more, up to a multiple of 8 | record | …
///
/// A packet never straddles the end of the ring: where it would not fit, a record of length 0 closes the lap and the
/// next packet lies at the next multiple of the capacity. A lap may be closed earlier (`closeLap`), so that a stream
/// that needs little history touches little memory.
public struct PacketLog: ~Copyable {
    /// What stands before each packet.
    public struct Record: Sendable {
        /// Bytes of the packet; 0 closes the lap.
        public var length: UInt16
        /// Among the layers of its stream.
        public var layers: PacketLayers
        /// Bytes of the RTP header with CSRCs and extension: where the payload starts.
        public var headerLength: UInt16
        /// For the owner of the log.
        public var flags: UInt16
        /// Extended sequence number, as the owner counts.
        public var index: UInt64
        public var arrival: Instant

        @inlinable
        init(
            length: UInt16, layers: PacketLayers, headerLength: UInt16, flags: UInt16, index: UInt64, arrival: Instant
        ) {
            self.length = length
            self.layers = layers
            self.headerLength = headerLength
            self.flags = flags
            self.index = index
            self.arrival = arrival
        }
    }

    @usableFromInline static let recordSize = 24

    /// The ring itself, for those who read packets where they lie; see `place(of:)`.
    public private(set) var area: ByteArea
    @usableFromInline let mask: UInt64
    /// Where the next packet will be written.
    public private(set) var head: UInt64 = 0
    /// Others, on threads of their own, that read the log themselves.
    private var readers: [LinkedLog] = []
    /// Up to here may be written without asking them.
    private var fence = UInt64.max
    /// The oldest packet still there; equal to `head` when there is none.
    public private(set) var tail: UInt64 = 0

    public var capacity: Int { Int(mask) + 1 }

    /// - Parameter capacity: In bytes; rounded up to a power of two, at least 64 KB.
    public init(capacity: Int) {
        var size = 65_536
        while size < capacity { size *= 2 }
        area = ByteArea(capacity: size)
        mask = UInt64(size - 1)
    }

    /// Whether a packet may still be read at this position.
    @inlinable
    public func contains(_ position: UInt64) -> Bool { position >= tail && position < head }

    /// Bytes written in the current lap.
    public var lapLength: Int { Int(head & mask) }

    /// Appends one packet, given in two pieces, and forgets as many old ones as it needs room.
    /// - Parameters:
    ///   - head: The RTP header as it shall be kept, and the beginning of the payload if that changes, too; `body`
    ///     follows it.
    ///   - headerLength: Of the RTP header alone; nil: all of `head`.
    /// - Returns: Its position; nil for an empty packet or one larger than 65,535 bytes.
    public mutating func append(
        head packetHead: RawSpan, headerLength: Int? = nil, body: RawSpan, index: UInt64, flags: UInt16,
        layers: PacketLayers = PacketLayers(), arrival: Instant
    ) -> UInt64? {
        let length = packetHead.byteCount + body.byteCount
        guard length > 0, length <= 65_535, packetHead.byteCount <= 65_535 else { return nil }
        let size = Self.recordSize + Self.room(for: length)
        // One record more, so that there is always room for the one that closes the lap.
        if lapLength + size + Self.recordSize > capacity { closeLap() }
        let end = head + UInt64(size + Self.recordSize)
        makeRoom(until: end)
        if end > fence { askReaders() }
        let position = head
        let place = Int(position & mask)
        var layers = layers
        layers.isWidened = false
        let record = Record(
            length: UInt16(length), layers: layers,
            headerLength: UInt16(clamping: headerLength ?? packetHead.byteCount), flags: flags, index: index,
            arrival: arrival)
        store(record, at: place)
        area.write(packetHead, at: place + Self.recordSize)
        area.write(body, at: place + Self.recordSize + packetHead.byteCount)
        head += UInt64(size)
        return position
    }

    /// Continues at the beginning of the ring. What lies in the lap stays readable until it is overwritten.
    public mutating func closeLap() {
        guard lapLength > 0 else { return }
        let end = Record(
            length: 0, layers: PacketLayers(), headerLength: 0, flags: 0, index: 0, arrival: Instant(nanoseconds: 0))
        store(end, at: lapLength)
        let wasEmpty = tail == head
        head = (head | mask) + 1
        if wasEmpty { tail = head }
    }

    /// The record of a packet. The position must be in the log.
    @inlinable
    public func record(at position: UInt64) -> Record {
        precondition(contains(position), "a position that has been overwritten")
        return load(at: Int(position & mask))
    }

    /// Where a packet's place ends: in 64 bits, since a length near 65,535 with its filling has no room in 16.
    @inlinable
    static func end(of record: Record, at position: UInt64) -> UInt64 {
        position + UInt64(recordSize) + UInt64(room(for: Int(record.length) - (record.layers.isWidened ? 1 : 0)))
    }

    /// What a packet takes: one byte more than it has, for `widen`, and what fills it up.
    @inlinable
    static func room(for length: Int) -> Int { (length + 8) & ~7 }

    /// Makes an RTP packet one byte longer: one byte of padding (RFC 3550 §5.1). For packets that nobody has read yet.
    /// - Returns: False, and nothing is changed, for one that has padding, or can't be longer. The position must be in
    ///   the log.
    @discardableResult
    public mutating func widen(_ position: UInt64) -> Bool {
        var record = record(at: position)
        let start = place(of: position)
        let first = area.uint8(at: start)
        guard record.length > 0, record.length < .max, first & 0x20 == 0, !record.layers.isWidened else { return false }
        area.store(first | 0x20, at: start)
        area.store(UInt8(1), at: start + Int(record.length))
        record.length += 1
        record.layers.isWidened = true
        store(record, at: start - Self.recordSize)
        return true
    }

    /// The position behind a packet: the next packet, or `head`.
    @inlinable
    public func position(after position: UInt64, _ record: Record) -> UInt64 {
        let next = Self.end(of: record, at: position)
        // At `head` there is no record yet; elsewhere an empty one closes the lap.
        if next < head, load(at: Int(next & mask)).length == 0 { return (next | mask) + 1 }
        return next
    }

    /// The first packet at a position or behind it; `head` when there is none. Needed where the position was `head`
    /// once: a lap may have been closed right there.
    @inlinable @inline(__always)
    public func firstPosition(from position: UInt64) -> UInt64 {
        guard contains(position), load(at: Int(position & mask)).length == 0 else { return position }
        return (position | mask) + 1
    }

    /// Where in the ring a packet's bytes begin. The position must be in the log.
    @inlinable
    public func place(of position: UInt64) -> Int { Int(position & mask) + Self.recordSize }

    /// Copies a packet, or a piece of it, into an area.
    @inlinable
    public func copy(_ position: UInt64, _ range: Range<Int>, into slots: inout ByteArea, at offset: Int) {
        let start = Int(position & mask) + Self.recordSize
        slots.write(area, from: start + range.lowerBound, count: range.count, at: offset)
    }

    /// One byte of a packet.
    @inlinable
    public func byte(_ position: UInt64, at offset: Int) -> UInt8 {
        area.uint8(at: Int(position & mask) + Self.recordSize + offset)
    }

    /// Four bytes of a packet, in network byte order.
    @inlinable
    public func uint32(_ position: UInt64, at offset: Int) -> UInt32 {
        area.uint32(at: Int(position & mask) + Self.recordSize + offset)
    }

    /// A packet's bytes: for tests and rare paths. The position must be in the log.
    public func bytes(at position: UInt64) -> [UInt8] {
        let start = Int(position & mask) + Self.recordSize
        return area.bytes(start..<start + Int(record(at: position).length))
    }

    /// Forgets what lies before a position (that of a packet, or `head`), and gives the memory back that nothing lies in.
    public mutating func forget(before position: UInt64) {
        while tail < head, tail < position { tail = self.position(after: tail, load(at: Int(tail & mask))) }
        if !readers.isEmpty { askReaders() }
        let (free, used) = (Int(head & mask), Int(tail & mask))
        if tail == head {
            area.discard(0..<capacity)
        } else if free <= used {
            area.discard(free..<used)
        } else {
            area.discard(0..<used)
            area.discard(free..<capacity)
        }
    }

    /// Moves the tail record by record until everything up to `end` can be written.
    private mutating func makeRoom(until end: UInt64) {
        while tail < head, end - tail > UInt64(capacity) {
            tail = position(after: tail, load(at: Int(tail & mask)))
        }
    }

    @usableFromInline
    func load(at place: Int) -> Record {
        area.check(place, Self.recordSize)
        // Places are multiples of 8 and Record is trivial: aligned, and no object is made of the bytes.
        return area.base.load(fromByteOffset: place, as: Record.self)
    }

    private mutating func store(_ record: Record, at place: Int) {
        area.check(place, Self.recordSize)
        // As in load(at:).
        area.base.storeBytes(of: record, toByteOffset: place, as: Record.self)
    }
}

// MARK: - Readers on other threads

extension PacketLog {
    /// Lets another thread read from a packet on, what it is told of by `publish`. Attaching again moves its place.
    public mutating func attach(_ reader: LinkedLog, at position: UInt64) {
        reader.begin(
            LinkedLog.Memory(base: UnsafeRawPointer(area.base), mask: mask, lease: area.lease), at: position)
        if !readers.contains(where: { $0 === reader }) { readers.append(reader) }
        fence = min(fence, position + UInt64(capacity))
    }

    /// Shows a reader everything up to the head. True: there is something that it had not seen.
    public func publish(to reader: LinkedLog) -> Bool { reader.publish(head) }

    /// Before bytes are overwritten that a reader may not have read yet: looks where they all are now. One that is a whole
    /// log behind loses what it has not read.
    private mutating func askReaders() {
        readers.removeAll(where: \.isFinished)
        fence = .max
        for reader in readers { fence = min(fence, reader.clear(before: tail) + UInt64(capacity)) }
    }
}
