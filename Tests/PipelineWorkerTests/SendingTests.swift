import Base
import Glibc
import PipelineControl
import RTCP
import RTP
import TestSupport
import Testing

/// What an ingest puts on the wire, seen by a socket.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct SendingTests {
    private static func playing(
        _ source: TestSource, to sockets: [Datagram], rtcp: Datagram? = nil, codec: VideoTarget = .vp8
    ) throws -> WorkerProcess {
        let worker = try WorkerProcess()
        try worker.send(
            .ingest(IngestJob(source: .test(source), loop: false, videoCodec: codec, routerCodecs: Router.all)))
        let tracks = try worker.opened().tracks
        try worker.send(
            .send(
                zip(tracks, sockets).map { track, socket in
                    SendTrack(
                        index: track.index, ip: "127.0.0.1", port: socket.port, rtcpPort: rtcp?.port,
                        ssrc: UInt32(1000 + track.index), payloadType: UInt8(100 + track.index), cname: "the name")
                }))
        try worker.ready()
        try worker.send(.play)
        return worker
    }

    private static func kind(_ bytes: [UInt8]) -> PacketKind { bytes.withUnsafeBytes { PacketKind.of($0.bytes) } }

    /// What a compound says: the sender's info, the CNAME, whether it is the last.
    private static func read(_ bytes: [UInt8]) throws -> (info: SenderInfo?, cname: String?, isBye: Bool) {
        var result: (info: SenderInfo?, cname: String?, isBye: Bool) = (nil, nil, false)
        try bytes.withUnsafeBytes { buffer in
            let datagram = buffer.bytes
            var compound = try RTCPCompound(validating: datagram)
            while let packet = try compound.next(in: datagram) {
                switch packet {
                case .senderReport(let report): result.info = report.info
                case .sourceDescription(let text):
                    result.cname = text.cname(of: result.info?.ssrc ?? 0, in: datagram)
                case .bye: result.isBye = true
                default: break
                }
            }
        }
        return result
    }

    @Test func `reports come first, name the source, and put both tracks on one clock`() async throws {
        let datagrams = try await onThread {
            let sockets = [Datagram(), Datagram()]
            let worker = try Self.playing(TestSource(seconds: 2), to: sockets)
            _ = try worker.finished()
            #expect(worker.exit() == 0)
            // All of it waits in the sockets' buffers; BYE is the last.
            return try sockets.map { socket in
                var all: [[UInt8]] = []
                while let (bytes, _) = socket.receive() {
                    all.append(bytes)
                    if Self.kind(bytes) == .rtcp, try Self.read(bytes).isBye { break }
                }
                return all
            }
        }
        var starts: [Int64] = []
        for (all, rate) in zip(datagrams, [90_000.0, 48_000]) {
            #expect(Self.kind(try #require(all.first)) == .rtcp)
            let reports = try all.filter { Self.kind($0) == .rtcp }.map { try Self.read($0) }
            // One before the first packet, one behind it, then every second, and the last.
            #expect(reports.count >= 4)
            #expect(reports.allSatisfy { $0.cname == "the name" })
            #expect(reports.map(\.isBye) == Array(repeating: false, count: reports.count - 1) + [true])
            let packets = try all.filter { Self.kind($0) == .rtp }.map { bytes in
                try bytes.withUnsafeBytes { try RTPHeader(parsing: $0.bytes) }
            }
            #expect(all.allSatisfy { $0.count <= 1200 })
            let sequence = packets.map(\.sequenceNumber)
            #expect(zip(sequence, sequence.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
            let last = try #require(reports.last?.info)
            #expect(last.packetCount == packets.count)
            #expect(Int(last.octetCount) == all.filter { Self.kind($0) == .rtp }.reduce(0) { $0 + $1.count - 12 })
            // Every report tells the same line between wall time and timestamps, to the tick.
            let first = try #require(packets.first)
            for info in reports.compactMap(\.info) {
                let ticks = Double(Int32(bitPattern: info.rtpTimestamp &- first.timestamp))
                starts.append(info.ntp.unixNanoseconds - Int64(ticks / rate * 1e9))
            }
        }
        let spread = try #require(starts.max()) - (try #require(starts.min()))
        // Opus looks 6.5 ms ahead: its first packet stands that much before the first picture.
        #expect(spread < 6_700_000, "\(spread) ns")
    }

    @Test func `with a port of its own, RTCP stays away from RTP`() async throws {
        try await onThread {
            let (sockets, rtcp) = ([Datagram(), Datagram()], Datagram())
            let worker = try Self.playing(TestSource(seconds: 0.5), to: sockets, rtcp: rtcp)
            _ = try worker.finished()
            for _ in 0..<10 {
                let (bytes, _) = try #require(sockets[0].receive())
                #expect(Self.kind(bytes) == .rtp)
            }
            let (report, _) = try #require(rtcp.receive())
            #expect(Self.kind(report) == .rtcp)
        }
    }

    @Test(arguments: VideoTarget.allCases, [206 as UInt8, 0])
    func `a receiver that asks for a key frame gets one`(codec: VideoTarget, kind: UInt8) async throws {
        try await onThread {
            let sockets = [Datagram(), Datagram()]
            let worker = try Self.playing(TestSource(seconds: 20), to: sockets, codec: codec)
            var (keyFrames, frames, isAsked) = (0, 0, false)
            let payloadCodec: PayloadCodec = codec == .vp8 ? .vp8 : .h264
            while keyFrames < 2, let (bytes, from) = sockets[0].receive() {
                guard Self.kind(bytes) == .rtp else { continue }
                let (header, isKey) = try bytes.withUnsafeBytes { buffer in
                    let header = try RTPHeader(parsing: buffer.bytes)
                    let payload = buffer.bytes.extracting(header.payloadRange)
                    return (header, KeyFrame.isKeyFrame(codec: payloadCodec, payload: payload))
                }
                if isKey { keyFrames += 1 }
                if header.marker { frames += 1 }
                if frames == 5, !isAsked {
                    isAsked = true
                    var buffer = [UInt8](repeating: 0, count: 64)
                    var builder = RTCPBuilder()
                    buffer.withUnsafeMutableBytes { bytes in
                        var span = bytes.mutableBytes
                        if kind == 206 {
                            builder.pictureLoss(senderSSRC: 1, mediaSSRC: 1000, into: &span)
                        } else {
                            builder.fullIntraRequest(senderSSRC: 1, mediaSSRC: 1000, sequence: 1, into: &span)
                        }
                    }
                    sockets[0].send(Array(buffer[..<builder.length]), to: from)
                }
            }
            #expect(keyFrames == 2)
            // Without the request the next one would have come after 60 frames.
            #expect(frames < 50, "\(frames) frames")
            try worker.send(.finish)
            _ = try worker.finished()
        }
    }

    @Test func `the end of the channel ends the process in order`() async throws {
        try await onThread {
            let sockets = [Datagram(), Datagram()]
            let worker = try Self.playing(TestSource(), to: sockets)
            try worker.running()
            worker.hangUp()
            _ = try worker.finished()
            #expect(worker.exit() == 0)
            let idle = try WorkerProcess()
            idle.hangUp()
            #expect(idle.exit() == 0)
        }
    }

    @Test func `finish ends an ingest in every state`() async throws {
        try await onThread {
            for step in 0..<3 {
                let worker = try WorkerProcess()
                let job = IngestJob(
                    source: .test(TestSource()), loop: true, videoCodec: .vp8, routerCodecs: Router.all)
                if step > 0 { try worker.send(.ingest(job)) }
                if step > 1 { _ = try worker.opened() }
                try worker.send(.finish)
                #expect(try worker.finished().tracks.isEmpty)
                #expect(worker.exit() == 0)
            }
        }
    }
}
