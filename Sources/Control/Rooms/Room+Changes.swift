extension Room {
    /// The members and producers that are there, then every change in order, `closed` last.
    ///
    /// Unbounded, which is bounded in fact: a change is a producer that somebody made or closed by a command, and the
    /// readers are pipelines of this process that keep nothing but the ids.
    public func changes() -> AsyncStream<RoomChange> {
        let (stream, continuation) = AsyncStream.makeStream(of: RoomChange.self)
        for member in inOrder(broadcasters) where member.isJoined { continuation.yield(.memberAdded(member)) }
        for producer in inOrder(producers) { continuation.yield(.producerAdded(producer)) }
        guard isOpen else {
            continuation.yield(.closed(reason: ClosingReason.roomClosed))
            continuation.finish()
            return stream
        }
        created += 1
        let key = created
        readers[key] = continuation
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forgetReader(key) }
        }
        return stream
    }

    func tellReaders(_ change: RoomChange) {
        for reader in readers.values { reader.yield(change) }
        tellPeers(change)
    }

    private func forgetReader(_ key: Int) { readers[key] = nil }
}
