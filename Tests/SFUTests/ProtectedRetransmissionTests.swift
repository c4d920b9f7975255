import Base
import ORTC
import RTCP
import RTP
import SFU
import SRTP
import TestSupport
import Testing

private let suites = ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]

/// A source in the clear, and a receiver at port 5000 under SRTP.
private struct Setting: ~Copyable {
    let stage: Stage
    let source: Stage.Port
    let receiver: SocketID
    let consumer: ConsumerState
    /// The receiver's own: for its requests.
    var sender: SRTPSender
    /// For what it gets.
    var unprotector: SRTPReceiver
    var area: ByteArea
    var track = VideoTrack()

    init(_ name: String, _ capabilities: RTPCapabilities) throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8WithNACK(rtx: true))
        let id = TransportID(rawValue: "receiver")
        let socket = SocketID(99)
        let tuples = try stage.engine.createPlainTransport(
            PlainTransportSetup(
                router: Stage.room, id: id, rtp: LocalEndpoint(socket: socket, address: "192.0.2.1", port: 49_999),
                srtpCryptoSuite: name), now: stage.now)
        let suite = try #require(SRTPCryptoSuite(rawValue: name))
        var random = SeededGenerator(seed: 7)
        let key = SRTPMasterKey(suite, using: &random)
        _ = try stage.engine.connect(
            id, ip: "198.51.100.7", port: 5000, rtcpPort: nil,
            srtpParameters: SRTPParameters(cryptoSuite: name, keyBase64: key.base64), now: stage.now,
            into: &stage.outbox)
        let parameters = stage.engine.srtpParameters(of: id)
        let ours = try SRTPMasterKey(suite, base64: try #require(parameters).keyBase64)
        let port = Stage.Port(id: id, rtp: socket, rtcp: nil, tuples: tuples)
        let consumer = try stage.consume("c", on: port, of: "video", capabilities)
        let sender = try SRTPSender(key)
        let unprotector = try SRTPReceiver(ours)
        (self.stage, self.source, receiver, self.consumer) = (stage, source, socket, consumer)
        self.sender = sender
        self.unprotector = unprotector
        area = ByteArea(capacity: 4096)
    }

    mutating func feed(packets: Int, size: Int = 60) throws {
        for packet in try track.frame(isKeyFrame: track.number == 0, packets: packets, size: size) {
            stage.receive(packet, on: source.rtp)
        }
        stage.flush()
        stage.pass(.milliseconds(1))
    }

    mutating func ask(_ items: [NACKItem]) throws {
        let ssrc = try #require(consumer.rtpParameters.encodings[0].ssrc)
        let nack = Packets.write { rtcp, bytes in
            for item in items { rtcp.nack(item, senderSSRC: 1, mediaSSRC: ssrc, into: &bytes) }
        }
        area.write(nack.span.bytes, at: 0)
        let length = try sender.protectRTCP(&area, at: 0, length: nack.count)
        stage.feed(area.bytes(0..<length), on: receiver, from: Stage.address("198.51.100.7", 5000))
    }

    func taken() -> [[UInt8]] {
        defer { stage.sent = [] }
        return stage.media(to: 5000).map(\.bytes)
    }

    mutating func unprotect(_ packet: [UInt8]) throws -> Sent {
        let length = try unprotector.unprotect(packet.span.bytes, into: &area)
        return Sent(area.bytes(0..<length))
    }
}

@Test(arguments: suites)
func `a retransmission without RTX is the same ciphertext, under every suite`(suite: String) throws {
    var setting = try Setting(suite, Parameters.everythingWithoutRTX)
    for _ in 0..<4 { try setting.feed(packets: 5) }
    let originals = setting.taken()
    #expect(originals.count == 20)
    let first = Sent(originals[0]).sequence
    try setting.ask([NACKItem(packetID: UInt16(first), lossBitmap: 0xFFFF)])
    let again = setting.taken()
    #expect(again == Array(originals[..<17]))
    // It is media: the receiver can read it.
    let number = try setting.unprotect(originals[3]).number
    #expect(number == 3)
}

@Test(arguments: suites)
func `a retransmission in a stream of its own is protected under that stream's number`(suite: String) throws {
    var setting = try Setting(suite, Parameters.everything)
    for _ in 0..<4 { try setting.feed(packets: 5) }
    let originals = setting.taken()
    let rtx = try #require(setting.consumer.rtpParameters.encodings[0].rtxSSRC)
    var seen: Set<Int> = []
    for round in 0..<3 {
        try setting.ask([NACKItem(packetID: UInt16(Sent(originals[5]).sequence), lossBitmap: 1)])
        for (place, packet) in setting.taken().enumerated() {
            let clear = try setting.unprotect(packet)
            #expect(clear.header?.ssrc == rtx)
            #expect(clear.payload.prefix(2) == originals[5 + place][2..<4])
            seen.insert(clear.sequence)
        }
        // Never twice the same number: that would be a nonce used twice.
        #expect(seen.count == 2 * (round + 1))
        setting.stage.pass(.milliseconds(150))
    }
}

@Test func `packets from before a wrap are sent again under their own rollover counter`() throws {
    var setting = try Setting("AEAD_AES_256_GCM", Parameters.everythingWithoutRTX)
    var recent: [[UInt8]] = []
    // Until some packets are behind the wrap of the outgoing numbers.
    var isBehind = false
    while !isBehind {
        try setting.feed(packets: 40, size: 8)
        recent = recent.suffix(80) + setting.taken()
        let numbers = recent.map { Sent($0).sequence }
        isBehind = zip(numbers, numbers.dropFirst()).contains { $1 < $0 } && numbers.last.map { $0 > 10 } ?? false
        #expect(setting.track.number < 70_000)
    }
    let asked = recent.filter { Sent($0).sequence > 65_530 || Sent($0).sequence < 5 }
    try setting.ask([NACKItem(packetID: 65_531, lossBitmap: 0x1FF)])
    #expect(setting.taken() == asked)
    #expect(asked.count == 10)
}
