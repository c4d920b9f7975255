/// How packets are encrypted and authenticated, by mediasoup's names.
///
/// The first two are RFC 7714's, the others RFC 3711's as RFC 4568 §6.2 names them. AEAD is preferred: one pass over the
/// packet, a third of the cost.
public enum SRTPCryptoSuite: String, Sendable, Hashable, CaseIterable {
    case aeadAES256GCM = "AEAD_AES_256_GCM"
    case aeadAES128GCM = "AEAD_AES_128_GCM"
    case aesCM128HMACSHA1Tag80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128HMACSHA1Tag32 = "AES_CM_128_HMAC_SHA1_32"

    public var isAEAD: Bool { self == .aeadAES256GCM || self == .aeadAES128GCM }

    /// Of the master key and of the encryption keys that are made of it, in bytes.
    public var keyLength: Int { self == .aeadAES256GCM ? 32 : 16 }

    /// Of the master salt and of the salts that are made of it, in bytes.
    public var saltLength: Int { isAEAD ? 12 : 14 }

    /// Master key and master salt, in bytes: what is signalled.
    public var masterLength: Int { keyLength + saltLength }

    /// What an RTP packet grows by, in bytes: its authentication tag.
    public var rtpOverhead: Int {
        switch self {
        case .aeadAES256GCM, .aeadAES128GCM: 16
        case .aesCM128HMACSHA1Tag80: 10
        case .aesCM128HMACSHA1Tag32: 4
        }
    }

    /// The tag of RTCP packets, in bytes: never shortened (RFC 4568 §6.2).
    public var rtcpTagLength: Int { isAEAD ? 16 : 10 }

    /// What an RTCP packet grows by, in bytes: its tag and its index.
    public var rtcpOverhead: Int { rtcpTagLength + 4 }
}

/// Who does the work of the ciphers.
public enum SRTPBackend: String, Sendable, Hashable, CaseIterable {
    /// OpenSSL's ciphers, with contexts that are kept. The faster one by far where libsrtp is built on NSS (Debian).
    case openssl
    case libsrtp
}
