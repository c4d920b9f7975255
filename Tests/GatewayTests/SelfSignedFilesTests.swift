import Foundation
import Gateway
import Logging
import Signaling
import TestSupport
import Testing

@Suite struct `A certificate of the gateway's own` {
    private let folder: SettingsFolder
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { folder = try SettingsFolder() }

    private func files(_ names: [String] = ["localhost", "127.0.0.1", "::1", "media.example.org"]) -> SelfSignedFiles {
        SelfSignedFiles(folder: "\(folder.path)/state/ladle", names: names)
    }

    private func bytes(_ files: SelfSignedFiles) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: files.file))
    }

    @Test func `is made once, for the user alone, and holds for all its names`() async throws {
        let files = files()
        try files.prepare(logger: logger)
        let made = try bytes(files)
        let mode = try FileManager.default.attributesOfItem(atPath: files.file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try TLSFiles(certificate: files.file, key: files.file).check() == [])
        let shared = SelfSignedFiles.certificate(in: "\(folder.path)/state/ladle")
        #expect(try !String(contentsOfFile: shared, encoding: .utf8).contains("PRIVATE"))
        try files.prepare(logger: logger)
        #expect(try bytes(files) == made)
        for check in [["-verify_hostname", "media.example.org"], ["-verify_ip", "::1"], ["-verify_ip", "127.0.0.1"]] {
            let result = try await onThread {
                try ExternalTool.run(["openssl", "verify", "-x509_strict", "-CAfile", shared] + check + [shared])
            }
            #expect(result.status == 0, "\(check) \(result.text) \(result.errors)")
        }
        let foreign = try await onThread {
            try ExternalTool.run(["openssl", "verify", "-CAfile", shared, "-verify_hostname", "a.example", shared])
        }
        #expect(foreign.status != 0)
    }

    @Test func `is made anew for other names, when it is damaged, and when half of it is gone`() throws {
        let files = files()
        try files.prepare(logger: logger)
        var last = try bytes(files)
        func isNew() throws -> Bool {
            let now = try bytes(files)
            defer { last = now }
            return now != last
        }
        try self.files(["localhost"]).prepare(logger: logger)
        #expect(try isNew())
        try files.prepare(logger: logger)
        #expect(try isNew())
        let first = String(decoding: last, as: UTF8.self).split(separator: "\n")[0]
        try Data("\(first)\nno more of it\n".utf8).write(to: URL(fileURLWithPath: files.file))
        _ = try isNew()
        try files.prepare(logger: logger)
        #expect(try isNew())
        try FileManager.default.removeItem(
            atPath: SelfSignedFiles.certificate(in: "\(folder.path)/state/ladle"))
        try files.prepare(logger: logger)
        #expect(try isNew())
    }

    @Test func `that ends soon is made anew`() throws {
        let files = files()
        try files.prepare(logger: logger)
        let text = String(decoding: try bytes(files), as: UTF8.self)
        let until = Int(Date().timeIntervalSince1970) + 29 * 86_400
        let soon = text.replacing(/until=\d+/, with: "until=\(until)")
        #expect(soon != text)
        try Data(soon.utf8).write(to: URL(fileURLWithPath: files.file))
        try files.prepare(logger: logger)
        #expect(String(decoding: try bytes(files), as: UTF8.self) != soon)
    }

    @Test func `that can't be kept is said with the folder and what to do`() throws {
        try folder.write("state", "no folder")
        let error = #expect(throws: GatewayError.self) { try files().prepare(logger: logger) }
        let text = error?.description ?? ""
        #expect(
            text.hasPrefix(
                "tls.selfSigned: the certificate can't be kept: \(folder.path)/state/ladle: Not a directory; "),
            "\(text)")
    }
}
