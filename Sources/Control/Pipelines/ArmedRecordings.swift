import Base

/// The recordings that wait for media, and the ingests that wait for them, so that nothing of a file is missed.
actor ArmedRecordings {
    private struct Armed {
        let room: String
        /// Nil: of anybody.
        let broadcaster: String?
        /// Nil until it has chosen.
        var producers: Set<ProducerID>?
        let sourceIsComplete: @Sendable (String) async -> Void
    }

    private var armed: [String: Armed] = [:]
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// A recording stands; from now on ingests of its room wait for it.
    /// - Parameter sourceIsComplete: Called with the id of a broadcaster that will produce nothing more.
    func arm(
        _ id: String, room: String, broadcaster: String?,
        sourceIsComplete: @escaping @Sendable (String) async -> Void
    ) {
        armed[id] = Armed(room: room, broadcaster: broadcaster, sourceIsComplete: sourceIsComplete)
    }

    /// It has chosen what it will consume.
    func chosen(_ id: String, _ producers: Set<ProducerID>) {
        armed[id]?.producers = producers
        wake()
    }

    /// Its consumers are resumed, or it is gone: nobody need wait for it any more.
    func ready(_ id: String) {
        armed[id] = nil
        wake()
    }

    /// Tells the room's recordings that `broadcaster` has made all its producers; waits for none of them.
    func complete(_ broadcaster: String, room: String) {
        for recording in armed.values where recording.room == room {
            Task { await recording.sourceIsComplete(broadcaster) }
        }
    }

    /// The recordings that may want one of these producers and are not receiving yet; sorted.
    func awaited(by broadcaster: String, _ producers: Set<ProducerID>, room: String) -> [String] {
        armed.filter { _, recording in
            recording.room == room && (recording.broadcaster ?? broadcaster) == broadcaster
                && recording.producers.map { !$0.isDisjoint(with: producers) } ?? true
        }.keys.sorted()
    }

    /// Returns when `awaited` has become empty.
    func wait(for broadcaster: String, _ producers: Set<ProducerID>, room: String) async {
        while !awaited(by: broadcaster, producers, room: room).isEmpty {
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    private func wake() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
