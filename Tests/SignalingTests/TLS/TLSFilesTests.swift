import DTLS
import Foundation
import Signaling
import TestSupport
import Testing

/// What is said of files that can't be used, or hardly.
@Suite struct TLSFilesTests {
    private func complaint(_ folder: TLSFolder, certificate: String = "cert.pem", key: String = "key.pem") -> String {
        let files = TLSFiles(certificate: "\(folder.path)/\(certificate)", key: "\(folder.path)/\(key)")
        do {
            return try files.check().joined(separator: "\n").replacingOccurrences(of: "\(folder.path)/", with: "")
        } catch { return "\(error)".replacingOccurrences(of: "\(folder.path)/", with: "") }
    }

    @Test func `a pair in two files or in one is fine`() throws {
        let folder = try TLSFolder()
        let pair = try TLSFolder.pair()
        try folder.put(pair)
        #expect(complaint(folder) == "")
        try folder.put("both.pem", pair.key + pair.certificate)
        #expect(complaint(folder, certificate: "both.pem", key: "both.pem") == "")
        // Others follow in a chain; the first one counts.
        try folder.put("chain.pem", pair.certificate + TLSFolder.pair().certificate)
        #expect(complaint(folder, certificate: "chain.pem") == "")
    }

    @Test func `each file that can't be used is named with cause and remedy`() throws {
        let folder = try TLSFolder()
        let pair = try TLSFolder.pair()
        try folder.put(pair)
        try folder.put("other.pem", TLSFolder.pair().key)
        try folder.put("copy.pem", pair.certificate)
        try folder.put("text.pem", "Hello.\n")
        try folder.put("empty.pem", "")
        try folder.put("damaged.pem", pair.certificate.replacingOccurrences(of: "MII", with: "!!!"))
        try folder.put("damagedKey.pem", pair.key.replacingOccurrences(of: "MI", with: "!!"))
        try folder.put("long.pem", String(repeating: "x", count: 300_000))
        #expect(
            complaint(folder, certificate: "none.pem")
                == "tls.certificate: none.pem: No such file or directory; check the path")
        #expect(complaint(folder, key: "none.pem") == "tls.key: none.pem: No such file or directory; check the path")
        #expect(
            complaint(folder, certificate: "key.pem")
                == "tls.certificate: key.pem: holds a key and no certificate; name the certificate here, and the key in tls.key"
        )
        #expect(
            complaint(folder, key: "copy.pem")
                == "tls.key: copy.pem: holds a certificate and no key; name the key here, and the certificate in tls.certificate"
        )
        #expect(
            complaint(folder, key: "other.pem")
                == "tls.key: other.pem: its key does not belong to the first certificate in cert.pem; name the key that the "
                + "certificate was made with; in a chain the gateway's own certificate is the first")
        #expect(
            complaint(folder, certificate: "cert.pem", key: "cert.pem")
                == "tls.certificate: cert.pem: holds no private key in PEM form; the file must have a part that begins with "
                + "-----BEGIN PRIVATE KEY-----, or tls.key must name a file that has")
        for name in ["text.pem", "empty.pem"] {
            #expect(
                complaint(folder, certificate: name)
                    == "tls.certificate: \(name): holds no certificate in PEM form; the file must have a part that begins with "
                    + "-----BEGIN CERTIFICATE-----")
            #expect(
                complaint(folder, key: name)
                    == "tls.key: \(name): holds no private key in PEM form; the file must have a part that begins with "
                    + "-----BEGIN PRIVATE KEY-----")
        }
        #expect(complaint(folder, certificate: "damaged.pem").hasSuffix("it is damaged: write it anew"))
        #expect(
            complaint(folder, key: "damagedKey.pem").hasSuffix("its key can't be read; it is damaged: write it anew"))
        #expect(complaint(folder, certificate: "long.pem").contains("is longer than 256 KiB"))
        #expect(complaint(folder, certificate: ".").contains("is no file"))
    }

    @Test(arguments: [["-traditional"], []])
    func `an encrypted key is told from a damaged one, and nobody is asked on the terminal`(form: [String]) async throws
    {
        let folder = try TLSFolder()
        try folder.put(TLSFolder.pair())
        _ = try await onThread { [path = folder.path] in
            try ExternalTool.output(
                [
                    "openssl", "pkey", "-in", "\(path)/key.pem", "-aes256", "-passout", "pass:secret", "-out",
                    "\(path)/locked.pem",
                ] + form)
        }
        #expect(
            complaint(folder, key: "locked.pem")
                == "tls.key: locked.pem: its key is encrypted; give one without a passphrase (openssl pkey -in locked.pem -out NEW)"
        )
    }

    @Test func `RSA from openssl's one-liner is fine`() async throws {
        let folder = try TLSFolder()
        _ = try await onThread { [path = folder.path] in
            try ExternalTool.output([
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(path)/key.pem", "-out", "\(path)/cert.pem",
            ])
        }
        #expect(complaint(folder) == "")
    }

    @Test func `what has expired, is about to, or is too early is warned about and used`() throws {
        let folder = try TLSFolder()
        try folder.put(TLSFolder.pair(age: 86_400 * 400))
        #expect(complaint(folder).hasPrefix("tls.certificate: cert.pem has expired (20"))
        try folder.put(TLSFolder.pair(age: 86_400 * 393))
        #expect(complaint(folder).contains("cert.pem expires on 20"))
        try folder.put(TLSFolder.pair(age: -86_400 * 3))
        #expect(complaint(folder).contains("cert.pem is not valid before 20"))
    }

    @Test func `a key that everybody can read is warned about`() throws {
        let folder = try TLSFolder()
        let pair = try TLSFolder.pair()
        try folder.put(pair)
        try folder.put("key.pem", pair.key, mode: 0o644)
        #expect(complaint(folder) == "tls.key: every user of this machine can read key.pem; chmod 600 it")
    }

    @Test func `the door does not open without them`() async throws {
        let folder = try TLSFolder()
        await #expect(
            throws: SignalingError.configuration(
                "tls.certificate: \(folder.files.certificate): No such file or directory; check the path")
        ) {
            try await Gateway.run(folder.configuration()) { _ in }
        }
    }
}
