import Base
import Glibc
import LibAV
import PipelineControl
import RTCP

/// One track on the wire: its socket, its sender reports, its account. Belongs to the main thread.
final class TrackSender {
    /// RFC 3550 §6.2 asks for 5 s and allows less; a receiver that comes late shall not wait that long for lip sync.
    static let reportInterval = Duration.seconds(1)
    /// Key frames are large: more often than this they would crowd everything else out.
    static let keyFrameInterval = Duration.milliseconds(500)

    let track: Int
    let wire: WireTrack
    let clockRate: Int
    private let cname: String
    private let rtp: UDPSocket
    /// Nil: RTCP shares the RTP socket.
    private let rtcp: UDPSocket?
    private var nextReport: Duration?
    private var lastKeyFrameRequest: Instant?
    private(set) var packets = 0
    private(set) var bytes = 0
    private(set) var frames = 0
    private var payloadBytes: UInt32 = 0
    private var bytesAtProgress = 0

    init(_ send: SendTrack, clockRate: Int) throws(PipelineFailure) {
        track = send.index
        cname = send.cname
        self.clockRate = clockRate
        var random = SystemRandomNumberGenerator()
        // The sequence begins in the lower half, so that no receiver meets the wrap in its first packets.
        wire = WireTrack(
            track: send.index, ssrc: send.ssrc, payloadType: send.payloadType, timestampBase: random.next(),
            firstSequence: UInt16.random(in: 0..<0x8000, using: &random))
        rtp = try Self.socket(to: send.ip, send.port)
        if let port = send.rtcpPort {
            rtcp = try Self.socket(to: send.ip, port)
        } else {
            rtcp = nil
        }
    }

    private static func socket(to ip: String, _ port: UInt16) throws(PipelineFailure) -> UDPSocket {
        guard let address = SocketAddress(ip, port: port), port != 0 else {
            throw PipelineFailure(code: .protocolError, message: "\(ip) port \(port) is no address to send to")
        }
        guard let socket = UDPSocket.connected(to: address) else {
            throw PipelineFailure(
                code: .media, message: "can't send to \(address): \(String(cString: strerror(errno)))")
        }
        return socket
    }

    var descriptors: [Int32] { [rtp.descriptor] + (rtcp.map { [$0.descriptor] } ?? []) }
    var hasStarted: Bool { frames > 0 }

    /// When the next report is due, in media time.
    var reportDue: Duration? { nextReport }

    /// Sends one frame; the first one has a report before it, for the receiver's clock, and one behind it, for
    /// receivers that take nothing from an address before its RTP.
    func send(_ item: SendItem, clock: PacingClock, position: Duration) {
        if frames == 0 { report(clock: clock, position: position) }
        let sizes = item.packets.sizes.map { UInt32($0) }
        item.packets.bytes.withUnsafeBytes { rtp.send($0, sizes: sizes) }
        packets += sizes.count
        bytes += item.packets.bytes.count
        // Our packets have a plain head of 12 bytes.
        payloadBytes &+= UInt32(truncatingIfNeeded: item.packets.bytes.count - 12 * sizes.count)
        frames += 1
        if frames == 1 { report(clock: clock, position: position) }
    }

    /// Sends SR and SDES: which wall time the RTP timestamp of `position` has.
    func report(clock: PacingClock, position: Duration) {
        nextReport = position + Self.reportInterval
        rtcpSocket.send(compound(clock: clock, position: position, isLast: false))
    }

    func sayBye(clock: PacingClock, position: Duration) {
        guard frames > 0 else { return }
        rtcpSocket.send(compound(clock: clock, position: position, isLast: true))
    }

    private var rtcpSocket: UDPSocket { rtcp ?? rtp }

    private func compound(clock: PacingClock, position: Duration, isLast: Bool) -> [UInt8] {
        // SR 28, SDES at most 272, BYE 8.
        var buffer = [UInt8](repeating: 0, count: 320)
        var builder = RTCPBuilder()
        let info = SenderInfo(
            ssrc: wire.ssrc, ntp: clock.wallTime(of: position),
            rtpTimestamp: wire.timestampBase &+ ticks(position, rate: clockRate),
            packetCount: UInt32(truncatingIfNeeded: packets), octetCount: payloadBytes)
        buffer.withUnsafeMutableBytes { bytes in
            var span = bytes.mutableBytes
            builder.senderReport(info, into: &span)
            builder.cname(cname, of: wire.ssrc, into: &span)
            if isLast { builder.bye(ssrc: wire.ssrc, into: &span) }
        }
        return Array(buffer[..<builder.length])
    }

    /// Reads what receivers say.
    /// - Returns: whether one of them asks for a key frame that may be given.
    func receiveFeedback(_ batch: ReceiveBatch, now: Instant) -> Bool {
        var isAsked = false
        for socket in [rtp, rtcp].compactMap(\.self) {
            while batch.receive(from: socket, { if asksForKeyFrame($0) { isAsked = true } }) {}
        }
        guard isAsked else { return false }
        if let last = lastKeyFrameRequest, now - last < Self.keyFrameInterval { return false }
        lastKeyFrameRequest = now
        return true
    }

    private func asksForKeyFrame(_ datagram: RawSpan) -> Bool {
        guard var compound = try? RTCPCompound(validating: datagram) else { return false }
        while let packet = try? compound.next(in: datagram) {
            switch packet {
            case .pictureLoss(let request) where request.mediaSSRC == wire.ssrc: return true
            case .fullIntraRequest(let request):
                for position in 0..<request.count where request.item(position, in: datagram).ssrc == wire.ssrc {
                    return true
                }
            default: break
            }
        }
        return false
    }

    /// The account.
    /// - Parameter interval: since the last account; since the start for the last one, whose bitrate is the whole's.
    func progress(over interval: Duration, isLast: Bool) -> PipelineProgress.Track {
        let seconds = interval.seconds
        let bitrate = seconds > 0 ? Double((isLast ? bytes : bytes - bytesAtProgress) * 8) / seconds : 0
        bytesAtProgress = bytes
        return PipelineProgress.Track(
            id: "\(track)", packets: packets, bytes: bytes, frames: frames, bitrateBitsPerSecond: Int(bitrate))
    }
}

/// A media time in units of an RTP clock, modulo 2³².
func ticks(_ time: Duration, rate: Int) -> UInt32 {
    let (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    // Rounded to the nearest; `rest` has the sign of `seconds`.
    let fraction = (rest * Int64(rate) + (rest < 0 ? -500_000_000 : 500_000_000)) / 1_000_000_000
    return UInt32(truncatingIfNeeded: seconds * Int64(rate) + fraction)
}
