import Base

/// Until when a loop may wait for the next packet or command.
public enum LoopWait: Sendable, Hashable {
    case forEver
    case until(Instant)
    /// Sleep to the end: packets that come meanwhile are wanted together, so none of them shall wake us. A command waits
    /// as long; so only for the coalescing window.
    case nap(until: Instant)

    /// When the next turn is due; nil: with the next packet or command, or at once at the start.
    var deadline: Instant? {
        switch self {
        case .forEver: nil
        case .nap(let deadline), .until(let deadline): deadline.nanoseconds > 0 ? deadline : nil
        }
    }

    /// In nanoseconds, as epoll wants it.
    func timeout(from now: Int64) -> Int64 {
        switch self {
        case .forEver: -1
        case .nap: 0
        case .until(let deadline): deadline == .distantFuture ? -1 : max(0, deadline.nanoseconds - now)
        }
    }
}

/// The tokens of the sockets that have something to read.
///
/// Sendable although it points at the loop's own memory: it is made for one turn, which runs on the thread that made it.
public struct ReadySockets: @unchecked Sendable {
    let tokens: UnsafeBufferPointer<UInt32>

    public var count: Int { tokens.count }
    public subscript(index: Int) -> UInt32 {
        precondition(tokens.indices.contains(index))
        return tokens[index]
    }
}
