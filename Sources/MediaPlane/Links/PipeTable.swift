import Base
import MediaCore

/// The pipes between routers of this core: one pair of transports for two routers, in whichever direction it was wanted
/// first, made once even if two want it at the same time.
final class PipeTable: Sendable {
    /// Two routers, and the transport in each.
    struct Pair: Sendable {
        let transports: [RouterID: TransportID]
    }

    typealias Making = Task<Result<Pair, MediaCoreError>, Never>

    private struct State {
        var pairs: [Set<RouterID>: Making] = [:]
        /// The other end of each, and the routers that they join.
        var others: [TransportID: (other: TransportID, routers: Set<RouterID>)] = [:]
        var lastSerial: UInt32 = 0
    }

    private let state = Locked(State())

    /// The pair of two routers; made when there is none.
    func pair(
        _ one: RouterID, _ other: RouterID, make: @escaping @Sendable () async -> Result<Pair, MediaCoreError>
    ) async throws(MediaCoreError) -> Pair {
        let routers: Set = [one, other]
        let making = state.withLock { state in
            if let making = state.pairs[routers] { return making }
            let making = Making { await make() }
            state.pairs[routers] = making
            return making
        }
        let result = await making.value
        // One that could not be made is tried anew next time.
        if case .failure = result { state.withLock { if $0.pairs[routers] == making { $0.pairs[routers] = nil } } }
        return try result.get()
    }

    /// Remembers who belongs together. Before either can close.
    func join(_ one: TransportID, _ other: TransportID, routers: Set<RouterID>) {
        state.withLock { state in
            state.others[one] = (other, routers)
            state.others[other] = (one, routers)
        }
    }

    /// A transport has closed. The other end, if it is a pipe's: it has to close as well.
    func remove(_ transport: TransportID) -> TransportID? {
        state.withLock { state in
            guard let (other, routers) = state.others.removeValue(forKey: transport) else { return nil }
            state.others[other] = nil
            state.pairs[routers] = nil
            return other
        }
    }

    func makeSerial() -> UInt32 {
        state.withLock { state in
            state.lastSerial &+= 1
            return state.lastSerial
        }
    }
}
