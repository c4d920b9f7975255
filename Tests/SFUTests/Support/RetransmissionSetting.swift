import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// A source, and a receiver at port 5000 that shares it for RTCP.
struct RetransmissionSetting {
    let stage: Stage
    let source: Stage.Port
    let receiver: Stage.Port
    let consumer: ConsumerState
    var track = VideoTrack()

    init(
        _ parameters: RTPParameters = Parameters.vp8WithNACK(rtx: true),
        capabilities: RTPCapabilities = Parameters.everything, outbox: Int = Outbox.standardCapacity
    ) throws {
        stage = try Stage(outbox: outbox)
        source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, parameters)
        receiver = try stage.transport("receiver", comedia: false, rtcpMux: true)
        try stage.connect(receiver)
        consumer = try stage.consume("c", on: receiver, of: "video", capabilities)
    }

    mutating func feed(frames: Int, packets: Int = 1, size: Int = 100, dropping: Set<Int> = []) throws {
        for _ in 0..<frames {
            for packet in try track.frame(isKeyFrame: track.number == 0, packets: packets, size: size) {
                let number = track.number - packets
                if !dropping.contains(number) { stage.feed(packet, on: source.rtp) }
            }
            stage.pass(.milliseconds(1))
        }
    }

    /// A receiver's request.
    func ask(_ items: [NACKItem], ssrc: UInt32? = nil) {
        let media = ssrc ?? consumer.rtpParameters.encodings[0].ssrc ?? 0
        let nack = Packets.write { rtcp, bytes in
            for item in items { rtcp.nack(item, senderSSRC: 1, mediaSSRC: media, into: &bytes) }
        }
        stage.feed(nack, on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    }

    /// What went to the receiver since.
    func taken() -> [Sent] {
        defer { stage.sent = [] }
        return stage.media(to: 5000)
    }

    /// What the source was asked for since.
    func requests() -> [[Int]] {
        defer { stage.sent = [] }
        return stage.feedback(to: 7000).compactMap { datagram in
            var numbers: [Int] = []
            for case .nack(let nack) in datagram.packets {
                #expect(nack.senderSSRC == 0 && nack.mediaSSRC == 2222)
                for place in 0..<nack.count { numbers += nack.item(place, in: datagram.bytes.span.bytes).numbers }
            }
            return numbers.isEmpty ? nil : numbers
        }
    }

    func rtx(_ number: Int, sequence: Int, ssrc: UInt32 = 2223, padding: UInt8 = 0) throws -> [UInt8] {
        var payload = [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
        payload += Packets.vp8Payload(isKeyFrame: false, size: 60)
        return try Packets.rtp(
            payloadType: 97, marker: true, sequence: sequence, timestamp: 7, ssrc: ssrc, padding: padding,
            payload: payload)
    }
}
