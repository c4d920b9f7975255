import AsyncHTTPClient
import Base
import Foundation
import NIOCore
import TestSupport
import Testing

/// `ladle serve` as a service manager starts it: with a settings file, NOTIFY_SOCKET and WATCHDOG_USEC.
final class ServiceDaemon {
    let scratch: Scratch
    let socket: NotifySocket
    let tool: Tool
    private(set) var url = ""
    /// Everything that the service manager was told so far, one assignment an element.
    private(set) var told: [String] = []

    /// - Parameter yaml: Besides `listen`.
    init(_ yaml: String, isAbstract: Bool = false, program: String? = nil, environment: [String: String] = [:])
        async throws
    {
        scratch = try Scratch("ladle-service")
        socket = try NotifySocket(isAbstract: isAbstract)
        let settings = scratch.path("ladle.yaml")
        try "listen: 127.0.0.1:0\nrecordings: recordings\n\(yaml)\n".write(
            toFile: settings, atomically: true, encoding: .utf8)
        // 900 ms: a sign of life every 300 ms.
        let given = ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "900000"].merging(environment) { $1 }
        tool = try Tool(
            "env", ["-C", scratch.url.path, program ?? Products.path("ladle"), "serve", "--config", settings],
            output: scratch.url.appendingPathComponent("log"), environment: given)
        let status = try await hears("STATUS=serving ")
        url = String(status.dropFirst("STATUS=serving ".count).prefix { $0 != "," })
    }

    /// Waits until the service manager was told something that begins so; all of it.
    @discardableResult
    func hears(_ beginning: String, times: Int = 1) async throws -> String {
        try await eventually("\(beginning) for the service manager\n\(tool.text)") {
            self.told += self.socket.waiting.flatMap { $0.split(separator: "\n").map(String.init) }
            let found = self.told.filter { $0.hasPrefix(beginning) }
            if found.count >= times { return found.last }
            guard self.tool.isRunning else {
                throw DeadlinePassed(what: "\(beginning), but it ended:\n\(self.tool.text)")
            }
            return nil
        }
    }

    /// Of the API; its JSON.
    @discardableResult
    func call(_ method: String, _ path: String, _ json: JSONValue? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        if let json {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: json.text))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
        try #require((200..<300).contains(response.status.code), "\(method) \(path): \(response.status) \(text)")
        return try JSONValue(parsing: text)
    }

    /// A recording of a room that has some seconds of media; its file.
    func recording(of room: String, seconds: Double = 1) async throws -> String {
        let begun = try await call("POST", "/api/v1/recordings", ["room": .string(room)])
        let id = try #require(begun["id"]?.stringValue)
        return try await eventually("media in the recording\n\(tool.text)") { () -> String? in
            let status = try await self.call("GET", "/api/v1/recordings/\(id)")
            guard let file = status["file"]?.stringValue, (status["seconds"]?.doubleValue ?? 0) >= seconds else {
                return nil
            }
            return file
        }
    }

    /// The processes that it has started.
    var children: [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { pid in
            // pid (name) state parent …; the name may hold anything but ends with the last parenthesis.
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")")
            else { return false }
            let fields = stat[end...].split(separator: " ")
            return fields.count > 2 && Int32(fields[2]) == tool.process.processIdentifier
        }
    }
}
