import Base
import Foundation
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// What came back.
struct Reply: Sendable {
    var status: Int
    /// Names in lower case; of one that came more than once, all with commas between.
    var headers: [String: String]
    var body: String

    var json: JSONValue? { try? JSONValue(parsing: body) }
    var contentType: String? { headers["content-type"] }
}

/// An HTTP client that sends exactly the bytes it is told to: one connection for each request.
struct RawClient: Sendable {
    let port: Int
    /// Over TLS, and only with who shows this certificate and has this address in it.
    var trusts: NIOSSLCertificate?

    func callAsFunction(
        _ method: String, _ path: String, json body: JSONValue? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        var headers = headers
        if body != nil { headers["Content-Type"] = headers["Content-Type"] ?? "application/json" }
        return try await send(method, path, text: body?.text, headers: headers)
    }

    /// - Parameter headers: Added to Host (unless it is among them; empty: left out), Connection and Content-Length.
    func send(
        _ method: String, _ path: String, text: String? = nil, headers: [String: String] = [:]
    ) async throws -> Reply {
        try await raw(head(method, path, text: text, headers: headers) + (text ?? ""))
    }

    func head(
        _ method: String, _ path: String, text: String? = nil, headers: [String: String] = [:]
    ) -> String {
        var all = ["Host": "127.0.0.1:\(port)", "Connection": "close"]
        if let text { all["Content-Length"] = "\(text.utf8.count)" }
        all.merge(headers) { $1 }
        let lines = all.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\r\n" }
        return "\(method) \(path) HTTP/1.1\r\n\(lines.joined())\r\n"
    }

    /// A connection for a client that behaves badly.
    func open() throws -> FileHandle {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Malformed(text: "connect: \(errno)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Sends the bytes and reads until the server closes.
    func raw(_ bytes: String) async throws -> Reply {
        try await connect { inbound, outbound in
            try await outbound.write(ByteBuffer(string: bytes))
            var text: [UInt8] = []
            for try await part in inbound { text += part.readableBytesView }
            return try Self.parse(text)
        }
    }

    /// Opens a stream and reads its (chunked) body until `isEnough` says so of all that came, or it ends.
    /// The connection is closed then.
    func follow(
        _ path: String, headers: [String: String] = [:], until isEnough: @Sendable (String) async -> Bool
    ) async throws -> Reply {
        try await connect { inbound, outbound in
            try await outbound.write(ByteBuffer(string: head("GET", path, text: nil, headers: headers)))
            var text: [UInt8] = []
            for try await part in inbound {
                text += part.readableBytesView
                if let reply = try? Self.parse(text), await isEnough(reply.body) { break }
            }
            return try Self.parse(text)
        }
    }

    private func connect<Result: Sendable>(
        _ body: (
            NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>
        ) async throws -> Result
    ) async throws -> Result {
        let channel = try await channel()
        return try await channel.executeThenClose { inbound, outbound in try await body(inbound, outbound) }
    }

    func channel() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let tls = try trusts.map { certificate in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([certificate])
            return try NIOSSLContext(configuration: configuration)
        }
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: nil))
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }

    struct Malformed: Error { let text: String }

    static func parse(_ bytes: [UInt8]) throws -> Reply {
        let text = String(decoding: bytes, as: UTF8.self)
        // "\r\n" is one Character, so lines are split by it as such.
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let end = lines.firstIndex(of: ""), let first = lines.first,
            let status = first.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Malformed(text: text) }
        var headers: [String: String] = [:]
        for line in lines[1..<end] {
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            let name = line[..<colon].lowercased()
            headers[name] = headers[name].map { "\($0), \(value)" } ?? String(value)
        }
        var body = lines[(end + 1)...].joined(separator: "\r\n")
        if headers["transfer-encoding"] == "chunked" { body = unchunk(body) }
        return Reply(status: status, headers: headers, body: body)
    }

    /// Whole chunks only; the last may be on its way.
    private static func unchunk(_ body: String) -> String {
        var rest = Array(body.utf8)[...]
        var text: [UInt8] = []
        while let line = rest.firstIndex(of: 13),
            let size = Int(String(decoding: rest[..<line], as: UTF8.self), radix: 16), size > 0,
            rest.distance(from: line, to: rest.endIndex) >= size + 4
        {
            text += rest[(line + 2)..<(line + 2 + size)]
            rest = rest[(line + 4 + size)...]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
