/// The SRTP protection profiles that are negotiated (RFC 5764 §4.1.2, RFC 7714 §14.2), the preferred first. Raw values are
/// mediasoup's names of crypto suites.
public enum SRTPProfile: String, Sendable, Hashable, CaseIterable {
    case aeadAES256GCM = "AEAD_AES_256_GCM"
    case aeadAES128GCM = "AEAD_AES_128_GCM"
    case aesCM128HMACSHA1Tag80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128HMACSHA1Tag32 = "AES_CM_128_HMAC_SHA1_32"

    /// What OpenSSL calls it.
    var libraryName: String {
        switch self {
        case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aesCM128HMACSHA1Tag80: "SRTP_AES128_CM_SHA1_80"
        case .aesCM128HMACSHA1Tag32: "SRTP_AES128_CM_SHA1_32"
        }
    }

    /// Of a master key, in bytes.
    public var keyLength: Int { self == .aeadAES256GCM ? 32 : 16 }
    /// Of a master salt, in bytes.
    public var saltLength: Int { self == .aeadAES256GCM || self == .aeadAES128GCM ? 12 : 14 }
}

/// The SRTP keys that a handshake made. Prints as "•••".
public struct SRTPKeyingMaterial: Sendable, Hashable {
    public let profile: SRTPProfile
    /// Master key, then master salt, of what we send: `keyLength + saltLength` bytes.
    public let local: [UInt8]
    /// The same of what the remote side sends.
    public let remote: [UInt8]

    /// Cuts what RFC 5764 §4.2 exports:
    ///
    ///     | client key | server key | client salt | server salt |
    ///
    /// - Parameter exported: `2 * (keyLength + saltLength)` bytes.
    init(_ profile: SRTPProfile, exported: [UInt8], role: DTLSRole) {
        let (key, salt) = (profile.keyLength, profile.saltLength)
        precondition(exported.count == 2 * (key + salt), "keys and salts of both sides are exported")
        let client = exported[..<key] + exported[(2 * key)..<(2 * key + salt)]
        let server = exported[key..<(2 * key)] + exported[(2 * key + salt)...]
        self.profile = profile
        (local, remote) = role == .client ? (Array(client), Array(server)) : (Array(server), Array(client))
    }
}

extension SRTPKeyingMaterial: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    /// Without it, dump() and interpolated collections would show the bytes.
    public var customMirror: Mirror { Mirror(self, children: ["profile": profile]) }
}
