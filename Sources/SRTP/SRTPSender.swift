import Base

/// Protects what goes out under one key: the packets of all streams of a transport, and their RTCP.
///
/// It keeps no table of streams and estimates nothing: the caller knows the extended index of a packet, so a packet that
/// is sent again, also from before a wrap, comes out as it did the first time. Under AEAD suites, **no two different
/// packets may be given the same SSRC and index**: that would give the key away (RFC 7714 §8.1).
public struct SRTPSender: ~Copyable {
    public let suite: SRTPCryptoSuite
    private let work: Work
    private var indexes = SendIndexes()

    private enum Work: ~Copyable {
        case openSSL(rtp: PacketCipher, rtcp: PacketCipher)
        case libSRTP(LibSRTPSender)

        /// Nil: it is OpenSSL.
        var libSRTP: LibSRTPSender? {
            switch self {
            case .openSSL: nil
            case .libSRTP(let session): session
            }
        }
    }

    /// - Throws: `backend`, when the library can't do the suite.
    public init(_ key: SRTPMasterKey, backend: SRTPBackend = .openssl) throws(SRTPError) {
        suite = key.suite
        switch backend {
        case .openssl:
            let rtp = try SRTPSessionKeys(.rtp, from: key)
            let rtcp = try SRTPSessionKeys(.rtcp, from: key)
            work = .openSSL(
                rtp: try PacketCipher(suite, rtp, encrypts: true), rtcp: try PacketCipher(suite, rtcp, encrypts: true))
        case .libsrtp: work = .libSRTP(try LibSRTPSender(key))
        }
    }

    /// From keys that were derived elsewhere: on OpenSSL.
    /// - Throws: `wrongKeyLength`, `backend`.
    public init(_ suite: SRTPCryptoSuite, rtp: SRTPSessionKeys, rtcp: SRTPSessionKeys) throws(SRTPError) {
        self.suite = suite
        work = .openSSL(
            rtp: try PacketCipher(suite, rtp, encrypts: true), rtcp: try PacketCipher(suite, rtcp, encrypts: true))
    }

    /// Streams that something is kept for: with libsrtp all, else those that RTCP was sent for.
    public var streamCount: Int { work.libSRTP?.streamCount ?? indexes.count }

    /// A stream has ended; nothing is kept for it any more. Its SSRC must not come again under this key: its indexes
    /// would, too.
    public mutating func forget(_ ssrc: UInt32) {
        if let session = work.libSRTP { session.forget(ssrc) } else { indexes.forget(ssrc) }
    }

    // MARK: - RTP

    /// Protects a packet whose header stands in the slot and whose payload lies elsewhere: encryption is the copy.
    ///
    /// - Parameters:
    ///   - offset: Where the header begins. Behind it there must be room for the payload and `suite.rtpOverhead`.
    ///   - source: Where the payload lies, from `start` on.
    ///   - index: ROC and sequence number, the low 48 bits count. Its low 16 bits are the header's sequence number.
    ///   - ssrc: The header's.
    /// - Returns: The length of the packet as it goes out, from the header on.
    /// - Throws: `indexesUsedUp`, `backend`; then the slot holds rubbish.
    @inlinable
    public mutating func protect(
        _ slots: inout ByteArea, at offset: Int, headerLength: Int, payload source: borrowing ByteArea, from start: Int,
        count: Int, index: UInt64, ssrc: UInt32
    ) throws(SRTPError) -> Int {
        try protect(
            slots.pointer(at: offset, headerLength + count + suite.rtpOverhead), headerLength,
            UnsafeRawPointer(source.pointer(at: start, count)), count, index, ssrc)
    }

    /// Protects a packet that stands in the slot as a whole.
    @inlinable
    public mutating func protect(
        _ slots: inout ByteArea, at offset: Int, headerLength: Int, count: Int, index: UInt64, ssrc: UInt32
    ) throws(SRTPError) -> Int {
        let packet = slots.pointer(at: offset, headerLength + count + suite.rtpOverhead)
        return try protect(packet, headerLength, UnsafeRawPointer(packet + headerLength), count, index, ssrc)
    }

    /// The pointers have been checked for what is read and written.
    @usableFromInline
    mutating func protect(
        _ packet: UnsafeMutableRawPointer, _ header: Int, _ payload: UnsafeRawPointer, _ count: Int, _ index: UInt64,
        _ ssrc: UInt32
    ) throws(SRTPError) -> Int {
        guard index >> 48 == 0 else { throw .indexesUsedUp }
        let length = header + count
        let works: Bool
        switch work {
        case .openSSL(.gcm(let cipher), _):
            works = cipher.seal(
                packet, header, trailer: nil, from: payload, count: count, to: packet + header, tag: packet + length,
                ssrc: ssrc, index: index)
        case .openSSL(.counterMode(let cipher), _):
            works =
                cipher.apply(from: payload, count: count, to: packet + header, ssrc: ssrc, index: index)
                && cipher.sign(
                    packet, length, word: UInt32(truncatingIfNeeded: index >> 16), tag: packet + length,
                    suite.rtpOverhead)
        case .libSRTP(let session):
            return try session.protect(packet, header, payload, count, index, ssrc)
        }
        guard works else { throw .openSSL() }
        return length + suite.rtpOverhead
    }

    // MARK: - RTCP

    /// Protects a compound packet in place. Each sender's packets are numbered apart (RFC 3711 §3.4), beginning with 1 as
    /// libsrtp does.
    ///
    /// - Parameters:
    ///   - offset: Where it begins. Behind it there must be room for `suite.rtcpOverhead`.
    ///   - length: At least 8 bytes.
    /// - Returns: The length of the packet as it goes out.
    /// - Throws: `truncated`, `indexesUsedUp`, `backend`; then the slot holds rubbish.
    public mutating func protectRTCP(
        _ slots: inout ByteArea, at offset: Int, length: Int
    ) throws(SRTPError) -> Int {
        guard length >= RTCPLayout.head else { throw .truncated(needed: RTCPLayout.head, got: length) }
        let packet = slots.pointer(at: offset, length + suite.rtcpOverhead)
        if let session = work.libSRTP { return try session.protectRTCP(packet, length) }
        let ssrc = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let index = try indexes.next(of: ssrc)
        let word = RTCPLayout.encrypted | index
        let layout = RTCPLayout(suite, protectedLength: length + suite.rtcpOverhead)
        packet.storeBytes(of: word.bigEndian, toByteOffset: layout.word, as: UInt32.self)
        let (body, count) = (packet + RTCPLayout.head, layout.bodyLength)
        let works: Bool
        switch work {
        case .openSSL(_, .gcm(let cipher)):
            works = cipher.seal(
                packet, RTCPLayout.head, trailer: packet + layout.word, from: body, count: count, to: body,
                tag: packet + layout.tag, ssrc: ssrc, index: UInt64(index))
        case .openSSL(_, .counterMode(let cipher)):
            works =
                cipher.apply(from: body, count: count, to: body, ssrc: ssrc, index: UInt64(index))
                && cipher.sign(packet, length, word: word, tag: packet + layout.tag, suite.rtcpTagLength)
        case .libSRTP: works = false
        }
        guard works else { throw .openSSL() }
        return length + suite.rtcpOverhead
    }
}

/// Where the pieces of a protected RTCP packet lie (RFC 3711 §3.4, RFC 7714 §9.2):
///
///     AEAD     | header, SSRC: 8 bytes | encrypted … | tag | E, index: 4 bytes |
///     others   | header, SSRC: 8 bytes | encrypted … | E, index: 4 bytes | tag |
struct RTCPLayout {
    static let head = 8
    /// The E bit.
    static let encrypted: UInt32 = 0x8000_0000

    let bodyLength: Int
    /// Where the word with E and the index stands.
    let word: Int
    let tag: Int

    /// - Parameter protectedLength: At least `head` and the suite's overhead.
    init(_ suite: SRTPCryptoSuite, protectedLength: Int) {
        let end = protectedLength - suite.rtcpOverhead
        bodyLength = end - Self.head
        word = suite.isAEAD ? end + suite.rtcpTagLength : end
        tag = suite.isAEAD ? end : end + 4
    }
}

/// The numbers of outgoing RTCP packets, each sender's apart.
///
/// Senders come and go as consumers do. Those that are forgotten leave their number behind: nobody starts below it, so
/// no number is used twice for one SSRC.
struct SendIndexes {
    private static let capacity = 4096
    private var last: [UInt32: UInt32] = [:]
    private var floor: UInt32 = 0

    var count: Int { last.count }

    mutating func forget(_ ssrc: UInt32) {
        if let index = last.removeValue(forKey: ssrc) { floor = max(floor, index) }
    }

    mutating func next(of ssrc: UInt32) throws(SRTPError) -> UInt32 {
        if last.count == Self.capacity, last[ssrc] == nil {
            floor = last.values.reduce(floor, max)
            last.removeAll(keepingCapacity: true)
        }
        let index = last[ssrc, default: floor] + 1
        guard index < RTCPLayout.encrypted else { throw .indexesUsedUp }
        last[ssrc] = index
        return index
    }
}

extension ByteArea {
    /// A pointer to bytes of the area that were checked to be there. It must not outlive the access to the area.
    @inlinable
    func pointer(at offset: Int, _ count: Int) -> UnsafeMutableRawPointer {
        precondition(offset >= 0 && count >= 0 && offset <= capacity - count, "outside of the area")
        return base + offset
    }
}
