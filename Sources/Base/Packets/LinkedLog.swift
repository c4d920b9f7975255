import Glibc

/// One packet log as another thread reads it: packets go from worker to worker with one copy, out of the writer's log
/// straight into the reader's.
///
///     writer:  | … overwritten … | next ── read now ──→ end | not shown yet … head
///
/// The lock is held for a few instructions only, never while packets are copied: a reader whose thread is taken away in
/// the midst of it keeps nobody waiting. The writer asks for the reader's place only when it is about to overwrite
/// something that was unread when it asked last. A reader that is a whole log behind loses what it has not read, and learns of
/// it; the writer waits for it only if it is copying the very packets that are to be overwritten.
public final class LinkedLog: Sendable {
    /// Where the packets lie. Valid as long as the lease is held.
    struct Memory: @unchecked Sendable {
        let base: UnsafeRawPointer
        let mask: UInt64
        let lease: MemoryLease
    }

    private struct State {
        var memory: Memory?
        /// The first packet that was not taken, and where what may be taken ends.
        var next: UInt64 = 0
        var end: UInt64 = 0
        /// The first packet of the chunk that is being read.
        var reading: UInt64?
        /// Counts `begin` and losses: a chunk from before says nothing about the place.
        var generation = 0
        var hasLost = false
        var losses: UInt64 = 0
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
        var isFinished = false
    }

    private let state = Locked(State())

    public init() {}

    // MARK: - The writer's side

    func begin(_ memory: Memory, at position: UInt64) {
        state.withLock { state in
            state.memory = memory
            (state.next, state.end) = (position, position)
            state.generation += 1
        }
    }

    func publish(_ end: UInt64) -> Bool {
        state.withLock { state in
            guard end > state.end, !state.isFinished else { return false }
            state.end = end
            return true
        }
    }

    /// Everything before `oldest`, which is a packet's place, is about to be overwritten.
    /// - Returns: The oldest packet that is still needed.
    func clear(before oldest: UInt64) -> UInt64 {
        while true {
            let place: UInt64? = state.withLock { state in
                if state.isFinished { return .max / 2 }
                if state.reading ?? .max < oldest { return nil }
                if state.next < oldest {
                    // Who had read everything that it was shown has lost nothing that it was meant to get.
                    if state.next < state.end {
                        state.hasLost = true
                        state.losses += 1
                    }
                    state.next = oldest
                    state.end = max(state.end, oldest)
                    state.generation += 1
                }
                return min(state.reading ?? .max, state.next)
            }
            if let place { return place }
            // A whole log behind and copying right now: some microseconds, unless its thread was taken away.
            sched_yield()
        }
    }

    // MARK: - The reader's side

    /// Packets to be read now, until `done`.
    public struct Chunk: ~Copyable {
        fileprivate let memory: Memory
        fileprivate let generation: Int
        private var position: UInt64
        fileprivate var packets = 0
        fileprivate var bytes = 0
        private let end: UInt64
        /// Packets before these were lost.
        public let hasLost: Bool

        fileprivate init(memory: Memory, generation: Int, from position: UInt64, to end: UInt64, hasLost: Bool) {
            (self.memory, self.generation, self.position, self.end) = (memory, generation, position, end)
            self.hasLost = hasLost
        }

        fileprivate var place: UInt64 { position }

        /// The next packet; nil: that was all.
        public mutating func next() -> Packet? {
            skipLapEnd()
            guard position < end else { return nil }
            let record = self.record
            let bytes = UnsafeRawBufferPointer(
                start: memory.base + Int(position & memory.mask) + PacketLog.recordSize, count: Int(record.length))
            position = PacketLog.end(of: record, at: position)
            packets += 1
            self.bytes += bytes.count
            return Packet(record: record, bytes: bytes)
        }

        private mutating func skipLapEnd() {
            if position < end, record.length == 0 { position = (position | memory.mask) + 1 }
        }

        // The place is a packet's or a lap's end: what lies between two published positions is nothing else.
        private var record: PacketLog.Record {
            memory.base.load(fromByteOffset: Int(position & memory.mask), as: PacketLog.Record.self)
        }
    }

    /// A packet in the writer's memory, good until the chunk is done.
    public struct Packet {
        public let record: PacketLog.Record
        public let bytes: UnsafeRawBufferPointer
    }

    /// Nil: there is nothing new.
    public func take() -> Chunk? {
        let chunk: Chunk? = state.withLock { state in
            guard let memory = state.memory, state.next < state.end, state.reading == nil else { return nil }
            state.reading = state.next
            defer { state.hasLost = false }
            return Chunk(
                memory: memory, generation: state.generation, from: state.next, to: state.end, hasLost: state.hasLost)
        }
        return chunk
    }

    /// What was read of the chunk may be overwritten; the rest comes again.
    public func done(_ chunk: consuming Chunk) {
        state.withLock { state in
            state.reading = nil
            state.packets += UInt64(chunk.packets)
            state.bytes += UInt64(chunk.bytes)
            if chunk.generation == state.generation { state.next = chunk.place }
        }
    }

    /// Nothing is read any more.
    public func finish() {
        state.withLock { state in
            state.isFinished = true
            state.memory = nil
        }
    }

    var isFinished: Bool { state.withLock { $0.isFinished } }

    /// What was read so far.
    public var counts: (packets: UInt64, bytes: UInt64) { state.withLock { ($0.packets, $0.bytes) } }

    /// How often the reader was overtaken.
    public var losses: UInt64 { state.withLock { $0.losses } }
}
