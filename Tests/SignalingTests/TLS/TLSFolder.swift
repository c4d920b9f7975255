import DTLS
import Foundation
import Logging
import NIOSSL
import Signaling
import TestSupport

/// Certificates of one test.
final class TLSFolder: Sendable {
    let path: String

    var files: TLSFiles { TLSFiles(certificate: "\(path)/cert.pem", key: "\(path)/key.pem") }

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ladle-tls-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// - Parameter age: Seconds since it was made.
    static func pair(age: Int = 0) throws -> SelfSignedCertificate {
        try SelfSignedCertificate(
            names: ["localhost", "127.0.0.1"], unixSeconds: Int(Date().timeIntervalSince1970) - age)
    }

    /// Puts a file there at once, as those who renew certificates do.
    @discardableResult
    func put(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: "\(file).new", atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(file).new")
        guard rename("\(file).new", file) == 0 else { throw POSIXError(.EIO) }
        return file
    }

    /// Certificate and key in their files; what clients are to trust.
    @discardableResult
    func put(_ pair: SelfSignedCertificate) throws -> NIOSSLCertificate {
        try put("key.pem", pair.key)
        try put("cert.pem", pair.certificate)
        return try Self.trust(pair)
    }

    static func trust(_ pair: SelfSignedCertificate) throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: Array(pair.certificate.utf8), format: .pem)
    }

    func configuration(token: String? = nil) -> SignalingConfiguration {
        var configuration = SignalingConfiguration(port: 0, token: token.flatMap { BearerToken($0) }, tls: files)
        configuration.tlsLookInterval = .milliseconds(10)
        return configuration
    }
}

/// What was logged, line by line.
final class LogLines: Sendable {
    private let (stream, feed) = AsyncStream.makeStream(of: String.self)

    var logger: Logger { Logger(label: "test") { _ in Handler(feed: self.feed) } }

    /// The next line with this in it.
    func next(_ text: String) async -> String? { await stream.first { $0.contains(text) } }

    private struct Handler: LogHandler {
        let feed: AsyncStream<String>.Continuation
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(feed: AsyncStream<String>.Continuation) { self.feed = feed }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { feed.yield("\(event.level): \(event.message)") }
    }
}
