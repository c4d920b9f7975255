import Control
import Events
import Logging
import MediaPlane
import ServiceLifecycle

// Each part of the daemon as the service group wants it: runs until told to stop, then ends in order.

/// The core goes last: everything else talks to it.
struct MediaService: Service {
    let core: EmbeddedCore

    func run() async throws {
        try? await gracefulShutdown()
        await core.shutDown()
    }
}

/// Facts as log lines.
struct EventLog: Service {
    let events: EventBus
    let logger: Logger

    func run() async throws {
        let stream = events.subscribe(.beginning)
        await withGracefulShutdownHandler {
            for await event in stream {
                let line = event.logLine
                logger.log(level: event.logLevel, "\(line.message)", metadata: line.fields)
            }
        } onGracefulShutdown: {
            events.finish()
        }
    }
}

struct RoomService: Service {
    let rooms: Rooms

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await rooms.run() }
            try? await gracefulShutdown()
            await rooms.shutDown()
            group.cancelAll()
        }
    }
}

struct PipelineService: Service {
    let pipelines: PipelineSupervisor
    let logger: Logger

    /// Recordings are whole long before; one that writes to a dead disk must not keep the others from ending.
    static let limit: Duration = .seconds(10)

    func run() async throws {
        try? await gracefulShutdown()
        let isInOrder = await finishes(within: Self.limit) { await pipelines.shutDown() }
        if !isInOrder {
            logger.error("some pipelines did not finish within \(Self.limit.components.seconds) s; they are cut off")
        }
    }
}

/// Tells whoever started the gateway that it accepts requests, once.
struct Greeting: Service {
    let ready: AsyncStream<Int>
    let greet: @Sendable (Int) async -> Void

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await port in ready {
                    await greet(port)
                    break
                }
            }
            try? await gracefulShutdown()
            // Two seconds for the last events to be printed; all have happened by now.
            group.addTask { try? await Task.sleep(for: .seconds(2)) }
            await group.next()
            group.cancelAll()
        }
    }
}

extension Event {
    /// Who speaks and which layers are forwarded is of interest to those who look for something: it changes all the time.
    var logLevel: Logger.Level {
        switch fact.kind {
        case .speakerLoudest, .speakerDominant, .speakerSilence, .consumerLayers: .debug
        default: fact.name.hasSuffix(".failed") ? .warning : .info
        }
    }

    /// "producer.created: video VP8 by Camera" with room, broadcaster, transport, producer and so on as fields.
    var logLine: (message: String, fields: Logger.Metadata) {
        var fields: Logger.Metadata = [:]
        for (name, value) in ids { fields[name.hasSuffix("Id") ? String(name.dropLast(2)) : name] = "\(value)" }
        // `words` has name and room in columns in front, for eyes that run down a terminal.
        var details = words[...].dropFirst(fact.name.count).drop { $0 == " " }
        let room = fact.room ?? "-"
        if details.hasPrefix(room) { details = details.dropFirst(room.count).drop { $0 == " " } }
        if let room = fact.room { fields["room"] = "\(room)" }
        return (details.isEmpty ? fact.name : "\(fact.name): \(details)", fields)
    }
}
