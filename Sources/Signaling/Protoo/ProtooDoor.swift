import Control
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Whom a WebSocket is for.
struct ProtooVisit: Sendable {
    var room: String
    var peer: String
    /// Consumers of each producer besides the first.
    var replicas: Int
    /// The client says what only clients of the newer dialect say.
    var isModern: Bool
}

/// Who may open a WebSocket, and which room it leads to. The path is of no concern, as in the demo.
struct ProtooDoor: Sendable {
    static let subprotocol = "protoo"

    let doorkeeper: Doorkeeper
    let limits: WebSocketLimits
    let requests: RequestCounter

    private static let key = HTTPField.Name("Sec-WebSocket-Key")
    private static let version = HTTPField.Name("Sec-WebSocket-Version")
    private static let subprotocols = HTTPField.Name("Sec-WebSocket-Protocol")

    func admit(_ request: Request) throws(Problem) -> ProtooVisit {
        let target = try RequestTarget(request.head.path ?? "/")
        try doorkeeper.checkHost(request)
        try doorkeeper.checkOrigin(request)
        try doorkeeper.checkToken(Self.withToken(of: target, request))
        guard Self.key.flatMap({ request.headers[$0] }) != nil else {
            throw .upgradeRefused(.badRequest, "missing Sec-WebSocket-Key")
        }
        guard Self.version.flatMap({ request.headers[$0] }) == "13" else { throw .otherWebSocketVersion }
        let offered = Self.subprotocols.flatMap { request.headers[$0] } ?? ""
        guard offered.split(separator: ",").contains(where: { $0.trimming(" ") == Self.subprotocol }) else {
            throw .upgradeRefused(.forbidden, "invalid/missing Sec-WebSocket-Protocol")
        }
        guard let room = target.query["roomId"], !room.isEmpty, let peer = target.query["peerId"], !peer.isEmpty else {
            throw .upgradeRefused(.badRequest, "Connection request without roomId and/or peerId")
        }
        do {
            try NameRules.room(room)
            try NameRules.id(peer, subject: "peer id")
        } catch { throw .upgradeRefused(.badRequest, error.message) }
        // The web application writes "undefined" when nobody set it.
        return ProtooVisit(
            room: room, peer: peer, replicas: target.query["consumerReplicas"].flatMap { Int($0) } ?? 0,
            isModern: target.query["usePipeTransports"] != nil)
    }

    /// Browsers' WebSockets send no `Authorization`: the address may bear the token (RFC 6750 §2.3).
    private static func withToken(of target: RequestTarget, _ request: Request) -> Request {
        guard request.headers[.authorization] == nil, let token = target.query["access_token"] else { return request }
        var head = request.head
        head.headerFields[.authorization] = "Bearer \(token)"
        return Request(head: head, body: RequestBody(buffer: ByteBuffer()))
    }
}

extension Substring {
    fileprivate func trimming(_ character: Character) -> Substring {
        var text = drop { $0 == character }
        while text.last == character { text.removeLast() }
        return text
    }
}

/// The one port: HTTP/1.1 as Hummingbird serves it, or a protoo WebSocket.
struct OneDoorChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let entered: EventLoopFuture<Entered>
        let channel: any Channel
    }

    let http: HTTP1Channel
    let door: ProtooDoor
    let serve: @Sendable (WebSocketChannel, ProtooVisit) async -> Void

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let entered = channel.eventLoop.makePromise(of: Entered.self)
            try channel.pipeline.syncOperations.addHandler(
                FirstBytes(http: http, door: door, entered: entered, logger: logger))
            return Value(entered: entered.futureResult, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let entered = try await withTaskCancellationHandler {
                try await value.entered.get()
            } onCancel: {
                value.channel.close(promise: nil)
            }
            switch entered {
            case .http(let channel): await http.handle(value: channel, logger: logger)
            case .webSocket(let channel, let visit): await serve(channel, visit)
            }
        } catch {
            value.channel.close(promise: nil)
            logger.trace("a connection ended before its first request: \(error)")
        }
    }
}
