import Control
import Events
import MediaPlane
import ServiceLifecycle
import Signaling

/// How the gateway is watched from outside: health, figures, and what they need to go on in the background.
struct Observation: Sendable {
    let health: HealthCheck
    let metrics: MetricsCollector
    let requests = RequestCounter()
    private let tally = EventTally()
    private let events: EventBus

    init(
        settings: GatewaySettings, pipelineProgram: String, core: EmbeddedCore, rooms: Rooms,
        pipelines: any PipelineControlling, events: EventBus
    ) {
        self.events = events
        health = HealthCheck(
            core: core, recordingsFolder: settings.recordingsFolder, pipelineProgram: pipelineProgram)
        metrics = MetricsCollector(
            MetricsCollector.Parts(
                version: LadleVersion.current, core: core, rooms: rooms, ingests: { await pipelines.ingests() },
                recordings: { await pipelines.recordings() }, tally: tally,
                health: health, requests: requests, recordingsFolder: settings.recordingsFolder))
    }

    /// Counts events as long as there are any; to be stopped late.
    var counting: some Service { EventCounting(tally: tally, events: events) }

    /// Notices the end; to be stopped before all others, so that load balancers hear of it while requests are answered.
    var notice: some Service { ShutdownNotice(health: health) }
}

private struct EventCounting: Service {
    let tally: EventTally
    let events: EventBus

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await tally.run(events) }
            try? await gracefulShutdown()
            group.cancelAll()
        }
    }
}

private struct ShutdownNotice: Service {
    let health: HealthCheck

    func run() async throws {
        try? await gracefulShutdown()
        health.shuttingDown()
    }
}
