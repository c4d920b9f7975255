import CLinux
import MediaCore

import enum DTLS.DTLSError
// Both floors have a fingerprint of their own.
import class DTLS.DTLSIdentity

/// A certificate for DTLS and its key, PEM, which may be in one file.
public struct CertificateFiles: Sendable, Hashable {
    public var certificate: String
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// - Throws: Which file can't be used, why, and what to do.
    public func check() throws(MediaCoreError) { _ = try identity() }

    func identity() throws(MediaCoreError) -> DTLSIdentity {
        do throws(DTLSError) { return try DTLSIdentity(certificateFile: certificate, keyFile: key) } catch {
            throw MediaCoreError(.invalid, name: "TypeError", message: "the certificate for DTLS: \(error)")
        }
    }
}

extension MediaPlaneConfiguration {
    /// Who all workers are to their clients: from the files, or made now.
    func identity() throws(MediaCoreError) -> DTLSIdentity {
        if let webRTCCertificate { return try webRTCCertificate.identity() }
        do throws(DTLSError) { return try DTLSIdentity(unixSeconds: Int(ladle_realtime_ns() / 1_000_000_000)) } catch {
            throw MediaCoreError(.failed, name: "Error", message: "no certificate for DTLS can be made: \(error)")
        }
    }
}
