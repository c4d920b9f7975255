import Base
import Congestion
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// Two cameras, and a receiver behind a bottleneck that answers with transport-wide feedback.
private final class NarrowStage {
    let stage: Stage
    private let sources: [Stage.Port]
    private var tracks = [VideoTrack(), VideoTrack()]
    let port: Stage.Port
    private var link: Bottleneck
    private var receiver = IncomingBandwidth(mechanism: .transportWide)
    private var flying: [(arrival: Instant, number: UInt16)] = []
    private var answers: [(arrival: Instant, bytes: [UInt8])] = []
    private var seen = 0
    private var frame = 0
    private(set) var estimates: [Int64] = []
    private(set) var longestQueue = Duration.zero

    init(seed: UInt64, rate: Int64, factor: Double?) throws {
        var configuration = SFUConfiguration()
        configuration.pacing.bandwidthFactor = factor
        let stage = try Stage(configuration)
        self.stage = stage
        link = Bottleneck(seed: seed, rate: rate, queueLimit: 250_000, jitter: .milliseconds(2))
        sources = try (0..<2).map { place in
            let source = try stage.transport("source\(place)", rtcpMux: true)
            try stage.produce("video\(place)", on: source, Parameters.vp8(ssrc: 2222))
            return source
        }
        port = try stage.transport("to", comedia: false)
        try stage.connect(port, to: 5000)
    }

    func consume(_ place: Int) throws {
        try stage.consume("c\(place)", on: port, of: "video\(place)", BandwidthTests.capabilities(.transportWide))
    }

    /// 30 pictures a second of two packets with 600 bytes: 300 kbit/s from each camera, and the first key frame only.
    func run(seconds: Int) throws {
        estimates = []
        longestQueue = .zero
        for _ in 0..<seconds * 30 {
            for place in 0..<2 {
                for packet in try tracks[place].frame(isKeyFrame: frame == 0, packets: 2, size: 600) {
                    stage.feed(packet, on: sources[place].rtp)
                }
            }
            frame += 1
            for _ in 0..<33 {
                stage.pass(.milliseconds(1))
                try carry()
            }
        }
    }

    /// All camera's next picture is a key frame.
    func beginGroup() { frame = 0 }

    private func carry() throws {
        stage.flush()
        for sent in stage.sent[seen...] where !sent.isRTCP && sent.destination.port == 5000 {
            let number = try #require(BandwidthTests.element(5, of: sent))
            guard let arrival = link.send(sent.bytes.count, at: stage.now) else { continue }
            flying.append((arrival, UInt16(number[0]) << 8 | UInt16(number[1])))
        }
        seen = stage.sent.count
        longestQueue = max(longestQueue, link.queueDelay(at: stage.now))
        while let (arrival, number) = flying.first, arrival <= stage.now {
            flying.removeFirst()
            receiver.receive(transportWide: number, now: arrival)
        }
        while let due = receiver.nextDeadline, due <= stage.now {
            var isWritten = false
            let bytes = Packets.write { rtcp, buffer in
                isWritten = receiver.write(senderSSRC: 1, mediaSSRC: 2, now: stage.now, into: &rtcp, &buffer)
            }
            guard isWritten else { break }
            answers.append((stage.now + .milliseconds(25), bytes))
        }
        while let (arrival, bytes) = answers.first, arrival <= stage.now {
            answers.removeFirst()
            stage.feed(bytes, on: port.rtcp ?? port.rtp, from: Stage.address("198.51.100.7", 5001))
        }
        estimates.append(BandwidthTests.available(stage, port) ?? 0)
    }

    /// Whether the newest packet of a camera has left to the receiver.
    func isLive(_ place: Int) -> Bool {
        stage.sent.last { !$0.isRTCP && $0.destination.port == 5000 && $0.isOf(place) }?.number
            == tracks[place].number - 1
    }
}

extension Sent {
    fileprivate func isOf(_ place: Int) -> Bool {
        BandwidthTests.element(1, of: self) == Array("\(place)".utf8)
    }
}

@Test(arguments: [UInt64(1), 2])
private func
    `a start from the cache that is bounded by the estimate neither fills the path's queue nor shakes the estimate`(
        seed: UInt64
    ) throws
{
    let narrow = try NarrowStage(seed: seed, rate: 900_000, factor: 1.2)
    try narrow.consume(0)
    try narrow.run(seconds: 10)
    narrow.beginGroup()
    try narrow.run(seconds: 3)
    let before = try #require(narrow.estimates.last)
    try narrow.consume(1)
    try narrow.run(seconds: 4)
    let lowest = try #require(narrow.estimates.min())
    #expect(Double(lowest) >= 0.9 * Double(before), "seed \(seed): \(lowest) after \(before)")
    // Unbounded the three seconds of before fill it for a second.
    #expect(narrow.longestQueue < .milliseconds(150), "seed \(seed): \(narrow.longestQueue)")
    #expect(!narrow.isLive(1))
    try narrow.run(seconds: 12)
    #expect(narrow.isLive(1), "seed \(seed)")
}
