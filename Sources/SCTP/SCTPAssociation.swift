import Base
import CUsrSCTP
import Glibc

/// One SCTP association as WebRTC has it (RFC 8831): messages on numbered streams over datagrams of somebody else's, in DTLS or
/// bare. No sockets, no clock, no thread; what is to be done comes out as `SCTPEffect`s.
///
/// No DCEP (RFC 8832): both sides know from signaling which stream is which channel.
public struct SCTPAssociation: ~Copyable {
    private let setup: SCTPSetup
    private let stack: SCTPStack
    private let port: SCTPPort
    private let key: UInt
    /// Nil: closed.
    private var socket: OpaquePointer?

    /// - Throws: `library`.
    public init(_ setup: SCTPSetup, stack: SCTPStack) throws(SCTPError) {
        let port = SCTPPort(setup)
        (self.setup, self.stack, self.port) = (setup, stack, port)
        (key, socket) = try USRSCTP.enter { () throws(SCTPError) in
            let key = USRSCTP.register(port)
            let socket = ladle_sctp_open(
                key, setup.port, setup.outgoingStreams, setup.incomingStreams, Int32(clamping: setup.sendBufferSize),
                Self.receiveBuffer, SCTPCallbacks.receive, SCTPCallbacks.sent)
            guard let socket else {
                let code = errno
                USRSCTP.unregister(key)
                throw .library(call: "usrsctp_socket", code: code)
            }
            return (key, socket)
        }
    }

    /// What the remote side may send before it is asked for more, in bytes.
    private static var receiveBuffer: Int32 { 262_144 }

    deinit {
        guard let socket else { return }
        USRSCTP.enter {
            usrsctp_close(socket)
            USRSCTP.unregister(key)
        }
    }

    public var state: SCTPState { USRSCTP.enter { port.state } }

    /// Bytes that wait for acknowledgement.
    public var bufferedAmount: Int { USRSCTP.enter { port.bufferedAmount } }

    /// Streams that may be sent on.
    public var outgoingStreams: Int { USRSCTP.enter { port.outgoingStreams } }

    /// Messages of the remote side that were too large.
    public var droppedMessages: UInt64 { USRSCTP.enter { port.dropped } }

    /// Whether a datagram may be SCTP at all: it has a whole header with these ports.
    public static func isPacket(_ datagram: RawSpan, port: UInt16 = SCTPSetup.standardPort) -> Bool {
        datagram.byteCount >= 12 && datagram.uint16(at: 0) == port && datagram.uint16(at: 2) == port
    }

    // MARK: - Verbs

    /// Sends INIT, and again until it is answered, however long that takes: browsers are deaf for SCTP before their first
    /// data channel. The remote side's own INIT is taken at any time from now on.
    public mutating func start(now: Instant, into effects: inout [SCTPEffect]) {
        guard let socket, state == .new else { return }
        stack.advance(to: now)
        USRSCTP.enter {
            port.change(to: .connecting)
            // Whole words, since chunks are padded to them; the library counts without the 12 bytes of the common header.
            let longest = UInt32((max(512, setup.maximumPacketLength) - 12) & ~3)
            if ladle_sctp_connect(socket, key, setup.port, longest) != 0 { port.change(to: .failed) }
        }
        collect(into: &effects)
    }

    /// A packet of the remote side. What is none, or not for us, is thrown away without an answer.
    public mutating func receive(_ packet: RawSpan, now: Instant, into effects: inout [SCTPEffect]) {
        guard socket != nil, Self.isPacket(packet, port: setup.port) else { return }
        stack.advance(to: now)
        packet.withUnsafeBytes { bytes in
            USRSCTP.enter {
                // It copies before it returns.
                usrsctp_conninput(UnsafeMutableRawPointer(bitPattern: key), bytes.baseAddress, bytes.count, 0)
            }
        }
        collect(into: &effects)
    }

    /// - Parameter message: 1…`maximumMessageSize` bytes.
    /// - Throws: It was not sent, and nothing has changed. `library` with EAGAIN: the stream's end is still on its way.
    public mutating func send(
        _ message: RawSpan, stream: UInt16, ppid: UInt32, isOrdered: Bool = true,
        _ reliability: SCTPReliability = .reliable, now: Instant, into effects: inout [SCTPEffect]
    ) throws(SCTPError) {
        guard let socket, state == .connected else { throw .notConnected }
        let count = message.byteCount
        guard count > 0 else { throw .empty }
        guard count <= setup.maximumMessageSize else { throw .tooLong(maximum: setup.maximumMessageSize, got: count) }
        let streams = outgoingStreams
        guard Int(stream) < streams else { throw .noSuchStream(stream, of: streams) }
        stack.advance(to: now)
        let (policy, value): (Int32, UInt32) =
            switch reliability {
            case .reliable: (SCTP_PR_SCTP_NONE, 0)
            case .lifetime(let milliseconds): (SCTP_PR_SCTP_TTL, milliseconds)
            case .retransmissions(let count): (SCTP_PR_SCTP_RTX, count)
            }
        let code = message.withUnsafeBytes { bytes in
            USRSCTP.enter {
                let code = ladle_sctp_send(
                    socket, bytes.baseAddress, bytes.count, stream, ppid, isOrdered ? 1 : 0, UInt16(policy), value)
                if code == 0 { port.queued(bytes.count) }
                return code
            }
        }
        collect(into: &effects)
        switch code {
        case 0: return
        case EAGAIN where bufferedAmount + count > setup.sendBufferSize, EMSGSIZE: throw .bufferFull
        default: throw .library(call: "usrsctp_sendv", code: code)
        }
    }

    /// Makes sure that a stream may be sent on: asks for more of them if it is beyond those agreed on (RFC 6525 §4.5).
    public mutating func extend(to stream: UInt16, now: Instant, into effects: inout [SCTPEffect]) {
        guard let socket, state == .connected else { return }
        let missing = Int(stream) + 1 - outgoingStreams
        guard missing > 0 else { return }
        stack.advance(to: now)
        // mediasoup's number at a time. A request under way is not repeated: the library refuses a second one.
        USRSCTP.enter { _ = ladle_sctp_add_streams(socket, UInt16(clamping: max(32, missing))) }
        collect(into: &effects)
    }

    /// Ends a stream, so that it can begin anew (RFC 6525 §4).
    public mutating func reset(
        _ stream: UInt16, _ direction: SCTPStreamDirection, now: Instant, into effects: inout [SCTPEffect]
    ) {
        guard let socket, state == .connected else { return }
        if direction == .outgoing, Int(stream) >= outgoingStreams { return }
        stack.advance(to: now)
        let flags = direction == .outgoing ? SCTP_STREAM_RESET_OUTGOING : SCTP_STREAM_RESET_INCOMING
        USRSCTP.enter { _ = ladle_sctp_reset(socket, UInt16(flags), stream) }
        collect(into: &effects)
    }

    /// Lets time pass, for all associations of the process; gives what this one has to say.
    public mutating func advance(to now: Instant, into effects: inout [SCTPEffect]) {
        stack.advance(to: now)
        collect(into: &effects)
    }

    /// Says goodbye (ABORT), and is over.
    public mutating func close(into effects: inout [SCTPEffect]) {
        guard let open = socket else { return }
        socket = nil
        USRSCTP.enter {
            usrsctp_close(open)
            port.change(to: .closed)
            USRSCTP.unregister(key)
        }
        collect(into: &effects)
    }

    private func collect(into effects: inout [SCTPEffect]) {
        USRSCTP.enter {
            effects += port.effects
            port.effects.removeAll()
        }
    }
}
