import Base
import RTCP
import RTP

/// RTCP of a recording: reads sender reports, writes receiver reports, asks for key frames.
struct RecordFeedback {
    static let reportInterval = Duration.seconds(1)

    private let socket: UDPSocket
    private let address: SocketAddress
    private let ssrc: UInt32
    private var nextReport: Instant?

    init(socket: UDPSocket, address: SocketAddress) {
        self.socket = socket
        self.address = address
        ssrc = .random(in: 1 ... .max)
    }

    /// Takes in a compound from the sender.
    func receive(
        _ datagram: RawSpan, _ tracks: [RecordTrack], _ synchronizer: inout StreamSynchronizer, at now: Instant
    ) {
        guard var compound = try? RTCPCompound(validating: datagram) else { return }
        while let packet = try? compound.next(in: datagram) {
            switch packet {
            case .senderReport(let report):
                guard let track = tracks.first(where: { $0.plan.ssrc == report.info.ssrc }) else { continue }
                track.senderReport(report.info.ntp, at: now)
                synchronizer.senderReport(report.info.ntp, timestamp: report.info.rtpTimestamp, on: track.stream)
            case .sourceDescription(let description):
                for track in tracks {
                    guard let cname = description.cname(of: track.plan.ssrc, in: datagram) else { continue }
                    synchronizer.sourceDescription(cname: cname, on: track.stream)
                }
            default: break
            }
        }
    }

    /// Sends what is due.
    mutating func turn(_ tracks: [RecordTrack], at now: Instant) {
        let keyless = tracks.filter { $0.takeKeyFrameRequest(at: now) }
        let isReportDue = nextReport.map { now >= $0 } ?? tracks.contains { $0.packets > 0 }
        guard isReportDue || !keyless.isEmpty else { return }
        // RR with up to 31 blocks 752, SDES 24, PLI 12 each: more tracks than fit get theirs the next time.
        var buffer = [UInt8](repeating: 0, count: 1200)
        var builder = RTCPBuilder()
        buffer.withUnsafeMutableBytes { bytes in
            var span = bytes.mutableBytes
            builder.receiverReport(ssrc: ssrc, into: &span)
            if isReportDue {
                for track in tracks {
                    if let block = track.report(at: now) { builder.reportBlock(block, into: &span) }
                }
            }
            builder.cname("recorder", of: ssrc, into: &span)
            for track in keyless {
                builder.pictureLoss(senderSSRC: ssrc, mediaSSRC: track.plan.ssrc, into: &span)
            }
        }
        if isReportDue { nextReport = now + Self.reportInterval }
        socket.send(Array(buffer[..<builder.length]), to: address)
    }
}
