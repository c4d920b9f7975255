import PipelineDescription

/// What the doors ask of ingests and recordings. Implemented by the pipeline supervisor, doubled in tests.
///
/// Ids are the pipelines' own. Finished and failed ones stay listed for a while, so that a client that comes late can
/// read how it ended.
public protocol PipelineControlling: Sendable {
    /// Starts an ingest and answers once its source is accepted for opening; what happens then is in its status.
    func startIngest(_ request: IngestRequest) async throws(ControlError) -> IngestStatus
    func ingests() async -> [IngestStatus]
    /// Throws `notFound` for an id that is not known (any more).
    func ingest(_ id: String) async throws(ControlError) -> IngestStatus
    /// Stops it in order and answers when it has ended; an ended one answers at once.
    func stopIngest(_ id: String) async throws(ControlError) -> IngestStatus
    /// The present status at once, then one with each change and about once a second while it runs; ends after the
    /// final one.
    func ingestProgress(_ id: String) async throws(ControlError) -> AsyncStream<IngestStatus>

    func startRecording(_ request: RecordingRequest) async throws(ControlError) -> RecordingStatus
    func recordings() async -> [RecordingStatus]
    func recording(_ id: String) async throws(ControlError) -> RecordingStatus
    /// Ends it in order and answers when the file is finalised, or has failed to be; bounded by the supervisor's own
    /// limit for a child that hangs.
    func finishRecording(_ id: String) async throws(ControlError) -> RecordingStatus
    /// The descriptions that requests can name, sorted by name.
    func blueprints() async -> [PipelineBlueprint]

    func recordingProgress(_ id: String) async throws(ControlError) -> AsyncStream<RecordingStatus>
}
