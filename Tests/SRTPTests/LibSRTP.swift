import CSRTP
import SRTP

/// libsrtp as the other side, set up as mediasoup does: the oracle, used without our own wrapping of it.
final class LibSRTP {
    private let session: srtp_t

    struct Refused: Error, Equatable { var status: UInt32 }

    init(_ key: SRTPMasterKey, sends: Bool) throws {
        // libsrtp is set up once per process, by the target itself.
        _ = try SRTPReceiver(key, backend: .libsrtp)
        var policy = srtp_policy_t()
        policy.ssrc.type = sends ? ssrc_any_outbound : ssrc_any_inbound
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
        policy.window_size = 1024
        policy.allow_repeat_tx = 1
        var bytes = key.bytes
        var made: srtp_t?
        let status = bytes.withUnsafeMutableBufferPointer {
            policy.key = $0.baseAddress
            return srtp_create(&made, &policy)
        }
        guard status == srtp_err_status_ok, let made else { throw Refused(status: status.rawValue) }
        session = made
    }

    deinit { srtp_dealloc(session) }

    func protect(_ packet: [UInt8]) throws -> [UInt8] { try work(packet) { srtp_protect(session, $0, $1) } }
    func unprotect(_ packet: [UInt8]) throws -> [UInt8] { try work(packet) { srtp_unprotect(session, $0, $1) } }
    func protectRTCP(_ packet: [UInt8]) throws -> [UInt8] { try work(packet) { srtp_protect_rtcp(session, $0, $1) } }
    func unprotectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
        try work(packet) { srtp_unprotect_rtcp(session, $0, $1) }
    }

    private func work(
        _ packet: [UInt8], _ body: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>) -> srtp_err_status_t
    ) throws -> [UInt8] {
        var bytes = packet + [UInt8](repeating: 0, count: 160)
        var length = Int32(packet.count)
        let status = bytes.withUnsafeMutableBytes { body($0.baseAddress, &length) }
        guard status == srtp_err_status_ok else { throw Refused(status: status.rawValue) }
        return Array(bytes[..<Int(length)])
    }
}
