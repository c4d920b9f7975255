import Base
import MediaCore

/// What of a router lives on one worker.
struct RouterPart: Hashable, Sendable {
    let router: RouterID
    let worker: Int
}

/// The pipes between routers of this core, and between the parts of one: one pair of transports for two parts, in
/// whichever direction it was wanted first, made once even if two want it at the same time.
final class PipeTable: Sendable {
    /// Two parts, and the transport in each.
    struct Pair: Sendable {
        let transports: [RouterPart: TransportID]
    }

    typealias Making = Task<Result<Pair, MediaCoreError>, Never>

    private struct State {
        var pairs: [Set<RouterPart>: Making] = [:]
        /// The other end of each, and whom they join.
        var others: [TransportID: (other: TransportID, worker: Int, parts: Set<RouterPart>)] = [:]
        var lastSerial: UInt32 = 0
    }

    private let state = Locked(State())

    /// The pair of two parts; made when there is none.
    func pair(
        _ one: RouterPart, _ other: RouterPart, make: @escaping @Sendable () async -> Result<Pair, MediaCoreError>
    ) async throws(MediaCoreError) -> Pair {
        let parts: Set = [one, other]
        let making = state.withLock { state in
            if let making = state.pairs[parts] { return making }
            let making = Making { await make() }
            state.pairs[parts] = making
            return making
        }
        let result = await making.value
        // One that could not be made is tried anew next time.
        if case .failure = result { state.withLock { if $0.pairs[parts] == making { $0.pairs[parts] = nil } } }
        return try result.get()
    }

    /// Remembers who belongs together. Before either can close.
    func join(_ one: TransportID, of first: RouterPart, _ other: TransportID, of second: RouterPart) {
        state.withLock { state in
            state.others[one] = (other, second.worker, [first, second])
            state.others[other] = (one, first.worker, [first, second])
        }
    }

    /// A transport has closed. The other end, if it is a pipe's, and its worker: it has to close as well.
    func remove(_ transport: TransportID) -> (other: TransportID, worker: Int)? {
        state.withLock { state in
            guard let (other, worker, parts) = state.others.removeValue(forKey: transport) else { return nil }
            state.others[other] = nil
            state.pairs[parts] = nil
            return (other, worker)
        }
    }

    func makeSerial() -> UInt32 {
        state.withLock { state in
            state.lastSerial &+= 1
            return state.lastSerial
        }
    }
}
