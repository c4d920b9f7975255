import Base
import Glibc
import PipelineControl
import RTCP
import RTP
import Synchronization
import TestSupport

/// Everything that an ingest sends, with the time of its arrival.
final class WireWatch: Sendable {
    struct Packet: Sendable {
        var arrival: Instant
        var sequence: UInt16
        var timestamp: UInt32
        var ssrc: UInt32
        /// Behind the RTP head.
        var payload: [UInt8]

        /// H264: the types of the NAL units in it (RFC 6184 §5.6, §5.7), up to a delimiter or message in front.
        private var unitTypes: [UInt8] {
            guard let first = payload.first else { return [] }
            guard first & 0x1F == 24 else { return [first & 0x1F] }
            var (types, at): ([UInt8], Int) = ([], 1)
            while at + 2 < payload.count {
                types.append(payload[at + 2] & 0x1F)
                at += 2 + Int(payload[at]) << 8 + Int(payload[at + 1])
            }
            return types
        }

        var startsWithParameterSets: Bool { unitTypes.first { $0 != 9 && $0 != 6 } == 7 }
    }
    struct Report: Sendable {
        var arrival: Instant
        /// Seconds since 1900.
        var wall: Double
        var timestamp: UInt32
    }
    struct Track: Sendable {
        var packets: [Packet] = []
        var reports: [Report] = []

        /// Steps between packets that are none of one.
        var sequenceGaps: Int { zip(packets, packets.dropFirst()).count { $1.sequence &- $0.sequence != 1 } }
        var stepsBack: Int {
            zip(packets, packets.dropFirst()).count { Int32(bitPattern: $1.timestamp &- $0.timestamp) < 0 }
        }

        /// The first packet behind a pause in which a moment lies: a busy machine makes longer pauses elsewhere.
        func returned(across moment: Instant) -> (packet: Packet, before: Packet)? {
            zip(packets, packets.dropFirst()).first { $1.arrival > moment }.map { ($1, $0) }
        }

        /// How far sender reports are off one line of wall time and RTP timestamp, in seconds.
        func reportError(rate: Double) -> Double {
            guard let first = reports.first else { return .infinity }
            return reports.map { report in
                let media = Double(Int32(bitPattern: report.timestamp &- first.timestamp)) / rate
                return abs(media - (report.wall - first.wall))
            }.max() ?? 0
        }
    }

    private let tracks: Mutex<[Track]>
    let ports: [UInt16]

    init(tracks count: Int) {
        tracks = Mutex(Array(repeating: Track(), count: count))
        let sockets = (0..<count).map { _ in Datagram() }
        ports = sockets.map(\.port)
        for (index, socket) in sockets.enumerated() {
            let descriptor = socket.descriptor
            let keeper = Keeper(socket)
            ThreadStart { [weak self] in
                var room = [UInt8](repeating: 0, count: 2048)
                while let watch = self {
                    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    guard poll(&polled, 1, 100) > 0 else { continue }
                    let got = read(descriptor, &room, room.count)
                    if got > 12 { watch.take(Array(room[..<got]), track: index) }
                }
                withExtendedLifetime(keeper) {}
            }.start()
        }
    }

    /// Belongs to the thread that reads its socket.
    private final class Keeper: @unchecked Sendable {
        let socket: Datagram
        init(_ socket: Datagram) { self.socket = socket }
    }

    var seen: [Track] { tracks.withLock { $0 } }

    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Waits until a track has brought a packet after a moment; false after a minute.
    func waitForPacket(after moment: Instant, track: Int) -> Bool {
        for _ in 0..<6000 {
            if let last = seen[track].packets.last, last.arrival > moment { return true }
            usleep(10_000)
        }
        return false
    }

    private func take(_ bytes: [UInt8], track: Int) {
        let now = Self.now
        let isMedia = bytes.withUnsafeBytes { PacketKind.of($0.bytes) } == .rtp
        func number(_ at: Int, _ count: Int) -> UInt64 {
            bytes[at..<at + count].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        }
        if isMedia {
            let packet = Packet(
                arrival: now, sequence: UInt16(number(2, 2)), timestamp: UInt32(number(4, 4)),
                ssrc: UInt32(number(8, 4)), payload: Array(bytes.dropFirst(12)))
            tracks.withLock { $0[track].packets.append(packet) }
        } else if bytes[1] == 200, bytes.count >= 20 {
            let report = Report(
                arrival: now, wall: Double(number(8, 4)) + Double(number(12, 4)) / 4_294_967_296,
                timestamp: UInt32(number(16, 4)))
            tracks.withLock { $0[track].reports.append(report) }
        }
    }
}

extension WorkerProcess {
    /// Begins to play a job into a watch of all its tracks.
    func play(_ job: IngestJob) throws -> (source: OpenedSource, watch: WireWatch) {
        try send(.ingest(job))
        let source = try opened()
        let watch = WireWatch(tracks: source.tracks.count)
        try send(
            .send(
                source.tracks.map {
                    SendTrack(
                        index: $0.index, ip: "127.0.0.1", port: watch.ports[$0.index], rtcpPort: nil,
                        ssrc: UInt32(1000 + $0.index), payloadType: UInt8(100 + $0.index), cname: "test")
                }))
        try ready()
        try send(.play)
        try running()
        return (source, watch)
    }

    func interrupted() throws -> SourceInterruption {
        try self.await("interrupted") { if case .interrupted(let what) = $0 { what } else { nil } }
    }

    func resumed() throws { try self.await("resumed") { $0 == .resumed ? () : nil } }
}
