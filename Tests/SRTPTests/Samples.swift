import Base
import SRTP

/// A packet as bytes, and what the senders and receivers under test make of it.
enum Sample {
    /// RTP with two contributing sources and an extension when asked for; the payload counts up.
    static func rtp(
        _ sequence: UInt16, ssrc: UInt32 = 0xCAFE_BABE, payload count: Int = 100, full: Bool = false
    ) -> [UInt8] {
        var packet: [UInt8] = [full ? 0x92 : 0x80, 96] + sequence.bytes + UInt32(sequence).bytes + ssrc.bytes
        if full { packet += UInt32(1).bytes + UInt32(2).bytes + [0xBE, 0xDE, 0, 1, 0x10, 0x61, 0, 0] }
        return packet + (0..<count).map { UInt8(truncatingIfNeeded: $0 + Int(sequence)) }
    }

    /// A sender report with one block more of nothing in particular: `words` 32-bit words behind the SSRC.
    static func rtcp(ssrc: UInt32 = 0xCAFE_BABE, words: Int = 5) -> [UInt8] {
        [0x80, 200] + UInt16(words + 1).bytes + ssrc.bytes + (0..<4 * words).map { UInt8(truncatingIfNeeded: $0) }
    }

    static func headerLength(of packet: [UInt8]) -> Int {
        let fixed = 12 + 4 * Int(packet[0] & 0x0F)
        guard packet[0] & 0x10 != 0 else { return fixed }
        return fixed + 4 + 4 * (Int(packet[fixed + 2]) << 8 | Int(packet[fixed + 3]))
    }

    static func key(_ suite: SRTPCryptoSuite, seed: UInt8 = 1) throws -> SRTPMasterKey {
        try SRTPMasterKey(suite, (0..<suite.masterLength).map { seed &+ UInt8($0) &* 37 })
    }
}

extension FixedWidthInteger {
    /// In network byte order.
    var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { [UInt8]($0) } }
}

extension SRTPSender {
    /// Protects a packet as the engine does: the header in the slot, the payload from elsewhere.
    mutating func protect(_ packet: [UInt8], rollover: UInt64 = 0) throws -> [UInt8] {
        let header = Sample.headerLength(of: packet)
        var log = ByteArea(capacity: 1)
        if log.capacity < packet.count { log = ByteArea(capacity: packet.count) }
        var slots = ByteArea(capacity: packet.count + 100)
        log.write(packet.span.bytes, at: 0)
        slots.write(Array(packet[..<header]).span.bytes, at: 7)
        let length = try protect(
            &slots, at: 7, headerLength: header, payload: log, from: header, count: packet.count - header,
            index: rollover << 16 | UInt64(packet[2]) << 8 | UInt64(packet[3]), ssrc: packet.ssrc(at: 8))
        return slots.bytes(7..<7 + length)
    }

    /// The same for one that stands in the slot already.
    mutating func protectInPlace(_ packet: [UInt8], rollover: UInt64 = 0) throws -> [UInt8] {
        let header = Sample.headerLength(of: packet)
        var slots = ByteArea(capacity: packet.count + 100)
        slots.write(packet.span.bytes, at: 7)
        let length = try protect(
            &slots, at: 7, headerLength: header, count: packet.count - header,
            index: rollover << 16 | UInt64(packet[2]) << 8 | UInt64(packet[3]), ssrc: packet.ssrc(at: 8))
        return slots.bytes(7..<7 + length)
    }

    mutating func protectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
        var slots = ByteArea(capacity: packet.count + 100)
        slots.write(packet.span.bytes, at: 3)
        let length = try protectRTCP(&slots, at: 3, length: packet.count)
        return slots.bytes(3..<3 + length)
    }
}

extension SRTPReceiver {
    mutating func unprotect(_ packet: [UInt8]) throws -> [UInt8] {
        var scratch = ByteArea(capacity: 65_536)
        let length = try unprotect(packet.span.bytes, into: &scratch)
        return scratch.bytes(0..<length)
    }

    mutating func unprotectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
        var scratch = ByteArea(capacity: 65_536)
        let length = try unprotectRTCP(packet.span.bytes, into: &scratch)
        return scratch.bytes(0..<length)
    }

    /// Why a packet is refused; nil: it is not.
    mutating func refusal(of packet: [UInt8]) -> SRTPError? {
        do {
            _ = try unprotect(packet)
            return nil
        } catch {
            return error as? SRTPError
        }
    }

    mutating func refusal(ofRTCP packet: [UInt8]) -> SRTPError? {
        do {
            _ = try unprotectRTCP(packet)
            return nil
        } catch {
            return error as? SRTPError
        }
    }
}

extension [UInt8] {
    func ssrc(at offset: Int) -> UInt32 { self[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }

    /// From hexadecimal digits; anything else between them is passed over.
    init(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
