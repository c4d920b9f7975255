import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// A core of two workers with one router that spans both.
struct Room {
    let stage: Stage
    /// Where its router was placed, and the other worker.
    let home: Int
    let other: Int
    var core: EmbeddedCore { stage.core }
    var id: RouterID { stage.router.id }

    init() async throws {
        let core = try EmbeddedCore(MediaPlaneConfiguration(workers: 2))
        stage = Stage(core, try await core.createRouter(mediaCodecs: nil, spans: true))
        home = try #require(core.worker(of: stage.router.id))
        other = 1 - home
    }

    /// A transport that takes what comes.
    func inlet(on worker: Int) async throws -> PlainTransportDescription {
        try await core.createPlainTransport(
            on: id, PlainTransportOptions(rtcpMux: true, comedia: true), worker: worker)
    }

    /// A transport that sends to a socket.
    func outlet(to sink: TestSocket, on worker: Int) async throws -> TransportID {
        let transport = try await core.createPlainTransport(on: id, PlainTransportOptions(), worker: worker)
        _ = try await core.connect(
            transport.id, PlainTransportRemote(ip: core.configuration.listenIP, port: sink.address.port))
        return transport.id
    }

    /// How many producers are brought from one worker to another now.
    func pipedProducers() async -> Int {
        await core.measurements(within: patience).reduce(0) { $0 + ($1?.pipedProducers ?? 0) }
    }

    /// Reads the core's events from now on.
    func watch() -> EventLog { EventLog(core) }
}

/// What a core has told.
final class EventLog: Sendable {
    private let events = Locked<[MediaCoreEvent]>([])
    private let reading: Task<Void, Never>

    init(_ core: EmbeddedCore) {
        let (stream, events) = (core.events, events)
        reading = Task { for await event in stream { events.withLock { $0.append(event) } } }
    }

    /// Whether it is told in time.
    func has(_ event: MediaCoreEvent) async -> Bool { await eventually { events.value.contains(event) } }

    /// After the end of the core.
    func all() async -> [MediaCoreEvent] {
        await reading.value
        return events.value
    }
}
