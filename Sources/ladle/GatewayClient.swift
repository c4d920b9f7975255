import ArgumentParser
import AsyncHTTPClient
import Base
import FoundationEssentials
import Gateway
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Which gateway to talk to; the same options on every client command.
struct GatewayOptions: ParsableArguments {
    @Option(name: .long, help: "The gateway's address (environment: LADLE_URL).")
    var gateway: String?

    @Option(name: .long, help: "A file with the bearer token (environment: LADLE_TOKEN_FILE).")
    var tokenFile: String?

    @Option(name: .long, help: "A file with certificates to trust besides the system's (environment: LADLE_TLS_CA).")
    var tlsCa: String?

    /// Runs `body` with a client and turns its failures into a line and an exit status.
    func withClient<Result>(_ body: (GatewayClient) async throws -> Result) async throws -> Result {
        let client = try usage { try GatewayClient(self) }
        do {
            let result = try await body(client)
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw client.explain(error)
        }
    }
}

/// What the gateway answered when it refused.
struct GatewayRefusal: Error {
    let status: Int
    let message: String
}

/// A thin client of a gateway's HTTP API.
struct GatewayClient: Sendable {
    /// Where a gateway serves unless told otherwise.
    static let standardURL = "http://127.0.0.1:4443"

    /// 4 MiB: the answers are lists of rooms and capabilities.
    private static let largestAnswer = 4 << 20

    let base: String
    private let token: String?
    private let http: HTTPClient

    init(_ options: GatewayOptions) throws {
        let environment = ProcessInfo.processInfo.environment
        // A variable that is set to nothing is none.
        let fromEnvironment = environment["LADLE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let address = options.gateway ?? fromEnvironment ?? Self.standardURL
        guard Self.isAddress(address) else {
            throw UsageError("the gateway's address is '\(address)'; it is written as http://HOST:PORT")
        }
        var base = address
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        if let file = options.tokenFile ?? environment["LADLE_TOKEN_FILE"] {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw UsageError("can't read the token file \(file): \(String(cString: strerror(errno)))")
            }
            token = text.split(whereSeparator: \.isNewline).first.map(String.init)
        } else {
            token = nil
        }
        var configuration = HTTPClient.Configuration()
        if base.hasPrefix("https:") {
            configuration.tlsConfiguration = try Self.trust(
                options.tlsCa ?? environment["LADLE_TLS_CA"].flatMap { $0.isEmpty ? nil : $0 }, environment)
        }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The system's certificates, those of `file`, and the one that a gateway of this user has made itself.
    private static func trust(_ file: String?, _ environment: [String: String]) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(file), !roots.isEmpty else {
                throw UsageError("\(file) holds no certificate in PEM form, or can't be read")
            }
            tls.additionalTrustRoots.append(.certificates(roots))
        }
        if let folder = GatewaySettings.stateFolder(environment),
            let own = try? NIOSSLCertificate.fromPEMFile(SelfSignedFiles.certificate(in: folder)), !own.isEmpty
        {
            tls.additionalTrustRoots.append(.certificates(own))
        }
        return tls
    }

    private static func isAddress(_ text: String) -> Bool {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty else { return false }
        return ["http", "https"].contains(url.scheme)
    }

    func shutdown() async throws { try await http.shutdown() }

    /// Sends a request and gives back the JSON of the answer (null for an empty one).
    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let response = try await http.execute(request(method, path, body), timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: Self.largestAnswer)
        guard (200..<300).contains(response.status.code) else {
            throw Self.refusal(Int(response.status.code), [UInt8](buffer: bytes))
        }
        let isJSON = response.headers.first(name: "content-type")?.contains("json") ?? false
        return isJSON && bytes.readableBytes > 0 ? try JSONValue(parsing: [UInt8](buffer: bytes)) : .null
    }

    /// Reads a stream of server-sent events until it ends or `body` returns false.
    func follow(_ path: String, _ body: (ServerSentEvent) async throws -> Bool) async throws {
        var parser = ServerSentEventParser()
        for try await part in try await stream(path, accept: "text/event-stream") {
            for event in parser.append(part.readableBytesView) where try await !body(event) { return }
        }
    }

    /// Reads a stream of lines until it ends.
    func lines(_ path: String, accept: String, _ body: (String) async throws -> Void) async throws {
        var rest: [UInt8] = []
        for try await part in try await stream(path, accept: accept) {
            rest += part.readableBytesView
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try await body(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
    }

    private func stream(_ path: String, accept: String) async throws -> HTTPClientResponse.Body {
        var request = request(.GET, path, nil)
        request.headers.replaceOrAdd(name: "accept", value: accept)
        let response = try await http.execute(request, deadline: .distantFuture)
        guard response.status == .ok else {
            let bytes = try await response.body.collect(upTo: Self.largestAnswer)
            throw Self.refusal(Int(response.status.code), [UInt8](buffer: bytes))
        }
        return response.body
    }

    private func request(_ method: HTTPMethod, _ path: String, _ body: JSONValue?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.text))
        }
        return request
    }

    private static func refusal(_ status: Int, _ body: [UInt8]) -> GatewayRefusal {
        if let json = try? JSONValue(parsing: body), let message = json["message"]?.stringValue {
            return GatewayRefusal(status: status, message: message)
        }
        var text = String(decoding: body, as: UTF8.self)
        // `Name: message`; the name is for programs.
        for name in ["Error: ", "TypeError: "] where text.hasPrefix(name) { text.removeFirst(name.count) }
        return GatewayRefusal(status: status, message: text.isEmpty ? "HTTP status \(status)" : text)
    }

    /// One line for a person, and the status that goes with it.
    fileprivate func explain(_ error: any Error) -> any Error {
        switch error {
        case is ExitCode, is CleanExit: return error
        case let refusal as GatewayRefusal where refusal.status == 401 || refusal.status == 403:
            // Of the command's own options the gateway knows nothing.
            let advice = refusal.status == 401 ? "; name the file that it is in with --token-file" : ""
            Console.complain(refusal.message + advice)
            return ExitStatus.refused
        case let refusal as GatewayRefusal:
            Console.complain(refusal.message)
            return ExitStatus.failed
        case let error as HTTPClientError:
            Console.complain("the gateway at \(base) broke off: \(error)")
            return ExitStatus.unreachable
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            Console.complain(
                "the gateway at \(base) shows a certificate that is not trusted here, or speaks no TLS: \(error); name a file "
                    + "with certificates to trust with --tls-ca")
            return ExitStatus.unreachable
        case is NIOConnectionError, is IOError:
            Console.complain("no gateway answers at \(base); start one with `ladle serve`, or name it with --gateway")
            return ExitStatus.unreachable
        default:
            Console.complain("\(error)")
            return ExitStatus.failed
        }
    }
}

extension String {
    /// As one segment of a path (RFC 3986 §3.3: unreserved characters stay, everything else is escaped).
    var asPathSegment: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                text += "%" + (hex.count == 1 ? "0" + hex : hex)
            }
        }
        return text
    }
}
