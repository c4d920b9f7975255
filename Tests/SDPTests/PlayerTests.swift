import Base
import Foundation
import Glibc
import SDP
import TestSupport
import Testing

/// The real reader of our descriptions.
@Suite struct PlayerTests {
    static let hasFFprobe = FileManager.default.isExecutableFile(atPath: "/usr/bin/ffprobe")

    @Test(.enabled(if: PlayerTests.hasFFprobe), .timeLimit(.minutes(1)))
    func `ffprobe opens a description and finds both streams in the packets`() throws {
        let video = try Replay("vp8-ffmpeg", payloadType: 101)
        let audio = try Replay("opus-ffmpeg", payloadType: 100)
        let description = SessionDescription(
            name: "demo",
            media: [
                MediaDescription(
                    kind: .video, destination: video.destination, rtcp: .multiplexed, payloadType: 101,
                    encodingName: "VP8", clockRate: 90_000, ssrc: 1111, cname: "ladle-vector"),
                MediaDescription(
                    kind: .audio, destination: audio.destination, rtcp: .port(audio.destination.port + 1),
                    payloadType: 100, encodingName: "opus", clockRate: 48_000, channels: 2,
                    parameters: [.init("useinbandfec", "1")], ssrc: 4444, cname: "ladle-vector"),
            ])
        let file = FileManager.default.temporaryDirectory.appending(path: "ladle-\(UUID().uuidString).sdp")
        try description.text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }

        let ffprobe = Process()
        ffprobe.executableURL = URL(filePath: "/usr/bin/ffprobe")
        ffprobe.arguments = [
            "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "2000000", "-show_entries",
            "stream=codec_name,width,height,sample_rate,channels", "-of", "compact=p=0", "-i", file.path(),
        ]
        let output = Pipe()
        ffprobe.standardOutput = output
        ffprobe.standardError = Pipe()
        try ffprobe.run()
        // The same second again and again, with sequence numbers and timestamps that go on, until it has seen enough.
        var round = 0
        while ffprobe.isRunning, round < 2_000 {
            video.send(round: round, timestampStep: 144_000)
            audio.send(round: round, timestampStep: 48_000)
            usleep(10_000)
            round += 1
        }
        if ffprobe.isRunning { ffprobe.terminate() }
        ffprobe.waitUntilExit()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(ffprobe.terminationStatus == 0)
        let lines = text.split(separator: "\n")
        #expect(lines.contains { $0.contains("codec_name=vp8") && $0.contains("width=128|height=96") }, "\(text)")
        #expect(lines.contains { $0.contains("codec_name=opus|sample_rate=48000|channels=2") }, "\(text)")
    }
}

/// Sends the RTP packets of a capture to a free pair of ports on loopback.
private final class Replay {
    let destination: SocketAddress
    private let packets: [[UInt8]]
    private let descriptor: Int32

    init(_ name: String, payloadType: UInt8) throws {
        let bytes = try Vectors.bytes("rtp/\(name).rtp4571")
        var found: [[UInt8]] = []
        var offset = 0
        while offset + 2 <= bytes.count {
            let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
            var packet = Array(bytes[offset + 2..<offset + 2 + length])
            if !(192...223).contains(packet[1]) {
                packet[1] = packet[1] & 0x80 | payloadType
                found.append(packet)
            }
            offset += 2 + length
        }
        packets = found
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        destination = try Self.freePair()
    }

    deinit { close(descriptor) }

    func send(round: Int, timestampStep: Int) {
        var address = destination
        let length = address.length
        for packet in packets {
            var packet = packet
            let number = Self.number(packet, 2, 2) + round * packets.count
            let timestamp = Self.number(packet, 4, 4) + round * timestampStep
            for byte in 0..<2 { packet[2 + byte] = UInt8(truncatingIfNeeded: number >> (8 - 8 * byte)) }
            for byte in 0..<4 { packet[4 + byte] = UInt8(truncatingIfNeeded: timestamp >> (24 - 8 * byte)) }
            withUnsafePointer(to: &address.storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = sendto(descriptor, packet, packet.count, 0, $0, length)
                }
            }
        }
    }

    private static func number(_ packet: [UInt8], _ offset: Int, _ count: Int) -> Int {
        packet[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
    }

    /// An even port that is free, and the one above it too; RTP and RTCP as they were before RFC 5761.
    private static func freePair() throws -> SocketAddress {
        for _ in 0..<200 {
            let port = UInt16.random(in: 15_000..<16_000) * 2
            if try isFree(port), try isFree(port + 1) { return try SessionDescriptionTests.address("127.0.0.1", port) }
        }
        throw NoFreePorts()
    }

    private struct NoFreePorts: Error {}

    private static func isFree(_ port: UInt16) throws -> Bool {
        let probe = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(probe) }
        var address = try SessionDescriptionTests.address("127.0.0.1", port)
        let length = address.length
        return withUnsafePointer(to: &address.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(probe, $0, length) == 0 }
        }
    }
}
