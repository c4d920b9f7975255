import Base
import LibAV

/// Makes RTP of one track's coded frames and queues it. Belongs to the feeding thread.
final class TrackOutput {
    private let wire: WireTrack
    private let clockRate: Int
    private let packetizer: RTPPacketizer
    private let exchange: IngestExchange
    private(set) var frames = 0
    private var last: Duration?

    init(
        _ codec: RTPPacketizer.Codec, clockRate: Int, wire: WireTrack, exchange: IngestExchange
    ) throws(LibAVError) {
        self.wire = wire
        self.clockRate = clockRate
        self.exchange = exchange
        packetizer = try RTPPacketizer(
            codec: codec, payloadType: wire.payloadType, ssrc: wire.ssrc, firstSequence: wire.firstSequence,
            mtu: RTPLimits.packet)
    }

    /// Queues a frame, waiting while enough is prepared. False: nobody wants more.
    func send(_ packet: Packet, at time: Duration, duration: Duration) throws(LibAVError) -> Bool {
        // Two frames never bear one RTP timestamp: receivers would take them for one.
        let tick = Duration.nanoseconds(1_000_000_000 / Int64(clockRate) + 1)
        let time = last.map { max(time, $0 + tick) } ?? time
        last = time
        let timestamp = wire.timestampBase &+ ticks(time, rate: clockRate)
        let packets = try packetizer.packetize(packet, timestamp: timestamp)
        guard !packets.sizes.isEmpty else { return true }
        frames += 1
        let item = SendItem(track: wire.track, time: time, packets: packets)
        return exchange.push(item, until: time + duration)
    }

    /// A viewer asked for a key frame since the last call.
    var isKeyFrameWanted: Bool { exchange.takeKeyFrameRequest(track: wire.track) }
}

/// What turns packets of one stream into frames on the wire. Each verb returns false when nobody wants more.
protocol TrackFeed: AnyObject {
    func take(_ packet: Packet) throws(LibAVError) -> Bool
    /// The file has ended and may begin anew.
    func endRound() throws(LibAVError) -> Bool
    /// Nothing more will come.
    func finish() throws(LibAVError) -> Bool
}

/// Counts what could not be used and says so now and then.
struct Mishaps {
    let subject: String
    private(set) var count = 0

    init(subject: String) { self.subject = subject }

    mutating func note(_ what: String) {
        count += 1
        // The first ones tell what is wrong; later ones only how much.
        if count <= 3 || count % 100 == 0 { log("\(subject): \(what) (\(count) so far)") }
    }
}
