import Base
import CSRTP

/// libsrtp's session of one direction: a backend that settings can choose. Slower, and it keeps tables where ours need
/// none; classes, since that does not matter here.
final class LibSRTPSession {
    private static let isReady = srtp_init() == srtp_err_status_ok

    /// An `srtp_t`. A pointer to a structure that stays hidden, hence freed by libsrtp alone.
    let session: srtp_t
    private let key: SRTPMasterKey
    /// libsrtp wants its packets aligned and works in place.
    private var area = ByteArea(capacity: 66_000)

    /// - Parameter anyInbound: Whether streams appear by themselves, as they do when receiving.
    init(_ key: SRTPMasterKey, anyInbound: Bool) throws(SRTPError) {
        guard Self.isReady else { throw .libSRTP(srtp_err_status_init_fail) }
        self.key = key
        var session: srtp_t?
        let status: srtp_err_status_t
        if anyInbound {
            let ssrc = srtp_ssrc_t(type: ssrc_any_inbound, value: 0)
            status = Self.withPolicy(key, ssrc) { srtp_create(&session, $0) }
        } else {
            status = srtp_create(&session, nil)
        }
        guard status == srtp_err_status_ok, let session else { throw .libSRTP(status) }
        self.session = session
    }

    deinit { srtp_dealloc(session) }

    func addSender(_ ssrc: UInt32) throws(SRTPError) {
        let status = Self.withPolicy(key, srtp_ssrc_t(type: ssrc_specific, value: ssrc)) {
            srtp_add_stream(session, $0)
        }
        guard status == srtp_err_status_ok else { throw .libSRTP(status) }
    }

    func removeStream(_ ssrc: UInt32) {
        // The one call that wants it in network byte order.
        srtp_remove_stream(session, ssrc.bigEndian)
    }

    /// Lets libsrtp work on a copy of bytes and says how long they became.
    /// - Parameter space: What they may grow by.
    func work(
        _ bytes: UnsafeRawBufferPointer, space: Int,
        _ body: (UnsafeMutableRawPointer, inout Int32) -> srtp_err_status_t
    ) throws(SRTPError) -> UnsafeRawBufferPointer {
        guard bytes.count + space <= area.capacity else {
            throw .oversized(capacity: area.capacity - space, got: bytes.count)
        }
        // The area lives as long as we do, and the caller copies out of it before it calls again.
        if let start = bytes.baseAddress { area.base.copyMemory(from: start, byteCount: bytes.count) }
        var length = Int32(bytes.count)
        let status = body(area.base, &length)
        guard status == srtp_err_status_ok else { throw .libSRTP(status) }
        return UnsafeRawBufferPointer(start: area.base, count: Int(length))
    }

    private static func withPolicy(
        _ key: SRTPMasterKey, _ ssrc: srtp_ssrc_t, _ body: (UnsafePointer<srtp_policy_t>) -> srtp_err_status_t
    ) -> srtp_err_status_t {
        var policy = srtp_policy_t()
        policy.ssrc = ssrc
        switch key.suite {
        case .aeadAES256GCM:
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
        case .aeadAES128GCM:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
        case .aesCM128HMACSHA1Tag80:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        case .aesCM128HMACSHA1Tag32:
            srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        }
        // Receiving, as ours; sending, as far back as libsrtp can number what is sent again.
        policy.window_size = ssrc.type == ssrc_any_inbound ? UInt(ReplayWindow.size) : 32_767
        policy.allow_repeat_tx = 1
        var bytes = key.bytes
        // libsrtp copies what it needs of key and policy.
        return bytes.withUnsafeMutableBufferPointer { key in
            policy.key = key.baseAddress
            return body(&policy)
        }
    }
}

/// Sending by libsrtp, which estimates indexes: it is told where it would guess another one than the caller's.
final class LibSRTPSender {
    private let session: LibSRTPSession
    private let suite: SRTPCryptoSuite
    /// What libsrtp holds for the highest index; nil when only RTCP was sent.
    private var highest: [UInt32: UInt64?] = [:]

    init(_ key: SRTPMasterKey) throws(SRTPError) {
        suite = key.suite
        session = try LibSRTPSession(key, anyInbound: false)
    }

    func protect(
        _ packet: UnsafeMutableRawPointer, _ header: Int, _ payload: UnsafeRawPointer, _ count: Int, _ index: UInt64,
        _ ssrc: UInt32
    ) throws(SRTPError) -> Int {
        if payload != UnsafeRawPointer(packet + header) {
            (packet + header).copyMemory(from: payload, byteCount: count)
        }
        try know(ssrc)
        let last = (highest[ssrc] ?? nil) ?? 0
        if ReplayWindow(first: last).estimate(UInt16(truncatingIfNeeded: index)) != index {
            let status = srtp_set_stream_roc(session.session, ssrc, UInt32(truncatingIfNeeded: index >> 16))
            guard status == srtp_err_status_ok else { throw .libSRTP(status) }
        }
        let whole = UnsafeRawBufferPointer(start: packet, count: header + count)
        let session = session.session
        let result = try self.session.work(whole, space: suite.rtpOverhead) { srtp_protect(session, $0, &$1) }
        highest[ssrc] = .some(max(last, index))
        return Self.copy(result, to: packet)
    }

    func protectRTCP(_ packet: UnsafeMutableRawPointer, _ length: Int) throws(SRTPError) -> Int {
        try know(UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        let whole = UnsafeRawBufferPointer(start: packet, count: length)
        let session = session.session
        let result = try self.session.work(whole, space: suite.rtcpOverhead) { srtp_protect_rtcp(session, $0, &$1) }
        return Self.copy(result, to: packet)
    }

    /// Streams that libsrtp keeps.
    var streamCount: Int { highest.count }

    func forget(_ ssrc: UInt32) {
        guard highest.removeValue(forKey: ssrc) != nil else { return }
        session.removeStream(ssrc)
    }

    private func know(_ ssrc: UInt32) throws(SRTPError) {
        guard highest[ssrc] == nil else { return }
        try session.addSender(ssrc)
        highest[ssrc] = .some(nil)
    }

    // There is room for the suite's overhead: the caller checked it.
    private static func copy(_ result: UnsafeRawBufferPointer, to packet: UnsafeMutableRawPointer) -> Int {
        if let start = result.baseAddress { packet.copyMemory(from: start, byteCount: result.count) }
        return result.count
    }
}

/// Receiving by libsrtp. It remembers every authenticated sender for ever; we take the oldest away again.
final class LibSRTPReceiver {
    private let session: LibSRTPSession
    private let maximumSources: Int
    private var known: Set<UInt32> = []
    private var inOrder: [UInt32] = []

    init(_ key: SRTPMasterKey, maximumSources: Int) throws(SRTPError) {
        session = try LibSRTPSession(key, anyInbound: true)
        self.maximumSources = max(maximumSources, 1)
    }

    var sourceCount: Int { known.count }

    /// The caller has checked what the header announces, and that the packet fits into the scratch area.
    func unprotect(_ packet: RawSpan, into scratch: inout ByteArea) throws(SRTPError) -> Int {
        let session = session.session
        let length = try open(packet, into: &scratch) { srtp_unprotect(session, $0, &$1) }
        remember(packet.uint32(at: 8))
        return length
    }

    func unprotectRTCP(_ packet: RawSpan, into scratch: inout ByteArea) throws(SRTPError) -> Int {
        let session = session.session
        let length = try open(packet, into: &scratch) { srtp_unprotect_rtcp(session, $0, &$1) }
        remember(packet.uint32(at: 4))
        return length
    }

    private func open(
        _ packet: RawSpan, into scratch: inout ByteArea,
        _ body: (UnsafeMutableRawPointer, inout Int32) -> srtp_err_status_t
    ) throws(SRTPError) -> Int {
        let target = scratch.pointer(at: 0, packet.byteCount)
        return try packet.withUnsafeBytes { bytes throws(SRTPError) in
            let result = try session.work(bytes, space: 0, body)
            if let start = result.baseAddress { target.copyMemory(from: start, byteCount: result.count) }
            return result.count
        }
    }

    private func remember(_ ssrc: UInt32) {
        guard known.insert(ssrc).inserted else { return }
        inOrder.append(ssrc)
        guard inOrder.count > maximumSources else { return }
        forget(inOrder[0])
    }

    func forget(_ ssrc: UInt32) {
        guard known.remove(ssrc) != nil else { return }
        inOrder.removeAll { $0 == ssrc }
        session.removeStream(ssrc)
    }
}

extension SRTPError {
    static func libSRTP(_ status: srtp_err_status_t) -> SRTPError {
        switch status {
        // AEAD says cipher_fail for a wrong tag; lengths were checked before.
        case srtp_err_status_auth_fail, srtp_err_status_cipher_fail: .authenticationFailed
        case srtp_err_status_replay_fail: .replayed
        case srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: .tooOld
        case srtp_err_status_key_expired: .indexesUsedUp
        default: .backend(.libsrtp, code: status.rawValue)
        }
    }
}
