import Base
import NIOCore
import NIOSSL
import NIOWebSocket
import Testing

/// A protoo client that writes its own frames: handshake, masking and close codes are seen as they are on the wire.
actor ProtooClient {
    enum Heard: Sendable, Equatable {
        case message(JSONValue)
        case ping
        case closed(code: UInt16, reason: String)
        /// The connection ended without a close frame.
        case cut
    }

    struct Refused: Error { let reply: Reply }
    struct Silence: Error, CustomStringConvertible {
        let waitedFor: String
        let heard: [Heard]
        var description: String { "nothing like \(waitedFor) came; unread: \(heard)" }
    }

    private let channel: any Channel
    private let reader: Task<Void, Never>
    private var unread: [Heard] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var lastID: Int64 = 0
    /// What the server asks is answered with this; nil: not at all.
    private var answer: (@Sendable (JSONValue) -> JSONValue?)?
    let handshake: Reply

    static let subprotocol = ["Sec-WebSocket-Protocol": "protoo"]

    /// - Throws: `Refused`.
    static func open(
        _ port: Int, _ query: String, path: String = "/", headers: [String: String] = subprotocol,
        trusts: NIOSSLCertificate? = nil
    ) async throws -> ProtooClient {
        let connected = try await RawClient(port: port, trusts: trusts).channel()
        var all = [
            "Host": "127.0.0.1:\(port)", "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
        ]
        all.merge(headers) { $1 }
        let lines = all.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }.joined()
        try await connected.channel.writeAndFlush(ByteBuffer(string: "GET \(path)?\(query) HTTP/1.1\r\n\(lines)\r\n"))
        let (stream, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
        let pump = Task {
            try? await connected.executeThenClose { inbound, _ in
                for try await part in inbound { feed.yield(part) }
            }
            feed.finish()
        }
        var bytes: [UInt8] = []
        for await part in stream {
            bytes += part.readableBytesView
            if bytes.range(of: "\r\n\r\n") != nil { break }
        }
        let head = try RawClient.parse(bytes)
        guard head.status == 101, let end = bytes.range(of: "\r\n\r\n") else {
            pump.cancel()
            throw Refused(reply: head)
        }
        let client = ProtooClient(channel: connected.channel, pump: pump, handshake: head)
        await client.listen(Array(bytes[end...]), stream)
        return client
    }

    private init(channel: any Channel, pump: Task<Void, Never>, handshake: Reply) {
        self.channel = channel
        self.reader = pump
        self.handshake = handshake
    }

    private func listen(_ first: [UInt8], _ parts: AsyncStream<ByteBuffer>) {
        Task {
            var bytes = first
            while let frame = Self.takeFrame(&bytes) { self.take(frame) }
            for await part in parts {
                bytes += part.readableBytesView
                while let frame = Self.takeFrame(&bytes) { self.take(frame) }
            }
            self.hear(.cut)
        }
    }

    /// Servers' frames are unmasked and, here, whole.
    private static func takeFrame(_ bytes: inout [UInt8]) -> (opcode: UInt8, data: [UInt8])? {
        guard bytes.count >= 2 else { return nil }
        var start = 2
        var length = Int(bytes[1] & 0x7F)
        if length == 126 {
            guard bytes.count >= 4 else { return nil }
            (length, start) = (Int(bytes[2]) << 8 | Int(bytes[3]), 4)
        } else if length == 127 {
            guard bytes.count >= 10 else { return nil }
            (length, start) = (bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }, 10)
        }
        guard bytes.count >= start + length else { return nil }
        let frame = (bytes[0] & 0x0F, Array(bytes[start..<start + length]))
        bytes.removeFirst(start + length)
        return frame
    }

    private func take(_ frame: (opcode: UInt8, data: [UInt8])) {
        switch frame.opcode {
        case 1:
            guard let message = try? JSONValue(parsing: frame.data) else { return }
            hear(.message(message))
            if message["request"] == true, let id = message["id"], let answer = answer?(message) {
                send(["response": true, "id": id, "ok": true, "data": answer])
            }
        case 8:
            let code = frame.data.count < 2 ? 1005 : UInt16(frame.data[0]) << 8 | UInt16(frame.data[1])
            hear(.closed(code: code, reason: String(decoding: frame.data.dropFirst(2), as: UTF8.self)))
        case 9: hear(.ping)
        default: break
        }
    }

    private func hear(_ what: Heard) {
        unread.append(what)
        for waiter in waiters { waiter.resume() }
        waiters.removeAll()
    }

    // MARK: - Sending

    /// Server requests are accepted as they come.
    func acceptEverything() { answer = { _ in [:] } }

    func send(_ message: JSONValue) { frame(1, Array(message.text.utf8)) }
    func send(text: String) { frame(1, Array(text.utf8)) }

    func frame(_ opcode: UInt8, _ data: [UInt8], isFinal: Bool = true, isMasked: Bool = true) {
        var bytes = ByteBuffer()
        bytes.writeInteger((isFinal ? 0x80 : 0) | opcode)
        let mark: UInt8 = isMasked ? 0x80 : 0
        switch data.count {
        case ..<126: bytes.writeInteger(mark | UInt8(data.count))
        case ..<65_536:
            bytes.writeInteger(mark | 126)
            bytes.writeInteger(UInt16(data.count))
        default:
            bytes.writeInteger(mark | 127)
            bytes.writeInteger(UInt64(data.count))
        }
        // The mask 0 leaves the bytes as they are.
        if isMasked { bytes.writeInteger(UInt32(0)) }
        bytes.writeBytes(data)
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// Sends a request and gives the whole response.
    func ask(_ method: String, _ data: JSONValue? = nil) async throws -> JSONValue {
        lastID += 1
        let id = lastID
        send(.object(omittingAbsent: ["request": true, "id": .integer(id), "method": .string(method), "data": data]))
        return try await next("the answer to \(method)") { $0["response"] == true && $0["id"] == .integer(id) }
    }

    func accept(_ request: JSONValue) {
        send(["response": true, "id": request["id"] ?? 0, "ok": true, "data": [:]])
    }

    func notify(_ method: String, _ data: JSONValue) {
        send(["notification": true, "method": .string(method), "data": data])
    }

    func close(_ code: UInt16 = 1000) { frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)]) }

    func hangUp() { channel.close(promise: nil) }

    // MARK: - Hearing

    /// Takes the first message that fits out of what is unread; waits up to 10 s for it.
    func next(_ name: String, where fits: @Sendable (JSONValue) -> Bool) async throws -> JSONValue {
        guard
            case .message(let message) = try await take(
                name, where: { if case .message(let message) = $0 { fits(message) } else { false } })
        else { throw Silence(waitedFor: name, heard: unread) }
        return message
    }

    /// The data of the next request or notification of this name.
    func next(_ method: String) async throws -> JSONValue {
        try await next(method) { $0["method"]?.stringValue == method }
    }

    func closing() async throws -> Heard {
        try await take("a close") { if case .closed = $0 { true } else { $0 == .cut } }
    }

    func ping() async throws { _ = try await take("a ping") { $0 == .ping } }

    /// Names of the messages that nobody has asked for yet, in order.
    var unreadMethods: [String] {
        unread.compactMap { if case .message(let message) = $0 { message["method"]?.stringValue } else { nil } }
    }

    private func take(_ name: String, where fits: @Sendable (Heard) -> Bool) async throws -> Heard {
        let deadline = ContinuousClock.now + .seconds(10)
        let alarm = Task {
            try await Task.sleep(until: deadline)
            self.wake()
        }
        defer { alarm.cancel() }
        while true {
            if let index = unread.firstIndex(where: fits) { return unread.remove(at: index) }
            guard ContinuousClock.now < deadline, unread.last != .cut else {
                throw Silence(waitedFor: name, heard: unread)
            }
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    private func wake() {
        for waiter in waiters { waiter.resume() }
        waiters.removeAll()
    }
}

extension [UInt8] {
    /// The index behind the text.
    fileprivate func range(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        return (0...(count - wanted.count)).first { Array(self[$0..<$0 + wanted.count]) == wanted }.map {
            $0 + wanted.count
        }
    }
}
