import COpenSSL
import Glibc

extension DTLSIdentity {
    /// The certificate (the first one) and the key in two PEM files, which may be one and the same.
    ///
    /// - Throws: `file` with path, cause and what to do; `library`.
    public convenience init(
        certificateFile: String, keyFile: String, profiles: [SRTPProfile] = SRTPProfile.allCases
    ) throws(DTLSError) {
        let certificate = try Self.certificate(in: certificateFile)
        defer { X509_free(certificate) }
        let key = try Self.key(in: keyFile)
        defer { EVP_PKEY_free(key) }
        guard X509_check_private_key(certificate, key) == 1 else {
            ERR_clear_error()
            throw .file(
                path: keyFile, cause: "its key does not belong to the certificate in \(certificateFile)",
                remedy: "name the key that the certificate was made with")
        }
        try self.init(certificate: certificate, key: key, profiles: profiles)
    }

    private static func certificate(in path: String) throws(DTLSError) -> OpaquePointer {
        let file = try open(path)
        defer { BIO_free(file) }
        guard let certificate = PEM_read_bio_X509(file, nil, nil, nil) else {
            throw .file(
                path: path, cause: "no certificate in PEM form: \(DTLSError.lastReason().text)",
                remedy: "the file must have a part that begins with -----BEGIN CERTIFICATE-----")
        }
        return certificate
    }

    private static func key(in path: String) throws(DTLSError) -> OpaquePointer {
        let file = try open(path)
        defer { BIO_free(file) }
        var isEncrypted = false
        // The library asks for a passphrase on the terminal unless somebody answers; there is none to give. It calls back
        // while it reads and not later, so the variable lives long enough.
        let key = withUnsafeMutablePointer(to: &isEncrypted) { flag in
            PEM_read_bio_PrivateKey(
                file, nil,
                { _, _, _, context in
                    context?.storeBytes(of: true, as: Bool.self)
                    return -1
                }, flag)
        }
        guard let key else {
            let reason = DTLSError.lastReason().text
            guard !isEncrypted else {
                throw .file(
                    path: path, cause: "its key is encrypted",
                    remedy: "give one without a passphrase (openssl pkey -in \(path) -out NEW)")
            }
            throw .file(
                path: path, cause: "no private key in PEM form: \(reason)",
                remedy: "the file must have a part that begins with -----BEGIN PRIVATE KEY-----")
        }
        guard EVP_PKEY_is_a(key, "EC") == 1 || EVP_PKEY_is_a(key, "RSA") == 1 else {
            EVP_PKEY_free(key)
            throw .file(
                path: path, cause: "its key is neither ECDSA nor RSA, which browsers ask for",
                remedy: "make one with: openssl ecparam -name prime256v1 -genkey -noout -out \(path)")
        }
        return key
    }

    private static func open(_ path: String) throws(DTLSError) -> OpaquePointer {
        ERR_clear_error()
        errno = 0
        guard let file = BIO_new_file(path, "r") else {
            let cause = errno
            ERR_clear_error()
            throw .file(
                path: path, cause: String(cString: strerror(cause)),
                remedy: "check the path, and that the gateway's user may read it")
        }
        return file
    }
}
