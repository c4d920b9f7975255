import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A door behind TLS: what comes out of it is bytes as without.
struct TLSChannel<Door: ServerChildChannel>: ServerChildChannel {
    typealias Value = Door.Value

    let door: Door
    let keeper: TLSKeeper

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers([
                PlainRequestRefusal(), NIOSSLServerHandler(context: keeper.context),
            ])
        }.flatMap { door.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async { await door.handle(value: value, logger: logger) }
}

/// Tells who speaks HTTP without TLS what is spoken here, instead of hanging up.
private final class PlainRequestRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer: String = {
        let text = "This port speaks HTTPS: write https:// (or wss://) instead of http:// (ws://)."
        return """
            HTTP/1.1 400 Bad Request\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: \(text.utf8.count)\r
            Connection: close\r
            Server: ladle\r
            \r
            \(text)
            """
    }()

    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        let bytes = unwrapInboundIn(data)
        // Methods are capitals; a TLS record begins with its type, 22 for a handshake (RFC 8446 §5.1).
        guard let first = bytes.readableBytesView.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        isRefused = true
        // From here both go straight to the socket, past TLS.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: nil)
        context.close(promise: nil)
    }
}
