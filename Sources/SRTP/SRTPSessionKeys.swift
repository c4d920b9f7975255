import COpenSSL

/// The keys that packets of one kind and direction are protected with.
public struct SRTPSessionKeys: Sendable {
    /// Each kind gets keys of its own from the master key.
    public enum Kind: UInt8, Sendable {
        // The label of the encryption key; those of authentication key and salt follow (RFC 3711 §4.3.1 and §4.3.2).
        case rtp = 0
        case rtcp = 3
    }

    /// `suite.keyLength` bytes.
    public var encryption: [UInt8]
    /// 20 bytes; empty for AEAD suites.
    public var authentication: [UInt8]
    /// `suite.saltLength` bytes.
    public var salt: [UInt8]

    public init(encryption: [UInt8], authentication: [UInt8], salt: [UInt8]) {
        self.encryption = encryption
        self.authentication = authentication
        self.salt = salt
    }

    /// Derives them as RFC 3711 §4.3 says, with a key derivation rate of 0; for 256 bits by RFC 6188 §3.
    /// - Throws: `backend` when there is no AES.
    public init(_ kind: Kind, from master: SRTPMasterKey) throws(SRTPError) {
        let suite = master.suite
        encryption = try Self.derive(master, label: kind.rawValue, count: suite.keyLength)
        authentication = suite.isAEAD ? [] : try Self.derive(master, label: kind.rawValue + 1, count: 20)
        salt = try Self.derive(master, label: kind.rawValue + 2, count: suite.saltLength)
    }

    /// The first bytes of the pseudo-random function: AES in counter mode under the master key.
    ///
    ///     counter = (master salt · 2^16) XOR (label · 2^64),   a salt of 12 bytes being filled up with zeros to 14
    private static func derive(_ master: SRTPMasterKey, label: UInt8, count: Int) throws(SRTPError) -> [UInt8] {
        var counter = Array(master.salt) + [UInt8](repeating: 0, count: 16 - master.suite.saltLength)
        counter[7] ^= label
        guard let context = ladle_ctr_new(Array(master.key), Int32(master.suite.keyLength)) else {
            throw .openSSL()
        }
        defer { EVP_CIPHER_CTX_free(context) }
        let zeros = [UInt8](repeating: 0, count: count)
        var derived = zeros
        guard ladle_ctr_apply(context, counter, zeros, Int32(count), &derived) == 1 else { throw .openSSL() }
        return derived
    }

    func check(for suite: SRTPCryptoSuite) throws(SRTPError) {
        for (needed, got) in [
            (suite.keyLength, encryption.count), (suite.saltLength, salt.count),
            (suite.isAEAD ? 0 : 20, authentication.count),
        ] where needed != got {
            throw .wrongKeyLength(needed: needed, got: got)
        }
    }
}

extension SRTPSessionKeys: CustomStringConvertible, CustomReflectable {
    public var description: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SRTPError {
    /// What OpenSSL says of its last failure, which is taken out of its queue.
    static func openSSL() -> SRTPError {
        let code = ERR_get_error()
        ERR_clear_error()
        return .backend(.openssl, code: UInt32(truncatingIfNeeded: code))
    }
}
