import AsyncHTTPClient
import Base
import Foundation
import NIOCore
import Testing

/// Debian's driver of Chromium, started by a test and ended with it. W3C WebDriver over HTTP.
final class WebDriver: Sendable {
    private let scratch: Scratch
    private let tool: Tool
    private let url: String

    init() async throws {
        scratch = try Scratch("ladle-driver")
        let port = try LoopbackPort.free()
        url = "http://127.0.0.1:\(port)"
        tool = try Tool(
            "chromedriver", ["--port=\(port)"], output: scratch.url.appendingPathComponent("log"))
        _ = try await eventually("chromedriver on port \(port)\n\(tool.text)") {
            guard self.tool.isRunning else {
                throw DeadlinePassed(what: "chromedriver, which ended:\n\(self.tool.text)")
            }
            return (try? await self.call("GET", "/status"))?["ready"]?.boolValue == true ? true : nil
        }
    }

    /// A browser of its own: own profile, own process, a camera and a microphone that beep.
    /// - Parameter trusts: Any certificate, also one that nobody has signed.
    func open(
        width: Int = 1280, height: Int = 800, dark: Bool = false, trusts: Bool = false
    ) async throws -> Browser {
        let profile = try Scratch("ladle-browser")
        var arguments = [
            // Over a pipe, so that it ends with its driver, however that ends.
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
            "--window-size=\(width),\(height)", "--user-data-dir=\(profile.url.path)",
        ]
        if dark { arguments.append("--blink-settings=preferredColorScheme=0") }
        let answer = try await call(
            "POST", "/session",
            [
                "capabilities": [
                    "alwaysMatch": [
                        "browserName": "chrome", "acceptInsecureCerts": .bool(trusts),
                        "goog:chromeOptions": ["args": .array(arguments.map { .string($0) })],
                        "goog:loggingPrefs": ["browser": "ALL"],
                        "timeouts": ["script": 50_000],
                    ]
                ]
            ])
        let session = try #require(answer["sessionId"]?.stringValue, "\(answer.text)")
        return Browser(driver: self, session: session, profile: profile)
    }

    /// - Returns: What stands under `value`.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.text))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let text = String(buffer: try await response.body.collect(upTo: 64 << 20))
        let value = try JSONValue(parsing: text)["value"] ?? .null
        guard response.status == .ok else {
            throw Refusal(
                what: value["error"]?.stringValue ?? "\(response.status)",
                message: value["message"]?.stringValue ?? text)
        }
        return value
    }

    struct Refusal: Error, CustomStringConvertible {
        let what: String
        let message: String
        var description: String { "\(what): \(message)" }
    }

    /// The browsers of its sessions end with it.
    func stop() async throws {
        tool.signal(SIGTERM)
        try await tool.wait(seconds: 30)
    }
}

/// One browser with one window.
final class Browser: Sendable {
    private let driver: WebDriver
    private let session: String
    private let profile: Scratch

    init(driver: WebDriver, session: String, profile: Scratch) {
        (self.driver, self.session, self.profile) = (driver, session, profile)
    }

    func go(_ url: String) async throws { try await call("POST", "/url", ["url": .string(url)]) }
    func reload() async throws { try await call("POST", "/refresh", [:]) }
    func close() async throws { try await driver.call("DELETE", "/session/\(session)") }

    /// Runs the body of a function, which may `return` and `await`.
    @discardableResult
    func run(_ script: String, _ arguments: [JSONValue] = []) async throws -> JSONValue {
        try await call(
            "POST", "/execute/sync",
            ["script": .string("return (async () => { \(script) })();"), "args": .array(arguments)])
    }

    /// Runs in every page of this window before anything of the page itself.
    func before(_ script: String) async throws {
        try await devTools("Page.addScriptToEvaluateOnNewDocument", ["source": .string(script)])
    }

    /// The Chrome DevTools Protocol.
    func devTools(_ method: String, _ parameters: JSONValue) async throws {
        try await call("POST", "/goog/cdp/execute", ["cmd": .string(method), "params": parameters])
    }

    /// As a person does it: scrolled to, pressed, released.
    func click(_ selector: String) async throws {
        let found = try await call("POST", "/element", ["using": "css selector", "value": .string(selector)])
        let element = try #require(found.objectValue?.values.first?.stringValue, "\(selector): \(found.text)")
        try await call("POST", "/element/\(element)/click", [:])
    }

    /// Keys as if typed on the page: "\u{E004}" is Tab, "\u{E00D}" the space bar.
    func press(_ keys: String) async throws {
        let strokes = keys.flatMap { key -> [JSONValue] in
            [["type": "keyDown", "value": .string("\(key)")], ["type": "keyUp", "value": .string("\(key)")]]
        }
        try await call("POST", "/actions", ["actions": [["type": "key", "id": "keys", "actions": .array(strokes)]]])
    }

    /// What a person reads on the page.
    func text() async throws -> String { try await run("return document.body.innerText").stringValue ?? "" }

    /// What the page said on its console.
    func console() async throws -> [String] {
        let lines = try await call("POST", "/se/log", ["type": "browser"]).arrayValue ?? []
        return lines.compactMap { $0["message"]?.stringValue }
    }

    /// Kept in the folder that LADLE_ARTEFACTS names, by default beside the programs, and printed where.
    func screenshot(_ name: String) async throws {
        let value = try await call("GET", "/screenshot").stringValue ?? ""
        let picture = try #require(Data(base64Encoded: value), "no picture")
        let folder =
            ProcessInfo.processInfo.environment["LADLE_ARTEFACTS"].map { URL(fileURLWithPath: $0) }
            ?? Products.folder.appendingPathComponent("artefacts")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("\(name).png")
        try picture.write(to: file)
        print("screenshot: \(file.path)")
    }

    /// Waits until the script returns something else than null and false.
    @discardableResult
    func eventually(_ what: String, seconds: Double = 90, _ script: String) async throws -> JSONValue {
        do {
            return try await SystemTests.eventually(what, seconds: seconds) {
                let value = try await self.run(script)
                // Not `nil` beside a value: that would be JSON's null.
                return value == .null || value == false ? JSONValue?.none : .some(value)
            }
        } catch let error as DeadlinePassed {
            let console = (try? await self.console())?.joined(separator: "\n") ?? ""
            throw DeadlinePassed(
                what: "\(error.what)\nthe page:\n\((try? await text()) ?? "?")\nits console:\n\(console)")
        }
    }

    @discardableResult
    private func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await driver.call(method, "/session/\(session)\(path)", body)
    }
}
