import Base
import Foundation
import Synchronization
import TestSupport
import Testing

/// A plain consumer's far end: a UDP socket that notes every RTP packet (RFC 3550 §5.1) with its time of arrival.
final class RTPReceiver: Sendable {
    struct Packet: Sendable {
        var arrival: ContinuousClock.Instant
        var sequence: UInt16
        var timestamp: UInt32
        var ssrc: UInt32
    }

    private struct Noted {
        var packets: [Packet] = []
        var isOver = false
    }

    let port: UInt16
    private let noted: NotedBox

    private final class NotedBox: Sendable {
        let value = Mutex(Noted())
    }

    init() throws {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        port = try #require(LoopbackPort.bound(descriptor, to: 0))
        // Room for seconds of media, so that a busy machine loses nothing here.
        var size: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var patience = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let noted = NotedBox()
        self.noted = noted
        ThreadStart {
            var bytes = [UInt8](repeating: 0, count: 2048)
            while !noted.value.withLock({ $0.isOver }) {
                let got = recv(descriptor, &bytes, bytes.count, 0)
                // RTCP shares the port: its types 192 to 223 are payload types 64 to 95 (RFC 5761 §4).
                guard got >= 12, bytes[0] >> 6 == 2, !(64...95).contains(bytes[1] & 0x7F) else { continue }
                func word(_ at: Int) -> UInt32 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
                let packet = Packet(
                    arrival: .now, sequence: UInt16(truncatingIfNeeded: word(0)), timestamp: word(4), ssrc: word(8))
                noted.value.withLock { $0.packets.append(packet) }
            }
            Glibc.close(descriptor)
        }.start()
    }

    var packets: [Packet] { noted.value.withLock { $0.packets } }

    deinit { noted.value.withLock { $0.isOver = true } }

    // MARK: Judgements

    /// Steps of the sequence number from each packet to the next: 1 unless something is lost, doubled or begun anew.
    var sequenceSteps: [Int] {
        let packets = packets
        return zip(packets, packets.dropFirst()).map { Int(Int16(bitPattern: $1.sequence &- $0.sequence)) }
    }

    /// The same of timestamps, in ticks.
    var timestampSteps: [Int] {
        let packets = packets
        return zip(packets, packets.dropFirst()).map { Int(Int32(bitPattern: $1.timestamp &- $0.timestamp)) }
    }

    var ssrcs: Set<UInt32> { Set(packets.map(\.ssrc)) }

    func firstArrival(after instant: ContinuousClock.Instant) -> Packet? { packets.first { $0.arrival > instant } }
}

extension Daemon {
    /// Consumes a producer of a room on a receiver of the test's own, by the broadcaster API.
    func receive(_ producer: String, in room: String) async throws -> RTPReceiver {
        let receiver = try RTPReceiver()
        let id = "receiver-\(UUID().uuidString.prefix(8))"
        let capabilities = try await call("GET", "/rooms/\(room)").json
        let joined = try await call(
            "POST", "/rooms/\(room)/broadcasters",
            json: [
                "id": JSONValue(id), "displayName": "Receiver", "device": ["name": "test"],
                "rtpCapabilities": capabilities,
            ])
        try #require(joined.status == 200, "\(joined.text)")
        let base = "/rooms/\(room)/broadcasters/\(id)/transports"
        let transport = try await call("POST", base, json: ["type": "plain", "comedia": false, "rtcpMux": true])
        let path = "\(base)/\(try #require(transport.json["id"]?.stringValue, "\(transport.text)"))"
        let connected = try await call(
            "POST", "\(path)/connect", json: ["ip": "127.0.0.1", "port": JSONValue(receiver.port)])
        try #require(connected.status == 200, "\(connected.text)")
        let consumer = try await call("POST", "\(path)/consume", json: ["producerId": JSONValue(producer)])
        try #require(consumer.status == 200, "\(consumer.text)")
        return receiver
    }
}
