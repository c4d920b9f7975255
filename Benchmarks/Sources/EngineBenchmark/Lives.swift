import Base
import CBench
import Figures
import Foundation
import Logging
import MediaCore
import MediaPlane
import ORTC

/// What a consumer on a transport of its own takes.
struct Memory: Codable {
    let consumers: Int
    let processKilobytes: Double
    /// Of the whole machine, so only good when it does nothing else.
    let kernelKilobytes: Double

    static func measure(consumers: Int) async throws -> Memory {
        let room = try await Room()
        // The first hundred bring what grows once: tables, allocator arenas.
        for _ in 0..<100 { _ = try await room.addReceiver() }
        let before = (
            process: readKilobytes("/proc/self/status", "VmRSS:"), kernel: readKilobytes("/proc/meminfo", "Slab:")
        )
        for _ in 0..<consumers { _ = try await room.addReceiver() }
        let after = (
            process: readKilobytes("/proc/self/status", "VmRSS:"), kernel: readKilobytes("/proc/meminfo", "Slab:")
        )
        await room.core.shutDown()
        return Memory(
            consumers: consumers, processKilobytes: (after.process - before.process) / Double(consumers),
            kernelKilobytes: (after.kernel - before.kernel) / Double(consumers))
    }
}

/// Setting up and tearing down.
struct Lives: Codable {
    static let alive = 1000

    let transports: Int
    let seconds: Double
    /// What was left behind; memory against the state after the first thousand.
    let ports, descriptors: Int
    let kilobytes: Double

    static func measure(transports: Int) async throws -> Lives {
        let room = try await Room()
        // Once in advance, so that all that grows once has grown.
        try await run(room, transports: alive)
        let before = (descriptors: descriptors(), memory: readKilobytes("/proc/self/status", "VmRSS:"))
        let ports = room.core.portFigures.used
        let start = ContinuousClock.now
        try await run(room, transports: transports)
        let seconds = (ContinuousClock.now - start).seconds
        let lives = Lives(
            transports: transports, seconds: seconds, ports: room.core.portFigures.used - ports,
            descriptors: Self.descriptors() - before.descriptors,
            kilobytes: readKilobytes("/proc/self/status", "VmRSS:") - before.memory)
        await room.core.shutDown()
        return lives
    }

    private static func run(_ room: Room, transports: Int) async throws {
        var living: [TransportID] = []
        for number in 0..<transports {
            if living.count == alive {
                await room.core.close(living[number % alive])
                living[number % alive] = try await room.addReceiver()
            } else {
                living.append(try await room.addReceiver())
            }
        }
        for transport in living { await room.core.close(transport) }
    }

    private static func descriptors() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
}

/// A core with one video producer.
private struct Room {
    let core: EmbeddedCore
    let router: RouterDescription
    let producer: ProducerID

    init() async throws {
        core = try EmbeddedCore(
            MediaPlaneConfiguration(portRange: 20_000...59_999, portQuarantine: .zero, workers: 1),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        router = try await core.createRouter(mediaCodecs: nil)
        let inlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions(comedia: true))
        let vp8 = RTPCodecParameters(mimeType: "video/VP8", payloadType: 101, clockRate: 90_000)
        producer = try await core.produce(
            on: inlet.id,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 2222)]))
        ).id
    }

    func addReceiver() async throws -> TransportID {
        let outlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions())
        _ = try await core.connect(outlet.id, PlainTransportRemote(ip: "127.0.0.1", port: 9))
        _ = try await core.consume(
            on: outlet.id, ConsumeOptions(producer: producer, rtpCapabilities: router.rtpCapabilities))
        return outlet.id
    }
}
