import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The handshake (RFC 6455 §4.2): the door says who may come in; then HTTP's handlers go and frames come.
final class WebSocketUpgrade: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case head
        case end(HTTPRequestHead)
        /// What came before the frame handlers are there.
        case upgrading([NIOAny])
        case done
        case refused
    }

    private let door: ProtooDoor
    private let entered: EventLoopPromise<Entered>
    private let encoder: HTTPResponseEncoder
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private var state = State.head

    init(
        door: ProtooDoor, entered: EventLoopPromise<Entered>, encoder: HTTPResponseEncoder,
        decoder: ByteToMessageHandler<HTTPRequestDecoder>
    ) {
        (self.door, self.entered, self.encoder, self.decoder) = (door, entered, encoder, decoder)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .head:
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            state = .end(head)
        case .end(let head):
            guard case .end = unwrapInboundIn(data) else { return }
            decide(head, context)
        case .upgrading(var waiting):
            // A client that doesn't wait for the answer may send at most this before it is seen for what it is.
            guard waiting.count < 16 else { return context.close(promise: nil) }
            waiting.append(data)
            state = .upgrading(waiting)
        case .done: context.fireChannelRead(data)
        case .refused: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch state {
        case .done: break
        default:
            let isEnd = event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed
            if isEnd { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .head = state {
            refuse(Problem.upgradeRefused(.badRequest, "malformed request"), context)
        } else {
            context.fireErrorCaught(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Without effect when it was kept.
        entered.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    // MARK: - The handshake

    private func decide(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let visit: ProtooVisit
        do { visit = try door.admit(Self.request(head)) } catch {
            refuse(error, context)
            return
        }
        let upgrader = NIOTypedWebSocketServerUpgrader<Entered>(
            maxFrameSize: door.limits.messageLimit, enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeSucceededFuture(["Sec-WebSocket-Protocol": ProtooDoor.subprotocol])
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrameGuard())
                    return .webSocket(try WebSocketChannel(wrappingChannelSynchronously: channel), visit)
                }
            })
        state = .upgrading([])
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let (channel, pipeline) = (context.channel, context.pipeline)
        let (encoder, decoder) = (encoder, decoder)
        upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: [:])
            .assumeIsolated()
            .flatMap { headers in
                // No more of HTTP is read; what came behind the request stays.
                pipeline.syncOperations.removeHandler(decoder).map { headers }
            }
            .flatMap { headers in
                let (handler, context) = bound.value
                let answer = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
                return context.writeAndFlush(handler.wrapOutboundOut(.head(answer)))
            }
            .flatMap { pipeline.syncOperations.removeHandler(encoder) }
            .flatMap { upgrader.upgrade(channel: channel, upgradeRequest: head) }
            .whenComplete { result in
                let (handler, context) = bound.value
                handler.finish(result, context)
            }
    }

    private func finish(_ result: Result<Entered, any Error>, _ context: ChannelHandlerContext) {
        switch result {
        case .success(let value):
            guard case .upgrading(let waiting) = state else { return }
            state = .done
            door.requests.count(status: 101)
            entered.succeed(value)
            for data in waiting { context.fireChannelRead(data) }
            if !waiting.isEmpty { context.fireChannelReadComplete() }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        case .failure(let error):
            entered.fail(error)
            context.close(promise: nil)
        }
    }

    /// The reason stands in a header, as with protoo's server; browsers show neither that nor a body.
    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        state = .refused
        door.requests.count(status: problem.status.code)
        var headers: HTTPHeaders = ["Connection": "close", "Content-Length": "0"]
        headers.add(name: "X-WebSocket-Reject-Reason", value: String(problem.message.map { $0.isASCII ? $0 : "?" }))
        for field in problem.headers { headers.add(name: field.name.canonicalName, value: field.value) }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: problem.status.code), headers: headers)
        entered.fail(problem)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    /// As the doorkeeper reads it.
    private static func request(_ head: HTTPRequestHead) -> Request {
        var fields = HTTPFields()
        for (name, value) in head.headers {
            guard let name = HTTPField.Name(name), name.canonicalName != "host" else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        return Request(
            head: HTTPRequest(
                method: .get, scheme: "http", authority: head.headers.first(name: "host"), path: head.uri,
                headerFields: fields),
            body: RequestBody(buffer: ByteBuffer()))
    }
}

/// Answers what is no WebSocket frame with the close code that fits, and lets the client read it: a connection that is closed
/// on unread bytes is reset, and the close frame lost.
final class FrameGuard: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// A client that has been told reads that within a round trip.
    private static let patience = TimeAmount.seconds(2)

    private var hasFailed = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasFailed else { return }
        guard let error = error as? NIOWebSocketError else { return context.fireErrorCaught(error) }
        hasFailed = true
        var data = ByteBuffer()
        switch error {
        case .invalidFrameLength: data.write(webSocketErrorCode: .messageTooLarge)
        default: data.write(webSocketErrorCode: .protocolError)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)))
            .whenComplete { _ in channel.close(mode: .output, promise: nil) }
        context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasFailed { context.read() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if hasFailed, (event as? ChannelEvent) == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
