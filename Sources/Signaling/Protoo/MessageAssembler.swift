import NIOCore
import NIOWebSocket

/// Puts the messages of one connection together from their frames (RFC 6455 §5.4).
struct MessageAssembler {
    enum Outcome {
        case text(ByteBufferView)
        case binary
        /// More of it must come.
        case nothing
        /// The connection is to be closed with this code.
        case refused(code: UInt16, reason: String)
    }

    /// In bytes, of a message.
    let limit: Int
    private var begun: (opcode: WebSocketOpcode, data: ByteBuffer)?
    /// A message of countless empty frames costs nothing but never ends.
    private var frames = 0

    /// Web applications send one, rarely some.
    private static let mostFrames = 1024

    init(limit: Int) { self.limit = limit }

    mutating func take(_ frame: WebSocketFrame) -> Outcome {
        guard frame.maskKey != nil else { return .refused(code: 1002, reason: "a client's frames must be masked") }
        var data = frame.unmaskedData
        var opcode = frame.opcode
        if opcode == .continuation {
            guard var before = begun else { return .refused(code: 1002, reason: "a continuation of nothing") }
            frames += 1
            guard before.data.readableBytes + data.readableBytes <= limit, frames < Self.mostFrames else {
                begun = nil
                return .refused(
                    code: 1009, reason: "a message has more than \(limit) bytes or \(Self.mostFrames) frames")
            }
            // Not held twice: appending copies otherwise.
            begun = nil
            before.data.writeBuffer(&data)
            (opcode, data) = before
        } else if begun != nil {
            begun = nil
            return .refused(code: 1002, reason: "a message began inside another one")
        } else {
            frames = 0
        }
        guard frame.fin else {
            begun = (opcode, data)
            return .nothing
        }
        return opcode == .text ? .text(data.readableBytesView) : .binary
    }
}
