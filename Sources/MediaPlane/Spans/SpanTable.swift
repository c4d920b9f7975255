import Base
import MediaCore
import ORTC

/// The routers that span workers: each has a home, and a part on every other worker that something of it was put on.
final class SpanTable: Sendable {
    /// A producer of either kind that is being brought to a part.
    struct Way: Hashable, Sendable {
        let producer: Directory.Object
        let sink: RouterPart
    }

    typealias Bringing = Task<Result<Void, MediaCoreError>, Never>

    private struct Span {
        let home: Int
        let mediaCodecs: [RTPCodecCapability]?
        /// The workers beside its home.
        var others: Set<Int> = []
    }

    private struct State {
        var spans: [RouterID: Span] = [:]
        var bringing: [Way: Bringing] = [:]
    }

    private let state = Locked(State())

    var isEmpty: Bool { state.withLock { $0.spans.isEmpty } }

    func enter(_ router: RouterID, home: Int, mediaCodecs: [RTPCodecCapability]?) {
        state.withLock { $0.spans[router] = Span(home: home, mediaCodecs: mediaCodecs) }
    }

    /// The router closes. The workers beside its home; none for a router in one piece.
    func remove(_ router: RouterID) -> [Int] {
        state.withLock { $0.spans.removeValue(forKey: router)?.others.sorted() ?? [] }
    }

    /// Nil: the router does not span workers.
    func home(of router: RouterID) -> Int? { state.withLock { $0.spans[router]?.home } }

    /// All that something of the router is on, its home first; none for a router in one piece.
    func workers(of router: RouterID) -> [Int] {
        state.withLock { state in state.spans[router].map { [$0.home] + $0.others.sorted() } ?? [] }
    }

    enum Admission {
        case isThere
        case isNew(mediaCodecs: [RTPCodecCapability]?)
        /// The router is none that spans workers, or has closed.
        case isGone
    }

    /// Something of the router is about to be made on a worker.
    func admit(_ worker: Int, to router: RouterID) -> Admission {
        state.withLock { state in
            guard let span = state.spans[router] else { return .isGone }
            if worker == span.home || span.others.contains(worker) { return .isThere }
            state.spans[router]?.others.insert(worker)
            return .isNew(mediaCodecs: span.mediaCodecs)
        }
    }

    /// Brings a producer to a part, once for all who want it there at the same time.
    func bring(
        _ way: Way, make: @escaping @Sendable () async -> Result<Void, MediaCoreError>
    ) async throws(MediaCoreError) {
        let bringing = state.withLock { state in
            if let bringing = state.bringing[way] { return bringing }
            let bringing = Bringing {
                let result = await make()
                self.state.withLock { $0.bringing[way] = nil }
                return result
            }
            state.bringing[way] = bringing
            return bringing
        }
        try await bringing.value.get()
    }
}
