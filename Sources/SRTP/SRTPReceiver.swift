import Base

/// Checks and decrypts what comes in under one key: packets of any number of streams, and their RTCP.
///
/// A packet changes nothing here before it is authenticated: no window, no rollover counter, no memory of its SSRC.
/// A stream's rollover counter is taken for 0 at its first packet, as by every receiver that is not told otherwise.
public struct SRTPReceiver: ~Copyable {
    /// As many senders as are remembered: more than a pipe of 100 simulcast producers with retransmission has.
    public static let standardSources = 1024

    public let suite: SRTPCryptoSuite
    private let work: Work
    private var rtpSources: ReplayTable
    private var rtcpSources: ReplayTable

    private enum Work: ~Copyable {
        case openSSL(rtp: PacketCipher, rtcp: PacketCipher)
        case libSRTP(LibSRTPReceiver)

        /// Nil: it is OpenSSL.
        var libSRTP: LibSRTPReceiver? {
            switch self {
            case .openSSL: nil
            case .libSRTP(let session): session
            }
        }
    }

    /// - Parameter maximumSources: As many SSRCs are remembered, for RTP and for RTCP.
    /// - Throws: `backend`, when the library can't do the suite.
    public init(
        _ key: SRTPMasterKey, backend: SRTPBackend = .openssl, maximumSources: Int = Self.standardSources
    ) throws(SRTPError) {
        suite = key.suite
        rtpSources = ReplayTable(capacity: maximumSources)
        rtcpSources = ReplayTable(capacity: maximumSources)
        switch backend {
        case .openssl:
            let rtp = try SRTPSessionKeys(.rtp, from: key)
            let rtcp = try SRTPSessionKeys(.rtcp, from: key)
            work = .openSSL(
                rtp: try PacketCipher(suite, rtp, encrypts: false),
                rtcp: try PacketCipher(suite, rtcp, encrypts: false))
        case .libsrtp: work = .libSRTP(try LibSRTPReceiver(key, maximumSources: maximumSources))
        }
    }

    /// From keys that were derived elsewhere: on OpenSSL.
    /// - Throws: `wrongKeyLength`, `backend`.
    public init(_ suite: SRTPCryptoSuite, rtp: SRTPSessionKeys, rtcp: SRTPSessionKeys) throws(SRTPError) {
        self.suite = suite
        rtpSources = ReplayTable(capacity: Self.standardSources)
        rtcpSources = ReplayTable(capacity: Self.standardSources)
        work = .openSSL(
            rtp: try PacketCipher(suite, rtp, encrypts: false), rtcp: try PacketCipher(suite, rtcp, encrypts: false))
    }

    /// How many senders of RTP are remembered. With libsrtp: of RTP and RTCP.
    public var sourceCount: Int {
        if let session = work.libSRTP { return session.sourceCount }
        return rtpSources.count
    }

    /// A stream has ended: whoever sends under its SSRC next begins anew, with rollover counter 0.
    public mutating func forget(_ ssrc: UInt32) {
        if let session = work.libSRTP { session.forget(ssrc) } else { rtpSources.forget(ssrc) }
    }

    // MARK: - RTP

    /// Writes the packet as it was before it was protected to the beginning of `scratch`.
    ///
    /// - Returns: Its length.
    /// - Throws: Why it is no packet of the peer's, or one that was there before; `scratch` then holds rubbish.
    public mutating func unprotect(_ packet: RawSpan, into scratch: inout ByteArea) throws(SRTPError) -> Int {
        let header = try Self.headerLength(of: packet, tagLength: suite.rtpOverhead)
        let length = packet.byteCount - suite.rtpOverhead
        guard packet.byteCount <= scratch.capacity else {
            throw .oversized(capacity: scratch.capacity, got: packet.byteCount)
        }
        if let session = work.libSRTP { return try session.unprotect(packet, into: &scratch) }
        let ssrc = packet.uint32(at: 8)
        let place = rtpSources.place(of: ssrc)
        let index = rtpSources.estimate(packet.uint16(at: 2), at: place)
        guard index >> 48 == 0 else { throw .indexesUsedUp }
        try rtpSources.check(index, at: place)
        // The pointers stay in the closure; header ≤ length ≤ packet ≤ capacity was checked above.
        let target = scratch.pointer(at: 0, length)
        let isAuthentic = packet.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return false }
            return openRTP(source, header, length, to: target, ssrc, index)
        }
        guard isAuthentic else { throw .authenticationFailed }
        rtpSources.mark(index, of: ssrc, at: place)
        return length
    }

    private func openRTP(
        _ packet: UnsafeRawPointer, _ header: Int, _ length: Int, to target: UnsafeMutableRawPointer, _ ssrc: UInt32,
        _ index: UInt64
    ) -> Bool {
        let count = length - header
        switch work {
        case .openSSL(.gcm(let cipher), _):
            guard
                cipher.open(
                    packet, header, trailer: nil, from: packet + header, count: count, to: target + header,
                    tag: packet + length, ssrc: ssrc, index: index)
            else { return false }
        case .openSSL(.counterMode(let cipher), _):
            let word = UInt32(truncatingIfNeeded: index >> 16)
            guard cipher.verify(packet, length, word: word, tag: packet + length, suite.rtpOverhead),
                cipher.apply(from: packet + header, count: count, to: target + header, ssrc: ssrc, index: index)
            else { return false }
        case .libSRTP: return false
        }
        target.copyMemory(from: packet, byteCount: header)
        return true
    }

    /// Bytes of the header with CSRCs and extension, behind which the payload is encrypted. Padding is encrypted, too.
    private static func headerLength(of packet: RawSpan, tagLength: Int) throws(SRTPError) -> Int {
        let count = packet.byteCount
        guard count >= 12 + tagLength else { throw .truncated(needed: 12 + tagLength, got: count) }
        let first = packet.uint8(at: 0)
        guard first >> 6 == 2 else { throw .badVersion(first >> 6) }
        var length = 12 + 4 * Int(first & 0x0F)
        if first & 0x10 != 0 {
            guard count >= length + 4 + tagLength else {
                throw .truncated(needed: length + 4 + tagLength, got: count)
            }
            length += 4 + 4 * Int(packet.uint16(at: length + 2))
        }
        guard count >= length + tagLength else { throw .truncated(needed: length + tagLength, got: count) }
        return length
    }

    // MARK: - RTCP

    /// The same for a compound packet of RTCP.
    public mutating func unprotectRTCP(_ packet: RawSpan, into scratch: inout ByteArea) throws(SRTPError) -> Int {
        let count = packet.byteCount
        let needed = RTCPLayout.head + suite.rtcpOverhead
        guard count >= needed else { throw .truncated(needed: needed, got: count) }
        guard packet.uint8(at: 0) >> 6 == 2 else { throw .badVersion(packet.uint8(at: 0) >> 6) }
        guard count <= scratch.capacity else { throw .oversized(capacity: scratch.capacity, got: count) }
        let layout = RTCPLayout(suite, protectedLength: count)
        let word = packet.uint32(at: layout.word)
        guard word & RTCPLayout.encrypted != 0 else { throw .unencrypted }
        if let session = work.libSRTP { return try session.unprotectRTCP(packet, into: &scratch) }
        let index = UInt64(word & ~RTCPLayout.encrypted)
        let ssrc = packet.uint32(at: 4)
        let place = rtcpSources.place(of: ssrc)
        try rtcpSources.check(index, at: place)
        let length = count - suite.rtcpOverhead
        // As above; head ≤ length, since count ≥ needed.
        let target = scratch.pointer(at: 0, length)
        let isAuthentic = packet.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return false }
            return openRTCP(source, layout, word, to: target, ssrc, index)
        }
        guard isAuthentic else { throw .authenticationFailed }
        rtcpSources.mark(index, of: ssrc, at: place)
        return length
    }

    private func openRTCP(
        _ packet: UnsafeRawPointer, _ layout: RTCPLayout, _ word: UInt32, to target: UnsafeMutableRawPointer,
        _ ssrc: UInt32, _ index: UInt64
    ) -> Bool {
        let (head, count) = (RTCPLayout.head, layout.bodyLength)
        switch work {
        case .openSSL(_, .gcm(let cipher)):
            guard
                cipher.open(
                    packet, head, trailer: packet + layout.word, from: packet + head, count: count, to: target + head,
                    tag: packet + layout.tag, ssrc: ssrc, index: index)
            else { return false }
        case .openSSL(_, .counterMode(let cipher)):
            guard
                cipher.verify(packet, head + count, word: word, tag: packet + layout.tag, suite.rtcpTagLength),
                cipher.apply(from: packet + head, count: count, to: target + head, ssrc: ssrc, index: index)
            else { return false }
        case .libSRTP: return false
        }
        target.copyMemory(from: packet, byteCount: head)
        return true
    }
}
