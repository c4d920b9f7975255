import Base
import DTLS
import Foundation
import TestSupport
import Testing

/// Certificates, with the `openssl` tool as judge.
@Suite struct IdentityTests {
    @Test func `fingerprints are those that openssl computes, sha-256 last`() async throws {
        let identity = identities.server
        #expect(
            identity.fingerprints.map(\.algorithm.rawValue) == ["sha-1", "sha-224", "sha-384", "sha-512", "sha-256"])
        let folder = try Folder()
        let file = try folder.write("cert.pem", identity.certificate)
        for fingerprint in identity.fingerprints {
            let option = "-" + fingerprint.algorithm.rawValue.replacing("-", with: "")
            let text = try await onThread {
                try ExternalTool.run(["openssl", "x509", "-noout", "-fingerprint", option, "-in", file]).text
            }
            #expect(text.split(separator: "=").last.map { $0.trimmingCharacters(in: .newlines) } == fingerprint.value)
        }
    }

    @Test func `a new certificate is ECDSA P-256, signed by itself, valid from ten years ago for twenty`() async throws
    {
        let folder = try Folder()
        let file = try folder.write("cert.pem", try DTLSIdentity(unixSeconds: 1_800_000_000).certificate)
        let text = try await onThread {
            try ExternalTool.run(["openssl", "x509", "-noout", "-text", "-in", file]).text
        }
        for part in [
            "Version: 3", "ASN1 OID: prime256v1", "ecdsa-with-SHA256", "Not Before: Jan 15 08:00:00 2017 GMT",
            "Not After : Jan 14 08:00:00 2037 GMT", "Issuer: CN = ladle", "Subject: CN = ladle",
        ] {
            #expect(text.contains(part), "\(part) in\n\(text)")
        }
        let verdict = try await onThread { try ExternalTool.run(["openssl", "verify", "-CAfile", file, file]).text }
        #expect(verdict.contains("OK"))
    }

    @Test func `no two are alike`() throws {
        let (a, b) = (try DTLSIdentity(unixSeconds: 0), try DTLSIdentity(unixSeconds: 0))
        #expect(a.sha256 != b.sha256)
    }

    @Test(arguments: ["rsa:2048", "ec"])
    func `certificate and key come from files as well`(kind: String) async throws {
        let folder = try Folder()
        let (certificate, key) = try await folder.make("peer", kind)
        let identity = try DTLSIdentity(certificateFile: certificate, keyFile: key)
        #expect(identity.certificate == (try String(contentsOfFile: certificate, encoding: .utf8)))
        for pair in [
            Pair(server: identity, clientExpects: identity.sha256),
            Pair(client: identity, serverExpects: identity.sha256),
        ] {
            pair.start()
            pair.run()
            #expect(pair.agrees)
        }
        // Both in one file.
        let both = try folder.write(
            "both.pem",
            try String(contentsOfFile: key, encoding: .utf8) + String(contentsOfFile: certificate, encoding: .utf8))
        #expect(try DTLSIdentity(certificateFile: both, keyFile: both).sha256 == identity.sha256)
    }

    @Test func `files that can't be used are refused with path, cause and remedy`() async throws {
        let folder = try Folder()
        let (certificate, key) = try await folder.make("a", "ec")
        let (_, otherKey) = try await folder.make("b", "ec")
        let (noneAt, rubbish) = (folder.path + "/none.pem", try folder.write("rubbish.pem", "rubbish\n"))
        let (locked, ed25519) = (folder.path + "/locked.pem", folder.path + "/ed25519.pem")
        try await onThread {
            try ExternalTool.output(
                ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked])
            try ExternalTool.output(["openssl", "genpkey", "-algorithm", "ed25519", "-out", ed25519])
        }
        for (certificateFile, keyFile, subject, words) in [
            (noneAt, key, noneAt, "No such file or directory"),
            (certificate, noneAt, noneAt, "may read it"),
            (rubbish, key, rubbish, "-----BEGIN CERTIFICATE-----"),
            (certificate, rubbish, rubbish, "-----BEGIN PRIVATE KEY-----"),
            (certificate, otherKey, otherKey, "does not belong to the certificate in \(certificate)"),
            (certificate, locked, locked, "without a passphrase"),
            (certificate, ed25519, ed25519, "neither ECDSA nor RSA"),
        ] {
            let error = #expect(throws: DTLSError.self) {
                _ = try DTLSIdentity(certificateFile: certificateFile, keyFile: keyFile)
            }
            let text = error?.description ?? ""
            #expect(text.hasPrefix(subject) && text.contains(words), "\(text)")
        }
    }
}

/// A folder that goes with its object.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ladle-dtls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        return "\(path)/\(name)"
    }

    /// Certificate and key, made by openssl.
    func make(_ name: String, _ kind: String) async throws -> (certificate: String, key: String) {
        let (certificate, key) = ("\(path)/\(name).pem", "\(path)/\(name).key")
        let curve = kind == "ec" ? ["-pkeyopt", "ec_paramgen_curve:prime256v1"] : []
        _ = try await onThread {
            try ExternalTool.output(
                ["openssl", "req", "-x509", "-newkey", kind] + curve
                    + ["-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=peer"])
        }
        return (certificate, key)
    }
}
