import COpenSSL

/// The digest of a certificate as signaling carries it (RFC 8122 §5): what a session is authenticated by.
public struct DTLSFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// By the names of RFC 8122 and mediasoup. SHA-256 stands last: clients that take one of several take the last.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case sha1 = "sha-1"
        case sha224 = "sha-224"
        case sha384 = "sha-384"
        case sha512 = "sha-512"
        case sha256 = "sha-256"

        var digest: OpaquePointer? {
            switch self {
            case .sha1: EVP_sha1()
            case .sha224: EVP_sha224()
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        }
    }

    public let algorithm: Algorithm
    /// Upper-case hexadecimal, two digits a byte, with colons between. Compared to the letter, as mediasoup does.
    public let value: String

    public init(_ algorithm: Algorithm, _ value: String) { (self.algorithm, self.value) = (algorithm, value) }

    public var description: String { "\(algorithm.rawValue) \(value)" }

    /// Of an X509.
    /// - Throws: `openSSL`.
    init(_ algorithm: Algorithm, ofCertificate certificate: OpaquePointer) throws(DTLSError) {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, algorithm.digest, &bytes, &count) == 1 else { throw .openSSL("X509_digest") }
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes.prefix(Int(count)) {
            if !text.isEmpty { text.append(UInt8(ascii: ":")) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        self.init(algorithm, String(decoding: text, as: UTF8.self))
    }
}
