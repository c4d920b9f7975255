import AsyncHTTPClient
import Base
import Foundation
import NIOCore
import Synchronization
import Testing

/// The built `ladle serve`, on loopback, with folders of its own.
final class Daemon: Sendable {
    let scratch: Scratch
    let port: Int
    let media: URL
    let recordings: URL
    private let tool: Tool
    /// Sent with every call.
    private let token: String?

    var url: String { "http://127.0.0.1:\(port)" }
    var log: String { tool.text }
    var processID: Int32 { tool.process.processIdentifier }

    init(_ arguments: [String] = [], token: String? = nil) async throws {
        self.token = token
        scratch = try Scratch("ladle-daemon")
        port = try Self.freePort()
        media = scratch.url.appendingPathComponent("media")
        recordings = scratch.url.appendingPathComponent("recordings")
        try FileManager.default.createDirectory(at: media, withIntermediateDirectories: true)
        tool = try Tool(
            Products.path("ladle"),
            ["serve", "--listen", "127.0.0.1:\(port)", "--media", media.path, "--recordings", recordings.path]
                + arguments,
            output: scratch.url.appendingPathComponent("log"))
        _ = try await eventually("the daemon on port \(port)\n\(tool.text)") {
            guard self.tool.isRunning else { throw DeadlinePassed(what: "the daemon, which ended:\n\(self.tool.text)") }
            return (try? await self.call(.get, "/api/v1/version"))?.status == 200 ? true : nil
        }
    }

    /// SIGTERM; a daemon that does not end well fails the test.
    func stop() async throws {
        tool.signal(SIGTERM)
        let status = try await tool.wait(seconds: 60)
        #expect(status == 0, "the daemon ended with \(status):\n\(log)")
    }

    func kill(_ signal: Int32) { tool.signal(signal) }

    /// A client command of the built program, talking to this daemon.
    func ladle(_ arguments: [String]) throws -> Tool {
        let number = commands.withLock { count in
            count += 1
            return count
        }
        return try Tool(
            Products.path("ladle"), arguments, output: scratch.url.appendingPathComponent("command-\(number)"),
            environment: ["LADLE_URL": url])
    }

    private let commands = Mutex(0)

    struct Answer {
        let status: Int
        let contentType: String
        let text: String
        var json: JSONValue { (try? JSONValue(parsing: text)) ?? .null }
    }

    @discardableResult
    func call(_ method: String, _ path: String, json: JSONValue? = nil) async throws -> Answer {
        try await call(HTTPMethodName(method), path, body: json?.text, contentType: "application/json")
    }

    @discardableResult
    func call(
        _ method: HTTPMethodName, _ path: String, body: String? = nil, contentType: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method.name)
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            if let contentType { request.headers.add(name: "content-type", value: contentType) }
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 16 << 20)
        return Answer(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type") ?? "",
            text: String(buffer: bytes))
    }

    /// Everything that happened so far, oldest first.
    func events(room: String? = nil) async throws -> [JSONValue] {
        let answer = try await call(.get, "/api/v1/events?follow=false" + (room.map { "&room=\($0)" } ?? ""))
        return try answer.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    /// Waits for an event of this type that fits.
    @discardableResult
    func event(
        _ type: String, room: String? = nil, seconds: Double = 60, where fits: (JSONValue) -> Bool = { _ in true }
    ) async throws -> JSONValue {
        try await eventually("the event \(type)\n\(log)", seconds: seconds) {
            try await self.events(room: room).first { $0["type"]?.stringValue == type && fits($0) }
        }
    }

    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(bound)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct HTTPMethodName: ExpressibleByStringLiteral {
    let name: String
    init(_ name: String) { self.name = name }
    init(stringLiteral value: String) { name = value }
    static let get: HTTPMethodName = "GET"
    static let post: HTTPMethodName = "POST"
    static let delete: HTTPMethodName = "DELETE"
}
