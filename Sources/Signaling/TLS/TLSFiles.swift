import Base
import Glibc
import NIOSSL

/// A certificate for HTTPS with those that lead to its root behind it, and its key: PEM, which may be in one file.
public struct TLSFiles: Sendable, Hashable {
    public var certificate: String
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Reads both as the door would.
    /// - Returns: What a person should know, though it works.
    /// - Throws: Which file can't be used, why, and what to do.
    public func check() throws(SignalingError) -> [String] {
        try TLSCertificate(self).warnings(files: self, unixSeconds: time(nil))
    }
}

/// What the files held when they were read.
struct TLSCertificate {
    let context: NIOSSLContext
    /// Seconds since 1970.
    let validFrom: Int
    let validUntil: Int
    let isKeyReadableByOthers: Bool

    init(_ files: TLSFiles) throws(SignalingError) {
        let certificate = try PEMFile("tls.certificate", files.certificate)
        let key = files.key == files.certificate ? certificate : try PEMFile("tls.key", files.key)
        let chain = try certificate.certificates()
        let privateKey = try key.privateKey()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        // What is older is refused by browsers, and by RFC 8996.
        configuration.minimumTLSVersion = .tlsv12
        // HTTP/2 is not spoken here, and browsers open WebSockets over HTTP/1.1.
        configuration.applicationProtocols = ["http/1.1"]
        // A client that doesn't say goodbye is waited for (5 s otherwise), also by a gateway that stops; it need not be (RFC 8446
        // §6.1).
        configuration.shutdownTimeout = .seconds(1)
        do { context = try NIOSSLContext(configuration: configuration) } catch NIOSSLError.failedToLoadPrivateKey {
            throw key.error(
                "its key does not belong to the first certificate in \(files.certificate)",
                "name the key that the certificate was made with; in a chain the gateway's own certificate is the first"
            )
        } catch NIOSSLError.failedToLoadCertificate {
            throw certificate.error("its key is of a kind that browsers don't know", "use one for RSA or ECDSA")
        } catch {
            throw certificate.error("\(error)", "check it with: openssl x509 -in \(files.certificate) -noout -text")
        }
        validFrom = chain.first.map { Int($0.notValidBefore) } ?? 0
        validUntil = chain.first.map { Int($0.notValidAfter) } ?? 0
        isKeyReadableByOthers = key.isReadableByOthers
    }

    /// Renewal is due long before: nobody has seen to it.
    private static let shortRest = 7 * 86_400

    func warnings(files: TLSFiles, unixSeconds now: Int) -> [String] {
        var warnings: [String] = []
        if now > validUntil {
            warnings.append(
                "tls.certificate: \(files.certificate) has expired (\(Self.day(validUntil))), and browsers refuse it; renew it"
            )
        } else if now < validFrom {
            warnings.append(
                "tls.certificate: \(files.certificate) is not valid before \(Self.day(validFrom)); check this machine's clock"
            )
        } else if validUntil - now < Self.shortRest {
            warnings.append("tls.certificate: \(files.certificate) expires on \(Self.day(validUntil)); renew it")
        }
        if isKeyReadableByOthers {
            warnings.append("tls.key: every user of this machine can read \(files.key); chmod 600 it")
        }
        return warnings
    }

    /// "2027-02-01", UTC.
    static func day(_ unixSeconds: Int) -> String {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    }
}

/// The bytes of a file that one setting names.
private struct PEMFile {
    let setting: String
    let path: String
    let bytes: [UInt8]
    let isReadableByOthers: Bool

    /// Chains are some kilobytes; more is another file.
    private static let limit = 256 * 1024

    init(_ setting: String, _ path: String) throws(SignalingError) {
        func failure(_ cause: String, _ remedy: String) -> SignalingError {
            .configuration("\(setting): \(path): \(cause); \(remedy)")
        }
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            let cause = String(cString: strerror(errno))
            throw failure(
                cause, errno == ENOENT ? "check the path" : "the user that the gateway runs as must be able to read it")
        }
        defer { close(file) }
        var about = stat()
        guard fstat(file, &about) == 0, about.st_mode & S_IFMT == S_IFREG else {
            throw failure("is no file", "name a file in PEM form")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= Self.limit {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(String(cString: strerror(errno)), "check the disk") }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= Self.limit else {
            throw failure("is longer than \(Self.limit / 1024) KiB", "name a file in PEM form")
        }
        (self.setting, self.path, self.bytes) = (setting, path, bytes)
        isReadableByOthers = about.st_mode & 0o004 != 0
    }

    func error(_ cause: String, _ remedy: String) -> SignalingError {
        .configuration("\(setting): \(path): \(cause); \(remedy)")
    }

    func certificates() throws(SignalingError) -> [NIOSSLCertificate] {
        if let chain = try? NIOSSLCertificate.fromPEMBytes(bytes), !chain.isEmpty { return chain }
        if has("PRIVATE KEY-----") {
            throw error("holds a key and no certificate", "name the certificate here, and the key in tls.key")
        }
        throw error(
            "holds no certificate in PEM form",
            has("-----BEGIN CERTIFICATE-----")
                ? "it is damaged: write it anew"
                : "the file must have a part that begins with -----BEGIN CERTIFICATE-----")
    }

    func privateKey() throws(SignalingError) -> NIOSSLPrivateKey {
        // Without an answer the library would ask on the terminal.
        let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { _ in throw NIOSSLError.failedToLoadPrivateKey }
        if let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem, passphraseCallback: noPassphrase) { return key }
        if has("ENCRYPTED") {
            throw error("its key is encrypted", "give one without a passphrase (openssl pkey -in \(path) -out NEW)")
        }
        if has("PRIVATE KEY-----") { throw error("its key can't be read", "it is damaged: write it anew") }
        guard setting == "tls.key", has("-----BEGIN CERTIFICATE-----") else {
            throw error(
                "holds no private key in PEM form",
                "the file must have a part that begins with -----BEGIN PRIVATE KEY-----"
                    + (setting == "tls.key" ? "" : ", or tls.key must name a file that has"))
        }
        throw error("holds a certificate and no key", "name the key here, and the certificate in tls.certificate")
    }

    private func has(_ text: String) -> Bool { String(decoding: bytes, as: UTF8.self).contains(text) }
}
