import Base
import Control
import Events
import MediaPlane
import Signaling

/// Gathers the figures of all parts for a scrape. Nothing is gathered more than once a second, and nothing waits for a
/// part that is stuck: that it is stuck is one of the figures.
///
/// No label can have more values than this code or a router's codec list names: no rooms, no ids. Facets: +Media, +Rooms,
/// +Pipelines.
public struct MetricsCollector: MetricsSource {
    /// Whom the figures are of.
    public struct Parts: Sendable {
        public var version: String
        public var core: EmbeddedCore
        public var rooms: Rooms
        /// Also those that have ended, as far as they are still known.
        public var ingests: @Sendable () async -> [IngestStatus]
        public var recordings: @Sendable () async -> [RecordingStatus]
        public var tally: EventTally
        public var health: HealthCheck
        public var requests: RequestCounter
        public var recordingsFolder: String

        public init(
            version: String, core: EmbeddedCore, rooms: Rooms,
            ingests: @escaping @Sendable () async -> [IngestStatus],
            recordings: @escaping @Sendable () async -> [RecordingStatus], tally: EventTally, health: HealthCheck,
            requests: RequestCounter, recordingsFolder: String
        ) {
            self.version = version
            self.core = core
            self.rooms = rooms
            self.ingests = ingests
            self.recordings = recordings
            self.tally = tally
            self.health = health
            self.requests = requests
            self.recordingsFolder = recordingsFolder
        }
    }

    private let remembered: Remembered<[Metric]>

    /// - Parameter limits: As for the health check.
    public init(_ parts: Parts, limits: HealthCheck.Limits = HealthCheck.Limits()) {
        let media = MediaFigures(core: parts.core, limit: limits.loopAnswer)
        let bytes = RecordedBytes()
        let disk = RecordingsDisk(folder: parts.recordingsFolder)
        remembered = Remembered(for: limits.lifetime) {
            async let ofMedia = media.metrics()
            async let space = disk.look(within: limits.diskAnswer)
            async let reasons = parts.health.reasonsNotReady()
            let ofRooms = Self.metrics(of: await parts.rooms.list())
            let ofPipelines = Self.metrics(
                ingests: await parts.ingests(), recordings: await parts.recordings(), bytes, parts.tally.counts)
            return Self.general(version: parts.version, isReady: await reasons.isEmpty) + ofRooms + (await ofMedia)
                + ofPipelines + Self.metrics(of: await space) + Self.metrics(of: parts.tally.counts)
                + Self.webRTCMetrics(of: parts.tally.counts) + Self.metrics(of: parts.requests)
                + ProcessFigures.metrics()
        }
    }

    public func metrics() async -> [Metric] { await remembered.value() }

    // MARK: - What belongs to no part

    private static func general(version: String, isReady: Bool) -> [Metric] {
        [
            Metric(
                "ladle_build_info", .gauge, "The version that runs; always 1.", [.init(1, [.init("version", version)])]),
            Metric("ladle_ready", .gauge, "1 when /health/ready says so; it names the reasons for 0.", isReady ? 1 : 0),
        ]
    }

    private static func metrics(of look: RecordingsDisk.Look?) -> [Metric] {
        func sample(_ bytes: UInt64?) -> [Metric.Sample] { bytes.map { [.init(Double($0))] } ?? [] }
        return [
            Metric(
                "ladle_recordings_disk_free_bytes", .gauge, "Free on the disk of the recordings folder, in bytes.",
                sample(look?.freeBytes)),
            Metric(
                "ladle_recordings_disk_size_bytes", .gauge, "Size of the disk of the recordings folder, in bytes.",
                sample(look?.sizeBytes)),
        ]
    }

    private static func metrics(of counts: EventTally.Counts) -> [Metric] {
        let samples = FactKind.allCases.filter { $0 != .gap }.map { kind in
            Metric.Sample(Double(counts.events[kind] ?? 0), [.init("type", kind.rawValue)])
        }
        return [Metric("ladle_events_total", .counter, "Events published, by their type.", samples)]
    }

    private static func metrics(of requests: RequestCounter) -> [Metric] {
        let samples = requests.byClass.map { Metric.Sample(Double($0.count), [.init("status", $0.name)]) }
        return [Metric("ladle_http_requests_total", .counter, "HTTP requests answered, by class of status.", samples)]
    }
}
