import Base

/// The packets of a consumer, or the RTCP of a transport, as code of this process reads them: in batches, since a reader that
/// was woken for each packet would cost more than the packet.
///
/// Bounded: a reader that is too slow loses the packets that have no room, and they are counted. One reader.
public final class DirectPackets: Sendable, AsyncSequence, AsyncIteratorProtocol {
    public typealias Element = PacketBatch
    public typealias Failure = Never

    private struct State {
        var batch = PacketBatch()
        var dropped: UInt64 = 0
        var hasFinished = false
        var waiting: CheckedContinuation<PacketBatch?, Never>?
    }

    private let state = Locked(State())
    private let capacity: Int

    /// - Parameter capacity: Bytes that wait at most.
    init(capacity: Int) { self.capacity = capacity }

    /// Packets that had no room.
    public var dropped: UInt64 { state.withLock { $0.dropped } }

    /// What has come since the last call, at once or when something comes; nil: the consumer or transport has closed.
    public func next() async -> PacketBatch? { await next(isolation: nil) }

    public func next(isolation actor: isolated (any Actor)?) async -> PacketBatch? {
        await withCheckedContinuation { continuation in
            let answer: PacketBatch?? = state.withLock { state in
                if !state.batch.isEmpty {
                    defer { state.batch = PacketBatch() }
                    return state.batch
                }
                if state.hasFinished || state.waiting != nil { return .some(nil) }
                state.waiting = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    public func makeAsyncIterator() -> DirectPackets { self }

    func add(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            guard !state.hasFinished else { return }
            if state.batch.byteCount + bytes.count > capacity {
                state.dropped += 1
            } else {
                state.batch.append(bytes)
            }
        }
    }

    /// After the last packet of a turn.
    func wakeReader() {
        let wake: (CheckedContinuation<PacketBatch?, Never>, PacketBatch)? = state.withLock { state in
            guard !state.batch.isEmpty, let waiting = state.waiting else { return nil }
            state.waiting = nil
            defer { state.batch = PacketBatch() }
            return (waiting, state.batch)
        }
        if let (waiting, batch) = wake { waiting.resume(returning: batch) }
    }

    /// What waits is still read.
    func finish() {
        let waiting = state.withLock { state in
            state.hasFinished = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: nil)
    }
}

/// Packets back to back.
public struct PacketBatch: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    public init() {}

    public var count: Int { ends.count }
    public var isEmpty: Bool { ends.isEmpty }
    /// Of all packets.
    public var byteCount: Int { bytes.count }

    public subscript(index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// A packet in place, without a copy.
    public func withPacket<Result>(_ index: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        try body(bytes.span.bytes.extracting((index == 0 ? 0 : ends[index - 1])..<ends[index]))
    }

    mutating func append(_ packet: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: packet)
        ends.append(bytes.count)
    }
}
