import Base

/// The driver's name for one of its sockets. The engine only compares it.
public struct SocketID: Sendable, Hashable {
    public let rawValue: UInt32
    @inlinable
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// Datagrams that lie back to back in the slots and go to one destination: one `sendmsg` with UDP_SEGMENT.
///
/// Each is `segmentSize` bytes, only the last may be shorter.
public struct SegmentRun: Sendable {
    /// `msg_name` may point into it.
    public var destination: SocketAddress
    public var socket: SocketID
    /// In the outbox's slots, in bytes.
    public var offset: UInt32
    /// Of the whole run, in bytes.
    public var length: UInt32
    public var segmentSize: UInt16
    /// 1…64 datagrams.
    public var count: UInt16
    /// The outgoing stream whose packets they are, for `sendFailed`; nil: RTCP and the like.
    public var owner: SlabIndex?

    /// The kernel's bounds: UDP_MAX_SEGMENTS, and an IP packet's length with headers.
    public static let maximumCount = 64
    public static let maximumLength = 65_000
}

/// What the engine wants done: datagrams to send, facts to tell, sockets to close. The driver performs and empties it.
public struct Outbox: ~Copyable {
    /// The bytes of the runs.
    public internal(set) var slots: ByteArea
    /// Good until the outbox is written to or emptied.
    public var runs: UnsafeBufferPointer<SegmentRun> { UnsafeBufferPointer(start: memory, count: runCount) }
    /// Bytes of the slots in use.
    public private(set) var used = 0
    public private(set) var events: [SFUEvent] = []
    public private(set) var socketsToClose: [SocketID] = []

    /// 256 KB: 4 runs of full length; smaller and larger were measured alike.
    public static let standardCapacity = 262_144

    /// Of `maximumRuns`, the first `runCount` in use. Own memory: an array would ask with each run whether it is shared.
    private let memory: UnsafeMutablePointer<SegmentRun>
    private let maximumRuns: Int
    private var runCount = 0
    /// Whether the last run may grow; a datagram that stands alone closes it.
    private var isOpen = false
    private var owner: SlabIndex?

    /// - Parameter capacity: Of the slots, in bytes.
    public init(capacity: Int = Outbox.standardCapacity, maximumRuns: Int = 1024) {
        slots = ByteArea(capacity: max(capacity, 4096))
        self.maximumRuns = max(maximumRuns, 1)
        memory = .allocate(capacity: self.maximumRuns)
    }

    // Runs are trivial: nothing to take down.
    deinit { memory.deallocate() }

    /// After the runs were given to the kernel.
    public mutating func removeDatagrams() {
        runCount = 0
        used = 0
        isOpen = false
    }

    public mutating func takeEvents() -> [SFUEvent] {
        if events.isEmpty { return [] }
        defer { events.removeAll() }
        return events
    }

    public mutating func takeSocketsToClose() -> [SocketID] {
        if socketsToClose.isEmpty { return [] }
        defer { socketsToClose.removeAll() }
        return socketsToClose
    }

    mutating func report(_ event: SFUEvent) { events.append(event) }
    mutating func close(_ socket: SocketID) { socketsToClose.append(socket) }

    // MARK: - Datagrams

    func hasRoom(for size: Int) -> Bool { used + size <= slots.capacity && runCount < maximumRuns }

    /// Ends the run that is being written: the next datagrams belong to an outgoing stream, or to nobody.
    mutating func beginRun(of owner: SlabIndex?) {
        isOpen = false
        self.owner = owner
    }

    /// Counts in a datagram that was written at `used`; it joins the last run where the kernel can cut it off again.
    mutating func add(size: Int, to destination: SocketAddress, on socket: SocketID) {
        let length = UInt32(size)
        if isOpen, join(length) {
            used += size
            return
        }
        precondition(runCount < maximumRuns, "no room was asked for")
        (memory + runCount).initialize(
            to: SegmentRun(
                destination: destination, socket: socket, offset: UInt32(used), length: length,
                segmentSize: UInt16(clamping: size), count: 1, owner: owner))
        runCount += 1
        used += size
        isOpen = true
    }

    /// A run is cut when it is full, when its last datagram was the short one, or when this one is longer.
    private mutating func join(_ size: UInt32) -> Bool {
        // Open: there is one.
        let last = memory + (runCount - 1)
        let segment = UInt32(last.pointee.segmentSize)
        guard last.pointee.count < SegmentRun.maximumCount, last.pointee.length == segment * UInt32(last.pointee.count),
            size <= segment, last.pointee.length + size <= SegmentRun.maximumLength
        else { return false }
        last.pointee.length += size
        last.pointee.count += 1
        return true
    }

    enum RTCPSending {
        /// Bytes on the wire.
        case sent(Int)
        case unprotected
        case full
    }

    /// One RTCP compound that stands alone, protected.
    mutating func send(
        _ compound: RawSpan, under security: inout TransportSecurity?, to destination: SocketAddress,
        on socket: SocketID
    ) -> RTCPSending {
        guard hasRoom(for: compound.byteCount + (security?.rtcpOverhead ?? 0)) else { return .full }
        slots.write(compound, at: used)
        guard let size = security?.protectRTCP(&slots, at: used, length: compound.byteCount) else {
            return .unprotected
        }
        let before = owner
        beginRun(of: nil)
        add(size: size, to: destination, on: socket)
        beginRun(of: before)
        return .sent(size)
    }

    /// One datagram that stands alone. False: no room.
    public mutating func send(_ bytes: RawSpan, to destination: SocketAddress, on socket: SocketID) -> Bool {
        guard hasRoom(for: bytes.byteCount) else { return false }
        let before = owner
        beginRun(of: nil)
        defer { beginRun(of: before) }
        slots.write(bytes, at: used)
        add(size: bytes.byteCount, to: destination, on: socket)
        return true
    }
}
