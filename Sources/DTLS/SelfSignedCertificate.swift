import COpenSSL

/// A certificate for HTTPS that nobody signed but itself, for a machine that has no name of its own on the Internet: browsers ask
/// once whether it is to be trusted.
public struct SelfSignedCertificate: Sendable {
    /// PEM.
    public let certificate: String
    /// PEM, without a passphrase.
    public let key: String

    /// Browsers of some makers refuse longer ones, whoever signed.
    public static let days = 397

    /// An ECDSA P-256 key, and a certificate for it that is valid from a day ago for `days`.
    ///
    /// - Parameters:
    ///   - names: Host names and literal addresses; at least one.
    ///   - unixSeconds: The time of day, in seconds since 1970.
    /// - Throws: `library`; also for a name that is none.
    public init(names: [String], unixSeconds: Int) throws(DTLSError) {
        let key = try DTLSIdentity.newKey()
        defer { EVP_PKEY_free(key) }
        let certificate = try Self.make(key, names, unixSeconds)
        defer { X509_free(certificate) }
        self.certificate = try DTLSIdentity.text(of: certificate)
        self.key = try DTLSIdentity.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) == 1 }
    }

    private static func make(
        _ key: OpaquePointer, _ names: [String], _ unixSeconds: Int
    ) throws(DTLSError) -> OpaquePointer {
        guard let certificate = X509_new() else { throw .openSSL("X509_new") }
        var isWhole = false
        defer { if !isWhole { X509_free(certificate) } }
        var now = time_t(unixSeconds)
        let subject = X509_get_subject_name(certificate)
        guard X509_set_version(certificate, 2) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), .random(in: 1...UInt64(Int64.max))) == 1,
            X509_time_adj_ex(X509_getm_notBefore(certificate), -1, 0, &now) != nil,
            X509_time_adj_ex(X509_getm_notAfter(certificate), Int32(days - 1), 0, &now) != nil,
            // The same subject with another key would be taken for the other one's issuer.
            X509_NAME_add_entry_by_txt(
                subject, "CN", MBSTRING_ASC, "Ladle self-signed \(UInt32.random(in: 0...UInt32.max))", -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, subject) == 1, X509_set_pubkey(certificate, key) == 1
        else { throw .openSSL("X509_new") }
        // Browsers read names here alone (RFC 9525 §2); no sign that it may sign others, which they'd refuse in a server's.
        let alternatives = names.map { isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
        for (kind, value) in [
            (NID_subject_alt_name, alternatives), (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_ext_key_usage, "serverAuth"),
        ] {
            guard let field = X509V3_EXT_conf_nid(nil, nil, kind, value) else { throw .openSSL("the names \(names)") }
            defer { X509_EXTENSION_free(field) }
            guard X509_add_ext(certificate, field, -1) == 1 else { throw .openSSL("X509_add_ext") }
        }
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else { throw .openSSL("X509_sign") }
        isWhole = true
        return certificate
    }

    private static func isAddress(_ name: String) -> Bool {
        guard let bytes = a2i_IPADDRESS(name) else { return false }
        ASN1_OCTET_STRING_free(bytes)
        return true
    }
}
