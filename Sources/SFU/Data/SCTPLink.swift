import Base
import ORTC
import SCTP

/// SCTP of a transport: the association, and who is on which of its streams.
struct SCTPLink: ~Copyable {
    let transport: SlabIndex
    let setup: SCTPTransportSetup
    /// Over DTLS, as browsers speak it. Otherwise it lies in bare datagrams.
    let isDataChannel: Bool
    var association: SCTPAssociation
    /// Data producers by their streams.
    var producers: [UInt16: SlabIndex] = [:]
    /// Streams of data consumers.
    private var taken: Set<Int> = []
    private var nextStream = 0
    /// When time is to be given to it; nil: it has not begun, or is over.
    var deadline: Instant?
    /// Until then timers run in short steps.
    var busyUntil: Instant?

    /// - Parameter packetLength: Of a packet that we send, in bytes.
    init(
        _ setup: SCTPTransportSetup, transport: SlabIndex, isDataChannel: Bool, packetLength: Int, stack: SCTPStack
    ) throws(SCTPError) {
        self.transport = transport
        self.setup = setup
        self.isDataChannel = isDataChannel
        association = try SCTPAssociation(
            SCTPSetup(
                outgoingStreams: UInt16(clamping: setup.streams.outgoing),
                incomingStreams: UInt16(clamping: setup.streams.incoming),
                maximumMessageSize: setup.maximumMessageSize, sendBufferSize: setup.sendBufferSize,
                maximumPacketLength: packetLength), stack: stack)
    }

    /// The next stream that nobody is on, in turn; nil: all are taken.
    mutating func takeStream() -> Int? {
        let count = setup.streams.incoming
        for step in 0..<count {
            let stream = (nextStream + step) % count
            guard !taken.contains(stream) else { continue }
            taken.insert(stream)
            nextStream = stream + 1
            return stream
        }
        return nil
    }

    mutating func freeStream(_ stream: Int) { taken.remove(stream) }

    /// When it wants time next. A quiet association has timers of seconds only.
    mutating func touch(_ now: Instant, isBusy: Bool) {
        if isBusy { busyUntil = now + .seconds(1) }
        let isBusy = busyUntil.map { $0 > now } ?? false
        deadline = now + (isBusy ? SCTPStack.step : SCTPStack.step * 10)
    }

    /// `sctpParameters`, as the remote side is told.
    var parameters: JSONValue {
        [
            "port": JSONValue(Int(SCTPSetup.standardPort)), "OS": JSONValue(setup.streams.outgoing),
            "MIS": JSONValue(setup.streams.incoming), "maxMessageSize": JSONValue(setup.maximumMessageSize),
            "sendBufferSize": JSONValue(setup.sendBufferSize),
            "sctpBufferedAmount": JSONValue(association.bufferedAmount), "isDataChannel": JSONValue(isDataChannel),
        ]
    }
}
