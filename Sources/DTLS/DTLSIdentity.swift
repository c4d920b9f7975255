import COpenSSL

/// Who we are in every handshake: a certificate with its key, and the library's context that all sessions share.
///
/// One for the whole process is enough, as browsers know a server by one fingerprint.
///
/// `@unchecked Sendable` holds: nothing changes after `init` but reference counts and the library's counters, which are
/// atomic. The context has no session cache and makes no tickets, so sessions on several threads share nothing in it.
public final class DTLSIdentity: @unchecked Sendable {
    /// PEM of the certificate.
    public let certificate: String
    /// One for each algorithm, SHA-256 last.
    public let fingerprints: [DTLSFingerprint]
    /// An SSL_CTX.
    let context: OpaquePointer

    /// A new ECDSA P-256 key and a certificate for it that nobody signed but itself, valid from ten years ago for twenty:
    /// clocks of browsers are wrong at times. Its keys come from the library's own random generator.
    ///
    /// - Parameters:
    ///   - unixSeconds: The time of day, in seconds since 1970.
    ///   - profiles: What sessions offer and accept, the preferred first.
    /// - Throws: `library`.
    public convenience init(
        unixSeconds: Int, profiles: [SRTPProfile] = SRTPProfile.allCases
    ) throws(DTLSError) {
        let key = try Self.newKey()
        defer { EVP_PKEY_free(key) }
        let certificate = try Self.newCertificate(key, unixSeconds)
        defer { X509_free(certificate) }
        try self.init(certificate: certificate, key: key, profiles: profiles)
    }

    /// - Parameters:
    ///   - certificate: An X509; a reference of its own is taken.
    ///   - key: An EVP_PKEY that belongs to it; likewise.
    init(certificate: OpaquePointer, key: OpaquePointer, profiles: [SRTPProfile]) throws(DTLSError) {
        var fingerprints: [DTLSFingerprint] = []
        for algorithm in DTLSFingerprint.Algorithm.allCases {
            fingerprints.append(try DTLSFingerprint(algorithm, ofCertificate: certificate))
        }
        let text = try Self.text(of: certificate)
        context = try Self.newContext(certificate, key, profiles)
        self.fingerprints = fingerprints
        self.certificate = text
    }

    deinit { SSL_CTX_free(context) }

    /// PEM of an X509.
    static func text(of certificate: OpaquePointer) throws(DTLSError) -> String {
        try text { PEM_write_bio_X509($0, certificate) == 1 }
    }

    /// What `write` writes into the BIO that it is given.
    static func text(_ write: (OpaquePointer) -> Bool) throws(DTLSError) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw .openSSL("BIO_new") }
        defer { BIO_free(memory) }
        guard write(memory) else { throw .openSSL("PEM_write") }
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(memory))
        guard BIO_read(memory, &bytes, Int32(bytes.count)) == Int32(bytes.count) else { throw .openSSL("BIO_read") }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// MARK: - Key and certificate

extension DTLSIdentity {
    static func newKey() throws(DTLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let maker = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw .openSSL("EVP_PKEY_CTX_new") }
        defer { EVP_PKEY_CTX_free(maker) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(maker) == 1, EVP_PKEY_CTX_set_group_name(maker, "P-256") == 1,
            EVP_PKEY_generate(maker, &key) == 1, let key
        else { throw .openSSL("EVP_PKEY_generate") }
        return key
    }

    /// Ten years, leap days and all.
    private static let daysEitherWay: Int32 = 3652

    private static func newCertificate(_ key: OpaquePointer, _ unixSeconds: Int) throws(DTLSError) -> OpaquePointer {
        guard let certificate = X509_new() else { throw .openSSL("X509_new") }
        // The same name again would make some peers mix certificates up that differ in nothing else they look at.
        let name = "ladle\(Int.random(in: 100_000...999_999))"
        var now = time_t(unixSeconds)
        let subject = X509_get_subject_name(certificate)
        guard X509_set_version(certificate, 2) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), .random(in: 1...UInt64(Int64.max))) == 1,
            X509_time_adj_ex(X509_getm_notBefore(certificate), -daysEitherWay, 0, &now) != nil,
            X509_time_adj_ex(X509_getm_notAfter(certificate), daysEitherWay, 0, &now) != nil,
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, subject) == 1, X509_set_pubkey(certificate, key) == 1,
            X509_sign(certificate, key, EVP_sha256()) > 0
        else {
            X509_free(certificate)
            throw .openSSL("X509_sign")
        }
        return certificate
    }
}

// MARK: - Context

extension DTLSIdentity {
    /// What RFC 8827 §6.5 makes everybody have, and its like: forward secrecy and AES-GCM. Both kinds of certificate:
    /// browsers have ECDSA, GStreamer has RSA. Others are left out on purpose: with CBC and encrypt-then-MAC the library
    /// ends a session when anybody sends it a forged record. See `RecordFilter` as well.
    private static let cipherSuites = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
        ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384
        """

    /// SSL_OP_NO_QUERY_MTU, NO_TICKET, CIPHER_SERVER_PREFERENCE and NO_RENEGOTIATION, by their bits: macros with a cast
    /// are not visible here.
    private static let options: UInt64 = 1 << 12 | 1 << 14 | 1 << 22 | 1 << 30

    /// Of all certificates of the remote side together, in bytes; also bounds each handshake message that it may make us
    /// put together. One of RSA-4096 takes 1,500.
    private static let maximumCertificates = 16_384

    private static func newContext(
        _ certificate: OpaquePointer, _ key: OpaquePointer, _ profiles: [SRTPProfile]
    ) throws(DTLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(DTLS_method()) else { throw .openSSL("SSL_CTX_new") }
        let groups = "X25519:P-256:P-384"
        let names = profiles.map(\.libraryName).joined(separator: ":")
        SSL_CTX_set_options(context, options)
        // Whoever it is, the fingerprint says whether it's the right one, after the handshake.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { _, _ in 1 }
        guard SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(DTLS1_2_VERSION), nil) == 1,
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(DTLS1_2_VERSION), nil) == 1,
            SSL_CTX_use_certificate(context, certificate) == 1, SSL_CTX_use_PrivateKey(context, key) == 1,
            SSL_CTX_set_cipher_list(context, cipherSuites) == 1,
            // The library only reads the text, and is done with it when the call returns.
            groups.withCString({ SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, .init(mutating: $0)) }) == 1,
            // Of all functions this one says 0 when it worked.
            profiles.isEmpty || SSL_CTX_set_tlsext_use_srtp(context, names) == 0
        else {
            SSL_CTX_free(context)
            throw .openSSL("the configuration of DTLS")
        }
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, maximumCertificates, nil)
        return context
    }
}
