import Base
import ORTC
import RTP
import SFU
import SRTP
import Testing

/// Sees every datagram that leaves an engine's transport, before a network can lose it, and checks what has to hold
/// whatever happened: under one SSRC and extended number there is one packet, byte for byte; and what is sent again in a
/// stream of its own is what was sent first.
final class SendWitness {
    private struct Place: Hashable {
        let ssrc: UInt32
        let index: Int64
    }

    let media: UInt32
    let rtx: UInt32?
    private var unprotector: SRTPReceiver?
    private var area = ByteArea(capacity: 4096)
    private var numbers: [UInt32: SequenceUnwrapper] = [:]
    private var wire: [Place: [UInt8]] = [:]
    /// Of the media, by extended number, as they were sent first.
    private(set) var packets: [Int64: Sent] = [:]
    /// The very bytes once more.
    private(set) var repetitions = 0
    private(set) var retransmissions = 0
    /// Other bytes under a number that had been used.
    private(set) var reused: [String] = []
    /// Retransmissions of something else than what was sent.
    private(set) var differing: [String] = []
    private(set) var undeciphered = 0

    /// - Parameter key: What the engine protects under; nil: nothing is protected.
    init(_ consumer: ConsumerState, key: SRTPParameters?) throws {
        let encoding = try #require(consumer.rtpParameters.encodings.first)
        media = try #require(encoding.ssrc)
        rtx = encoding.rtxSSRC
        guard let key else { return }
        let suite = try #require(SRTPCryptoSuite(rawValue: key.cryptoSuite))
        unprotector = try SRTPReceiver(SRTPMasterKey(suite, base64: key.keyBase64))
    }

    /// - Returns: What a receiver reads, in the clear; nil: RTCP, or it could not be read.
    func see(_ sent: Sent) -> Sent? {
        guard !sent.isRTCP, let header = sent.header else { return nil }
        let index = numbers[header.ssrc, default: SequenceUnwrapper()].unwrap(header.sequenceNumber)
        let place = Place(ssrc: header.ssrc, index: index)
        if let before = wire[place] {
            repetitions += 1
            if before != sent.bytes { reused.append("\(header.ssrc) #\(index)") }
            return header.ssrc == media ? packets[index] : nil
        }
        wire[place] = sent.bytes
        guard let clear = decipher(sent) else {
            undeciphered += 1
            return nil
        }
        if header.ssrc == media { packets[index] = clear } else { compare(clear) }
        return clear
    }

    private func decipher(_ sent: Sent) -> Sent? {
        guard unprotector != nil else { return sent }
        guard let length = try? unprotector?.unprotect(sent.bytes.span.bytes, into: &area) else { return nil }
        return Sent(socket: sent.socket, destination: sent.destination, bytes: area.bytes(0..<length))
    }

    private func compare(_ clear: Sent) {
        retransmissions += 1
        let payload = clear.payload
        guard clear.header?.ssrc == rtx, payload.count > 2 else {
            differing.append("\(clear)")
            return
        }
        let number = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let index = numbers[media, default: SequenceUnwrapper()].peek(number)
        guard let first = packets[index], first.payload == Array(payload.dropFirst(2)),
            first.timestamp == clear.timestamp, first.header?.marker == clear.header?.marker
        else {
            differing.append("\(clear) of #\(index)")
            return
        }
    }

    /// What holds in every run.
    func expectNothingWrong(_ comment: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(reused.isEmpty, "\(comment): \(reused.prefix(5))", sourceLocation: sourceLocation)
        #expect(differing.isEmpty, "\(comment): \(differing.prefix(5))", sourceLocation: sourceLocation)
        #expect(undeciphered == 0, "\(comment)", sourceLocation: sourceLocation)
    }
}
