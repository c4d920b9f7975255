import Base
import CBench
import Figures
import Foundation
import Logging
import MediaCore
import MediaPlane
import ORTC

/// The child: forwards until its input ends, then says how many packets it sent.
enum Forwarder {
    static func run(_ arguments: [String]) async throws {
        _ = bench_pin(0)
        guard let contestant = arguments.first.flatMap({ Contestant(rawValue: $0) }), arguments.count > 2 else {
            fail("--forward CONTESTANT BURST PORT…")
        }
        let isSingle = arguments[1] == "1"
        let ports = arguments.dropFirst(2).compactMap { UInt16($0) }
        var how = bench_bare()
        how.sending = isSingle ? BENCH_SENDMMSG : BENCH_SEGMENTS
        let tick: Int64 = 1_000_000
        switch contestant {
        case .bare: break
        case .bareEpoll: how.waits_for_many = 1
        case .bareGCM: how.gcm = 1
        case .bareTick: (how.sending, how.tick_ns) = (BENCH_SEGMENTS, tick)
        case .bareTickGCM: (how.sending, how.tick_ns, how.gcm) = (BENCH_SEGMENTS, tick, 1)
        case .core: try await core(ports, coalescing: true, gcm: false)
        case .coreAtOnce: try await core(ports, coalescing: false, gcm: false)
        case .coreApart: try await core(ports, coalescing: true, gcm: false, joinsFrames: false)
        case .coreGCM: try await core(ports, coalescing: true, gcm: true)
        case .coreAtOnceGCM: try await core(ports, coalescing: false, gcm: true)
        }
        if contestant.isBare { bare(ports, how) }
    }

    private static func bare(_ ports: [UInt16], _ how: bench_bare) {
        var port: UInt16 = 0
        let socket = bench_socket(&port)
        var destinations = ports.map { port in
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            return name
        }
        say(port)
        say(bench_bare_loop(socket, &destinations, Int32(destinations.count), how))
    }

    private static func core(
        _ ports: [UInt16], coalescing: Bool, gcm: Bool, joinsFrames: Bool = true
    ) async throws {
        var configuration = MediaPlaneConfiguration(workers: 1, coalescing: coalescing)
        configuration.joinsFrames = joinsFrames
        let core = try EmbeddedCore(
            configuration,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let router = try await core.createRouter(mediaCodecs: nil)
        let inlet = try await core.createPlainTransport(on: router.id, PlainTransportOptions(comedia: true))
        let vp8 = RTPCodecParameters(mimeType: "video/VP8", payloadType: 101, clockRate: 90_000)
        let producer = try await core.produce(
            on: inlet.id,
            ProduceOptions(
                kind: .video,
                rtpParameters: RTPParameters(codecs: [vp8], encodings: [RTPEncodingParameters(ssrc: 2222)])))
        // What receivers of plain RTP take: no header extensions.
        var capabilities = router.rtpCapabilities
        capabilities.headerExtensions = []
        for port in ports {
            let outlet = try await core.createPlainTransport(
                on: router.id,
                PlainTransportOptions(enableSRTP: gcm, srtpCryptoSuite: gcm ? "AEAD_AES_128_GCM" : nil))
            // Nobody decrypts: our own key will do as the receiver's.
            _ = try await core.connect(
                outlet.id, PlainTransportRemote(ip: "127.0.0.1", port: port, srtpParameters: outlet.srtpParameters))
            _ = try await core.consume(
                on: outlet.id, ConsumeOptions(producer: producer.id, rtpCapabilities: capabilities))
        }
        say(inlet.tuple.localPort)
        // Blocks this thread until the parent is done; the media loop has its own.
        while readLine() != nil {}
        // Sender reports are counted too: some ten a second for a hundred consumers, one in a thousand packets.
        say(await core.counters().sent)
        await core.shutDown()
    }

    private static func say(_ value: some CustomStringConvertible) {
        FileHandle.standardOutput.write(Data("\(value)\n".utf8))
    }
}
