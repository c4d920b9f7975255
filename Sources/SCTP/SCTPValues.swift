/// What an association is made with.
public struct SCTPSetup: Sendable, Hashable {
    /// Of both sides (RFC 8841: they are free to choose, and all choose 5000).
    public var port: UInt16
    /// Streams to ask for, and to allow the remote side (OS and MIS).
    public var outgoingStreams: UInt16
    public var incomingStreams: UInt16
    /// Of a message in either direction, in bytes. A larger one is thrown away.
    public var maximumMessageSize: Int
    /// In bytes: what may wait for acknowledgement.
    public var sendBufferSize: Int
    /// Of a packet that we send, in bytes; at least 512.
    public var maximumPacketLength: Int

    public static let standardPort: UInt16 = 5000
    /// What mediasoup sends over UDP; within DTLS less fits.
    public static let standardPacketLength = 1200
    public static let standardMessageSize = 262_144

    public init(
        port: UInt16 = SCTPSetup.standardPort, outgoingStreams: UInt16 = 1024, incomingStreams: UInt16 = 1024,
        maximumMessageSize: Int = SCTPSetup.standardMessageSize,
        sendBufferSize: Int = SCTPSetup.standardMessageSize,
        maximumPacketLength: Int = SCTPSetup.standardPacketLength
    ) {
        self.port = port
        self.outgoingStreams = outgoingStreams
        self.incomingStreams = incomingStreams
        self.maximumMessageSize = maximumMessageSize
        self.sendBufferSize = sendBufferSize
        self.maximumPacketLength = maximumPacketLength
    }
}

/// mediasoup's names.
public enum SCTPState: String, Sendable, Hashable, CaseIterable {
    case new, connecting, connected, failed, closed
}

/// One message of the remote side's.
public struct SCTPMessage: Sendable, Hashable {
    public var stream: UInt16
    /// What it is (RFC 8831 §8: 51 text, 53 bytes, 56 no text, 57 no bytes).
    public var ppid: UInt32
    public var payload: [UInt8]

    public init(stream: UInt16, ppid: UInt32, payload: [UInt8]) {
        (self.stream, self.ppid, self.payload) = (stream, ppid, payload)
    }
}

/// How much is done for a message to arrive (RFC 3758).
public enum SCTPReliability: Sendable, Hashable {
    case reliable
    /// Not sent again after so many milliseconds.
    case lifetime(milliseconds: UInt32)
    /// Sent again so many times at most.
    case retransmissions(UInt32)
}

/// What is to be done for an association, in order.
public enum SCTPEffect: Sendable, Hashable {
    case transmit([UInt8])
    case changed(SCTPState)
    case received(SCTPMessage)
    /// The remote side ended streams that it sent on; they may begin anew (RFC 6525).
    case streamsReset([UInt16])
    /// So many bytes wait for acknowledgement now.
    case buffered(Int)
}

/// Which of two directions of a stream ends.
public enum SCTPStreamDirection: Sendable, Hashable {
    /// We send nothing more on it.
    case outgoing
    /// The remote side is asked to send nothing more on it.
    case incoming
}

public enum SCTPError: Error, Sendable, Hashable {
    case notConnected
    case tooLong(maximum: Int, got: Int)
    /// A message has one byte at least; PPIDs stand for empty ones.
    case empty
    /// What waits for acknowledgement leaves no room.
    case bufferFull
    /// Beyond what both sides agreed on, so many.
    case noSuchStream(UInt16, of: Int)
    /// usrsctp refused; errno.
    case library(call: String, code: Int32)
}
