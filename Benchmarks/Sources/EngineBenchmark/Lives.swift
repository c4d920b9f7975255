import Base
import CBench
import Figures
import Foundation
import Logging
import MediaCore
import MediaPlane
import ORTC

/// What a video consumer on a transport of its own takes, after two seconds of 1.2 Mbit/s.
struct Memory: Codable {
    let consumers: Int
    let processKilobytes: Double
    /// Of the whole machine, so only good when it does nothing else.
    let kernelKilobytes: Double

    /// - Parameter hasRetransmissionBuffer: It may ask for packets again: what went to it is remembered.
    static func measure(consumers: Int, hasRetransmissionBuffer: Bool) async throws -> Memory {
        let room = try await Room(asksForPackets: hasRetransmissionBuffer)
        // The first hundred bring what grows once: tables, allocator arenas.
        for _ in 0..<100 { _ = try await room.addReceiver() }
        try await room.play(packets: 300)
        giveBackFreeMemory()
        let before = (
            process: readKilobytes("/proc/self/status", "VmRSS:"), kernel: readKilobytes("/proc/meminfo", "Slab:")
        )
        for _ in 0..<consumers { _ = try await room.addReceiver() }
        try await room.play(packets: 250)
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
        let room = try await Room(asksForPackets: false)
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
private final class Room {
    let core: EmbeddedCore
    private let router: RouterDescription
    private let producer: ProducerID
    private let inlet: sockaddr_in
    private var sequence: UInt16 = 0

    init(asksForPackets: Bool) async throws {
        core = try EmbeddedCore(
            MediaPlaneConfiguration(portRange: 20_000...59_999, portQuarantine: .zero, workers: 1),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        router = try await core.createRouter(mediaCodecs: nil)
        let inlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions(comedia: true))
        var address = sockaddr_in()
        (address.sin_family, address.sin_port) = (sa_family_t(AF_INET), in_port_t(inlet.tuple.localPort).bigEndian)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        self.inlet = address
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000,
            rtcpFeedback: asksForPackets ? [RTCPFeedback("nack")] : [])
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

    /// Sends packets to the producer, 8 ms apart; every 25th begins a key frame.
    func play(packets: Int) async throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        for _ in 0..<packets {
            var packet = [UInt8](repeating: 0x55, count: 1200)
            let isKey = sequence % 25 == 0
            let timestamp = UInt32(sequence) * 720
            packet.replaceSubrange(
                0..<14,
                with: [
                    0x80, 0x80 | 101, UInt8(sequence >> 8), UInt8(sequence & 0xFF), UInt8(timestamp >> 24),
                    UInt8(timestamp >> 16 & 0xFF), UInt8(timestamp >> 8 & 0xFF), UInt8(timestamp & 0xFF), 0, 0, 0x08,
                    0xAE,
                    0x10, isKey ? 0x10 : 0x11,
                ])
            sequence &+= 1
            var name = inlet
            // The address outlives the call.
            _ = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(descriptor, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try await Task.sleep(for: .milliseconds(8))
        }
    }
}
