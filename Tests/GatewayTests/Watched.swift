import Base
import CLinux
import Control
import Events
import FoundationEssentials
import Gateway
import Logging
import MediaCore
import MediaPlane
import ORTC
import Signaling
import TestSupport
import Testing

/// The parts of a gateway that are watched, with pipelines that say what a test wants.
struct Watched {
    let core: EmbeddedCore
    let loop: MediaLoop
    let events = EventBus()
    let rooms: Rooms
    let ingests = Locked([IngestStatus]())
    let recordings = Locked([RecordingStatus]())
    let tally = EventTally()
    let requests = RequestCounter()
    let folder: String
    private let program: String?
    private let limits: HealthCheck.Limits

    /// - Parameter program: Of the pipelines; this test's own by default, since something must be there.
    init(
        folder: String? = nil, program: String? = nil, ports: ClosedRange<UInt16> = 40_000...49_999,
        _ change: (inout HealthCheck.Limits) -> Void = { _ in }
    ) throws {
        var limits = HealthCheck.Limits()
        limits.lifetime = .zero
        limits.loopAnswer = .seconds(60)
        limits.diskAnswer = .seconds(60)
        limits.freeBytes = 1
        change(&limits)
        self.limits = limits
        self.folder = folder ?? FileManager.default.temporaryDirectory.path
        self.program = program ?? "/proc/self/exe"
        loop = try MediaLoop.start(name: "watched")
        core = try EmbeddedCore(MediaPlaneConfiguration(portRange: ports), loop: loop)
        rooms = Rooms(core: core, events: events, configuration: RoomsConfiguration(idleTimeout: .zero))
    }

    func health() -> HealthCheck {
        HealthCheck(core: core, recordingsFolder: folder, pipelineProgram: program, limits: limits)
    }

    func collector() -> MetricsCollector {
        MetricsCollector(
            MetricsCollector.Parts(
                version: "1.2.3", core: core, rooms: rooms, ingests: { ingests.withLock { $0 } },
                recordings: { recordings.withLock { $0 } }, tally: tally, health: health(),
                requests: requests, recordingsFolder: folder), limits: limits)
    }

    /// As a scraper reads it.
    func scrape(_ collector: MetricsCollector) async throws -> PrometheusScrape {
        try PrometheusScrape(PrometheusText.render(await collector.metrics()))
    }

    /// A room with a broadcaster that sends a video and receives it.
    func fill(_ name: String) async throws {
        let room = try await rooms.room(name)
        let capabilities = room.routerCapabilities
        try await room.addBroadcaster(
            Broadcaster(id: "b", displayName: "B", device: .init(name: "Test"), rtpCapabilities: capabilities))
        let mux = TransportRequest(rtcpMux: true)
        let inlet = try await room.createPlainTransport(for: "b", options: mux)
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000, channels: nil, parameters: [:],
            rtcpFeedback: [])
        let producer = try await room.produce(
            on: inlet.id, of: "b",
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 2222)])))
        let outlet = try await room.createPlainTransport(for: "b", options: mux)
        _ = try await room.consume(on: outlet.id, of: "b", ConsumeRequest(producer: producer.id))
    }

    /// Keeps the loop busy while `body` runs.
    func whileStuck(_ body: () async throws -> Void) async throws {
        let squatter = Squatter(loop: loop)
        async let sitting: Void = squatter.sit()
        while !squatter.isSitting.withLock({ $0 }) { await Task.yield() }
        do { try await body() } catch {
            squatter.isLetGo.withLock { $0 = true }
            throw error
        }
        squatter.isLetGo.withLock { $0 = true }
        await sitting
    }
}

private actor Squatter {
    nonisolated let loop: MediaLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let isLetGo = Locked(false)
    nonisolated let isSitting = Locked(false)

    init(loop: MediaLoop) { self.loop = loop }

    func sit() {
        isSitting.withLock { $0 = true }
        while !isLetGo.withLock({ $0 }) { ladle_sleep_until_ns(ladle_monotonic_ns() + 1_000_000) }
    }
}
