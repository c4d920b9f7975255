/// Stops ingests whose owner is gone: one that was asked for as attached lives only while somebody holds it.
public actor IngestOwners {
    private let pipelines: any PipelineControlling
    private let patience: Duration
    private let clock: any Clock<Duration>
    private var owners: [String: Int] = [:]
    private var waiting: [String: Task<Void, Never>] = [:]

    /// - Parameter patience: How long an attached ingest waits for its first owner. 10 s: far longer than the second
    ///   request takes that the client sends right after the first.
    public init(
        pipelines: any PipelineControlling, patience: Duration = .seconds(10),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.pipelines = pipelines
        self.patience = patience
        self.clock = clock
    }

    /// An attached ingest was started; it is stopped when nobody claims it in time.
    public func expectOwner(of id: String) {
        guard owners[id] == nil else { return }
        waiting[id] = Task { [clock, patience] in
            guard (try? await clock.sleep(for: patience)) != nil else { return }
            await self.giveUp(id)
        }
    }

    public func claim(_ id: String) {
        waiting.removeValue(forKey: id)?.cancel()
        owners[id, default: 0] += 1
    }

    /// An owner let go; with the last one the ingest ends.
    public func release(_ id: String) async {
        guard let count = owners[id] else { return }
        guard count == 1 else {
            owners[id] = count - 1
            return
        }
        owners[id] = nil
        await stop(id)
    }

    private func giveUp(_ id: String) async {
        guard waiting.removeValue(forKey: id) != nil else { return }
        await stop(id)
    }

    private func stop(_ id: String) async {
        // Forgotten already: it has ended long ago, and there is nothing to stop.
        _ = try? await pipelines.stopIngest(id)
    }
}
