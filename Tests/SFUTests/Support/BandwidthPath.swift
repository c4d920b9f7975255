import Base
import Congestion
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// A receiver behind a bottleneck that answers what it gets with feedback, or with REMBs, and remembers it.
final class BandwidthPath {
    let stage: Stage
    let port: Stage.Port
    let remote: UInt16
    var link: Bottleneck
    /// Nil: without SRTP.
    private let peer: (any KeyHolder)?
    private var receiver: IncomingBandwidth
    private var flying: [(arrival: Instant, sent: Sent)] = []
    private var answers: [(arrival: Instant, bytes: [UInt8])] = []
    private var seen: Int
    /// Of the media that came last: a receiver that estimates reports its losses, too, of which there are none.
    private var highest: (ssrc: UInt32, sequence: UInt32)?
    private var nextReport: Instant
    /// In the clear, whether they arrive or not.
    private(set) var sent: [Sent] = []
    private(set) var estimates: [Int64] = []

    init(
        _ stage: Stage, _ port: Stage.Port, at remote: UInt16, _ link: Bottleneck,
        _ mechanism: BandwidthMechanism = .transportWide, peer: (any KeyHolder)? = nil
    ) {
        (self.stage, self.port, self.remote, self.link, self.peer) = (stage, port, remote, link, peer)
        receiver = IncomingBandwidth(mechanism: mechanism)
        seen = stage.sent.count
        nextReport = stage.now
    }

    var available: Int64 { BandwidthTests.available(stage, port) ?? 0 }
    var padding: [Sent] { sent.filter { $0.header?.ssrc == 1234 } }

    /// Lets time pass in steps of 1 ms.
    func pass(_ milliseconds: Int) throws {
        for _ in 0..<milliseconds {
            stage.pass(.milliseconds(1))
            try carry()
        }
    }

    private func carry() throws {
        stage.flush()
        for packet in stage.sent[seen...] where !packet.isRTCP && packet.destination.port == remote {
            let clear = try peer?.unprotect(packet) ?? packet
            sent.append(clear)
            if let arrival = link.send(packet.bytes.count, at: stage.now) { flying.append((arrival, clear)) }
        }
        seen = stage.sent.count
        while let (arrival, packet) = flying.first, arrival <= stage.now {
            flying.removeFirst()
            receive(packet, at: arrival)
        }
        while let due = receiver.nextDeadline, due <= stage.now {
            var isWritten = false
            let bytes = Packets.write { rtcp, buffer in
                isWritten = receiver.write(senderSSRC: 1, mediaSSRC: 2, now: stage.now, into: &rtcp, &buffer)
            }
            guard isWritten else { break }
            answers.append((stage.now + .milliseconds(25), try peer?.protectRTCP(bytes) ?? bytes))
        }
        if receiver.mechanism == .remb, nextReport <= stage.now, let highest {
            nextReport = stage.now + .seconds(1)
            let report = Packets.receiverReport(
                ReportBlock(
                    ssrc: highest.ssrc, fractionLost: 0, packetsLost: 0, extendedHighestSequence: highest.sequence,
                    jitter: 0, lastSenderReport: 0, delaySinceLastSenderReport: 0))
            answers.append((stage.now + .milliseconds(25), try peer?.protectRTCP(report) ?? report))
        }
        while let (arrival, bytes) = answers.first, arrival <= stage.now {
            answers.removeFirst()
            stage.feed(
                bytes, on: port.rtcp ?? port.rtp,
                from: Stage.address("198.51.100.7", port.rtcp == nil ? remote : remote + 1))
        }
        estimates.append(available)
    }

    private func receive(_ packet: Sent, at arrival: Instant) {
        switch receiver.mechanism {
        case .transportWide:
            guard let number = BandwidthTests.element(5, of: packet) else { return }
            receiver.receive(transportWide: UInt16(number[0]) << 8 | UInt16(number[1]), now: arrival)
        case .remb:
            guard let time = BandwidthTests.element(4, of: packet), let ssrc = packet.header?.ssrc else { return }
            if ssrc != 1234 { highest = (ssrc, UInt32(packet.sequence)) }
            receiver.receive(
                absoluteSendTime: UInt32(time[0]) << 16 | UInt32(time[1]) << 8 | UInt32(time[2]),
                size: packet.bytes.count, ssrc: ssrc, now: arrival)
        }
    }
}
