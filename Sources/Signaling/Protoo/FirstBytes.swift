import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// How a connection goes on.
enum Entered: Sendable {
    case http(HTTP1Channel.Value)
    case webSocket(WebSocketChannel, ProtooVisit)
}

typealias WebSocketChannel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

/// One port for HTTP and WebSocket: looks at the first request's head and leaves the connection to whom it is meant for.
///
/// Bytes that can't be a WebSocket's handshake (RFC 6455 §4.1: a GET with `Upgrade: websocket`) go on to HTTP at once, as
/// they are; there, nothing is different from a server that has never heard of WebSockets. The upgrade handler of NIO is not
/// used: 2.101 loses the head of a request whose upgrade nobody takes.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let http: HTTP1Channel
    private let door: ProtooDoor
    private let entered: EventLoopPromise<Entered>
    private let logger: Logger
    private var buffered: ByteBuffer?
    private var isSettled = false
    private var patience: Scheduled<Void>?

    init(http: HTTP1Channel, door: ProtooDoor, entered: EventLoopPromise<Entered>, logger: Logger) {
        (self.http, self.door, self.entered, self.logger) = (http, door, entered, logger)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let timeout = http.configuration.idleTimeout else { return }
        let channel = context.channel
        patience = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isSettled else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        if var before = buffered {
            before.writeBuffer(&bytes)
            bytes = before
        }
        buffered = bytes
        let head = bytes.readableBytesView
        if !Self.mayBeGet(head) {
            enterHTTP(context)
        } else if let end = Self.endOfHead(head) {
            Self.asksForWebSocket(head[..<end]) ? enterWebSocket(context) : enterHTTP(context)
        } else if head.count > http.configuration.httpDecoder.maxHeaderListSize {
            // HTTP knows how to refuse that.
            enterHTTP(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The server stops, or the client has nothing more to say: no request is under way.
        let isEnd = event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed
        if isEnd, !isSettled { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isSettled { context.close(promise: nil) }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isSettled { entered.fail(ChannelError.eof) }
        isSettled = true
        patience?.cancel()
        context.fireChannelInactive()
    }

    // MARK: - The two ways

    private func enterHTTP(_ context: ChannelHandlerContext) {
        settle()
        let entered = entered
        http.setup(channel: context.channel, logger: logger).map { Entered.http($0) }.cascade(to: entered)
        goOn(context)
    }

    private func enterWebSocket(_ context: ChannelHandlerContext) {
        settle()
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(
                leftOverBytesStrategy: .forwardBytes, limitConfiguration: .init(http.configuration.httpDecoder)))
        let upgrade = WebSocketUpgrade(door: door, entered: entered, encoder: encoder, decoder: decoder)
        do {
            try context.pipeline.syncOperations.addHandlers([encoder, decoder, upgrade])
        } catch {
            entered.fail(error)
            context.close(promise: nil)
            return
        }
        goOn(context)
    }

    private func settle() {
        isSettled = true
        patience?.cancel()
    }

    private func goOn(_ context: ChannelHandlerContext) {
        if let bytes = buffered { context.fireChannelRead(wrapInboundOut(bytes)) }
        buffered = nil
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    // MARK: - Looking at bytes

    private static let get = Array("GET ".utf8)

    static func mayBeGet(_ bytes: ByteBufferView) -> Bool { zip(bytes, get).allSatisfy { $0 == $1 } }

    /// Behind the empty line; lines may end in LF alone, which HTTP is to judge.
    static func endOfHead(_ bytes: ByteBufferView) -> Int? {
        var lineLength = 0
        for (index, byte) in zip(bytes.indices, bytes) {
            switch byte {
            case UInt8(ascii: "\n"):
                if lineLength == 0 { return index + 1 }
                lineLength = 0
            case UInt8(ascii: "\r"): break
            default: lineLength += 1
            }
        }
        return nil
    }

    static func asksForWebSocket(_ head: ByteBufferView) -> Bool {
        head.split(separator: UInt8(ascii: "\n")).dropFirst().contains { line in
            let text = String(decoding: line, as: UTF8.self).lowercased()
            return text.hasPrefix("upgrade:") && text.contains("websocket")
        }
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    init(_ limits: HTTP1Channel.Configuration.DecoderConfiguration) {
        self.init()
        maxHeaderFieldSize = limits.maxHeaderFieldSize
        maxHeaderListSize = limits.maxHeaderListSize
        maxHeaderFieldCount = limits.maxHeaderFieldCount
    }
}
