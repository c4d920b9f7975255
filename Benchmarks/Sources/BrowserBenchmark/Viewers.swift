import CBench
import Figures
import Foundation
import Logging
import MediaCore
import MediaPlane
import ORTC

/// One stream of video to many clients over the port that they share, and what the worker's thread takes for it.
struct ViewerCost: Codable {
    let kilobits: Int
    let viewers: Int
    /// CPU nanoseconds for each packet that goes out; of ours, and of the bare loop.
    let nanoseconds, bare: Spread
    /// To the bare loop of the same round, median.
    let ratio: Double
    /// Viewers of such a stream that take one core, by what these took.
    let perCore: Double
    /// Of the packets to the one viewer that is read; 1: all came.
    let delivered: Double
    /// Of the process, for each viewer.
    let kilobytes: Double

    var name: String { "\(viewers) viewers at \(kilobits) kbit/s" }
}

/// A core with a producer, and viewers that have come in by ICE and DTLS.
final class Audience {
    static let packetBytes = 1200
    private let core: EmbeddedCore
    private let router: RouterDescription
    private let producer: ProducerID
    private var stream: bench_stream
    private var clients: [Client] = []
    private var kilobytes = 0.0

    init(viewers: Int) async throws {
        // The worker's thread inherits it; ours goes elsewhere.
        _ = bench_pin(0)
        var configuration = MediaPlaneConfiguration(workers: 1)
        configuration.webRTCPort = 0
        core = try EmbeddedCore(configuration, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        _ = bench_pin(Int32(min(1, bench_cores() - 1)))
        router = try await core.createRouter(mediaCodecs: nil)
        let inlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions(comedia: true))
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000,
            rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("transport-cc")])
        producer = try await core.produce(
            on: inlet.id,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 2222)]))
        ).id
        var port: UInt16 = 0
        stream = bench_stream()
        (stream.fd, stream.to) = (bench_socket(&port), loopback(inlet.tuple.localPort))
        (stream.ssrc, stream.payload_type, stream.size) = (2222, 101, Int32(Self.packetBytes))
        // The first ones bring what grows once.
        let early = min(50, viewers / 2)
        for _ in 0..<early { try await addViewer() }
        play(kilobits: 600, burst: 3, seconds: 0.5)
        giveBackFreeMemory()
        let before = readKilobytes("/proc/self/status", "VmRSS:")
        for _ in early..<viewers { try await addViewer() }
        play(kilobits: 2000, burst: 8, seconds: 1)
        giveBackFreeMemory()
        kilobytes = (readKilobytes("/proc/self/status", "VmRSS:") - before) / Double(viewers - early)
        for client in clients.dropFirst() { _ = bench_drop_all(client.descriptor) }
    }

    private func addViewer() async throws {
        let options = WebRTCTransportOptions(iceConsentTimeout: .zero, initialAvailableOutgoingBitrate: 10_000_000)
        let made = try await core.createWebRTCTransport(on: router.id, options)
        guard let candidate = made.iceCandidates.first(where: { $0.transportProtocol == .udp }),
            let fingerprint = made.dtlsParameters.fingerprints.first(where: { $0.algorithm == "sha-256" })
        else { fail("a transport without a UDP candidate or a fingerprint") }
        let client = Client()
        _ = try await core.connect(
            made.id,
            DTLSParameters(
                role: .client, fingerprints: [DTLSFingerprint(algorithm: "sha-256", value: Client.fingerprint)]))
        client.enter(
            Invitation(
                port: candidate.port, usernameFragment: made.iceParameters.usernameFragment,
                password: made.iceParameters.password, fingerprint: fingerprint.value))
        _ = try await core.consume(
            on: made.id, ConsumeOptions(producer: producer, rtpCapabilities: router.rtpCapabilities))
        clients.append(client)
    }

    private func play(kilobits: Int, burst: Int, seconds: Double) {
        let rate = Double(kilobits) * 1000 / 8 / Double(Self.packetBytes)
        _ = bench_send(&stream, rate, Int32(burst), Int64(seconds * 1e9), clients[0].descriptor)
        bench_drain(&stream, clients[0].descriptor)
    }

    /// - Parameter burst: Packets that come at once: a picture's.
    func measure(kilobits: Int, burst: Int, rounds: Int, seconds: Double) async throws -> ViewerCost {
        let names = clients.map { loopback($0.port) }
        var (ours, bare, shares): ([Double], [Double], [Double]) = ([], [], [])
        let (sent, sampled) = (stream.sent, stream.sampled)
        for _ in 0..<rounds {
            let before = (cpu: Self.workerNanoseconds(), packets: stream.sent)
            play(kilobits: kilobits, burst: burst, seconds: seconds)
            let spent = Double(Self.workerNanoseconds() - before.cpu)
            ours.append(spent / Double(stream.sent - before.packets) / Double(clients.count))
            shares.append(spent / (seconds * 1e9) / Double(clients.count))
            bare.append(try await Self.bare(names, kilobits: kilobits, burst: burst, seconds: seconds))
        }
        guard let nanoseconds = Spread(ours), let loop = Spread(bare), let share = Spread.median(shares),
            let ratio = Spread.median(zip(ours, bare).map { $0 / $1 })
        else { fail("no rounds") }
        return ViewerCost(
            kilobits: kilobits, viewers: clients.count, nanoseconds: nanoseconds, bare: loop, ratio: ratio,
            perCore: 1 / share, delivered: Double(stream.sampled - sampled) / Double(max(1, stream.sent - sent)),
            kilobytes: kilobytes)
    }

    func close() async { await core.shutDown() }

    /// The same load through the bare loop, on a thread of its own: CPU nanoseconds for each packet that goes out.
    private static func bare(_ names: [sockaddr_in], kilobits: Int, burst: Int, seconds: Double) async throws -> Double
    {
        var port: UInt16 = 0
        let (inlet, outlet) = (bench_socket(&port), bench_socket(nil))
        defer {
            Glibc.close(inlet)
            Glibc.close(outlet)
        }
        let loop = Task.detached {
            _ = bench_pin(0)
            var sent: UInt64 = 0
            let spent = bench_shared_loop(inlet, names, Int32(names.count), &sent)
            return (spent, sent)
        }
        var stream = bench_stream()
        (stream.fd, stream.to, stream.ssrc) = (outlet, loopback(port), 2222)
        (stream.payload_type, stream.size) = (101, Int32(packetBytes))
        _ = bench_send(
            &stream, Double(kilobits) * 1000 / 8 / Double(packetBytes), Int32(burst), Int64(seconds * 1e9), -1)
        var name = stream.to
        // The address outlives the call.
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(outlet, [UInt8(0)], 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let (spent, sent) = await loop.value
        guard spent > 0, sent > 0 else { fail("the bare loop sent nothing") }
        return Double(spent) / Double(sent)
    }

    /// CPU time of the worker's thread so far.
    private static func workerNanoseconds() -> Int64 {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        for task in tasks {
            let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
            guard name?.hasPrefix("ladle-media-0") == true else { continue }
            let text = try? String(contentsOfFile: "/proc/self/task/\(task)/schedstat", encoding: .utf8)
            if let spent = text?.split(separator: " ").first.flatMap({ Int64($0) }) { return spent }
        }
        fail("/proc/self/task has no worker's thread, or no schedstat")
    }
}
