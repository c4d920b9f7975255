import Base
import ORTC
import SRTP

/// SRTP of a transport: our key from its creation on, and both directions once the remote side's key is known.
struct TransportSecurity: ~Copyable {
    private let backend: SRTPBackend
    /// What we send under.
    private let ownKey: SRTPMasterKey
    private var sender: SRTPSender?
    private var receiver: SRTPReceiver?
    /// What an RTP packet grows by, in bytes.
    let overhead: Int

    init(_ suite: SRTPCryptoSuite, backend: SRTPBackend, random: inout RandomSource) {
        self.init(SRTPMasterKey(suite, using: &random), backend: backend)
    }

    private init(_ ownKey: SRTPMasterKey, backend: SRTPBackend) {
        self.ownKey = ownKey
        self.backend = backend
        overhead = ownKey.suite.rtpOverhead
    }

    /// Keys of both sides are there.
    var isReady: Bool { receiver != nil }

    var parameters: SRTPParameters {
        SRTPParameters(cryptoSuite: ownKey.suite.rawValue, keyBase64: ownKey.base64)
    }

    /// The same with the remote side's key. Its suite is ours from now on; when that is another one, we take a new key.
    /// - Parameter fixesSuite: A pipe's suite can't change.
    func agreed(
        with remote: SRTPParameters, fixesSuite: Bool, method: String, random: inout RandomSource
    ) throws(SFUError) -> TransportSecurity {
        let suite = try SRTPCryptoSuite(signalled: remote.cryptoSuite)
        guard suite == ownKey.suite || !fixesSuite else {
            throw .invalid("invalid/unsupported srtpParameters.cryptoSuite \(method)")
        }
        guard let remoteKey = try? SRTPMasterKey(suite, base64: remote.keyBase64) else {
            throw .invalid("invalid decoded SRTP key length \(method)")
        }
        var agreed = TransportSecurity(
            suite == ownKey.suite ? ownKey : SRTPMasterKey(suite, using: &random), backend: backend)
        do {
            agreed.sender = try SRTPSender(agreed.ownKey, backend: backend)
            agreed.receiver = try SRTPReceiver(remoteKey, backend: backend)
        } catch {
            throw SFUError(.failed, "error creating SRTP sessions: \(error) \(method)")
        }
        return agreed
    }

    /// A stream that came in has ended: its SSRC may begin anew.
    mutating func forget(_ ssrc: UInt32) { receiver?.forget(ssrc) }

    /// One that went out has ended. Those that come have SSRCs of their own, drawn from 32 bits.
    mutating func forgetOutgoing(_ ssrc: UInt32) { sender?.forget(ssrc) }

    /// Outgoing streams that something is kept for.
    var outgoingStreams: Int {
        switch sender {
        case .none: 0
        case .some(let sender): sender.streamCount
        }
    }

    // MARK: - Packets

    /// Protects an RTP packet that stands in the slot as a whole. The same packet under the same index comes out as the
    /// same bytes.
    /// - Returns: Its length, `overhead` more; nil: it can't be protected.
    mutating func protect(
        _ slots: inout ByteArea, at offset: Int, headerLength: Int, count: Int, index: UInt64, ssrc: UInt32
    ) -> Int? {
        try? sender?.protect(
            &slots, at: offset, headerLength: headerLength, count: count, index: index, ssrc: ssrc)
    }

    /// Protects one whose header stands in the slot and whose payload lies in its log.
    mutating func protect(
        _ slots: inout ByteArea, at offset: Int, headerLength: Int, payload source: borrowing ByteArea, from start: Int,
        count: Int, index: UInt64, ssrc: UInt32
    ) -> Int? {
        try? sender?.protect(
            &slots, at: offset, headerLength: headerLength, payload: source, from: start, count: count, index: index,
            ssrc: ssrc)
    }

    /// What an RTCP packet grows by, in bytes.
    var rtcpOverhead: Int { ownKey.suite.rtcpOverhead }

    /// Nil: it can't be protected.
    mutating func protectRTCP(_ slots: inout ByteArea, at offset: Int, length: Int) -> Int? {
        try? sender?.protectRTCP(&slots, at: offset, length: length)
    }

    /// Only when it is ready.
    mutating func unprotect(
        _ packet: RawSpan, isRTCP: Bool, into scratch: inout ByteArea
    ) throws(SRTPError) -> Int {
        let length =
            isRTCP
            ? try receiver?.unprotectRTCP(packet, into: &scratch) : try receiver?.unprotect(packet, into: &scratch)
        guard let length else { throw .authenticationFailed }
        return length
    }
}

extension Transport {
    var srtpParameters: SRTPParameters? {
        switch security {
        case .none: nil
        case .some(let security): security.parameters
        }
    }

    /// What SRTP becomes with the remote side's parameters; nil: the transport has none, and they are absent.
    func agreedSecurity(
        with remote: SRTPParameters?, _ method: String, random: inout RandomSource
    ) throws(SFUError) -> TransportSecurity? {
        switch security {
        case .none:
            guard remote == nil else { throw .invalid("invalid srtpParameters (SRTP not enabled) \(method)") }
            return nil
        case .some(let security):
            guard let remote else { throw .invalid("missing srtpParameters (SRTP enabled) \(method)") }
            return try security.agreed(with: remote, fixesSuite: kind != .plain, method: method, random: &random)
        }
    }
}

extension SRTPCryptoSuite {
    /// - Throws: mediasoup's words for a name that it does not know.
    init(signalled name: String) throws(SFUError) {
        guard let suite = SRTPCryptoSuite(rawValue: name) else { throw .invalid("invalid SrtpCryptoSuite: \(name)") }
        self = suite
    }
}

extension RTPRewriter {
    /// Writes a logged packet as it goes out, in the clear or protected. There is room for it and the overhead.
    /// - Returns: Its length on the wire; nil: it can't be protected.
    func write(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, under security: inout TransportSecurity?, into slots: inout ByteArea, at offset: Int
    ) -> Int? {
        let count = Int(record.length) - Int(record.headerLength)
        guard security != nil else {
            write(record, at: position, of: log, first: first, rewrite, into: &slots, at: offset)
            return headerLength(of: record, first: first) + count
        }
        if rewrite.changesPayload {
            write(record, at: position, of: log, first: first, rewrite, into: &slots, at: offset)
            return security?.protect(
                &slots, at: offset, headerLength: headerLength(of: record, first: first), count: count,
                index: rewrite.index, ssrc: ssrc)
        }
        // Encryption is the copy.
        let end = writeHeader(record, at: position, of: log, first: first, rewrite, into: &slots, at: offset)
        return security?.protect(
            &slots, at: offset, headerLength: end - offset, payload: log.area,
            from: log.place(of: position) + Int(record.headerLength), count: count, index: rewrite.index, ssrc: ssrc)
    }
}
