import CLinux
import DTLS
import Glibc
import Logging
import Signaling

/// A certificate of the gateway's own making, kept from run to run: whoever has told a browser to trust it is not asked again.
public struct SelfSignedFiles: Sendable {
    let folder: String
    let names: [String]

    /// - Parameters:
    ///   - folder: Where they are kept; absolute. It is made when it doesn't exist.
    ///   - names: Host names and literal addresses that clients call the gateway by.
    public init(folder: String, names: [String]) { (self.folder, self.names) = (folder, names) }

    /// Key and certificate in one, so that they always belong together.
    public var file: String { "\(folder)/self-signed.pem" }

    /// The certificate alone, for those who are to trust it.
    public static func certificate(in folder: String) -> String { "\(folder)/self-signed.crt" }

    /// A month before its end there is a new one at the next start.
    private static let leastRest = 30 * 86_400

    /// Makes both files unless they are there, are for these names, and last for a while.
    public func prepare(logger: Logger) throws(GatewayError) {
        let now = Int(ladle_realtime_ns() / 1_000_000_000)
        guard !isGood(now) else { return }
        var made = ""
        for part in folder.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw failure(made) }
        }
        let pair: SelfSignedCertificate
        do throws(DTLSError) { pair = try SelfSignedCertificate(names: names, unixSeconds: now) } catch {
            throw GatewayError("tls.selfSigned: no certificate can be made: \(error)")
        }
        let head = head(until: now + SelfSignedCertificate.days * 86_400)
        try write(head + pair.certificate, to: Self.certificate(in: folder), mode: 0o644)
        try write(head + pair.certificate + pair.key, to: file, mode: 0o600)
        logger.info("made a certificate for \(names.joined(separator: ", ")): \(Self.certificate(in: folder))")
    }

    // MARK: - Helpers

    /// PEM lets anything stand in front of its parts (RFC 7468 §2).
    private func head(until: Int) -> String { "Ladle made this for \(names.joined(separator: " ")) until=\(until)\n" }

    private func isGood(_ now: Int) -> Bool {
        guard access(Self.certificate(in: folder), R_OK) == 0, let line = firstLine(),
            let until = line.split(separator: "=").last.flatMap({ Int($0) })
        else { return false }
        return "\(line)\n" == head(until: until) && until - now > Self.leastRest
            && (try? TLSFiles(certificate: file, key: file).check()) != nil
    }

    private func firstLine() -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Whole or not at all, whoever looks meanwhile.
    private func write(_ text: String, to path: String, mode: mode_t) throws(GatewayError) {
        let draft = "\(path).new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(draft) }
        let bytes = Array(text.utf8)
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, rename(draft, path) == 0 else { throw failure(path) }
    }

    private func failure(_ path: String) -> GatewayError {
        GatewayError(
            "tls.selfSigned: the certificate can't be kept: \(path): \(String(cString: strerror(errno))); name another "
                + "folder with XDG_STATE_HOME, or give a certificate with tls.certificate (--tls-cert)")
    }
}
