import Base
import MediaCore
import SFU

extension Worker {
    /// What waits for a reader at most: a second of video at 8 Mbit/s.
    private static let readerCapacity = 1 << 20
    /// mediasoup's MtuSize and 100.
    private static let largestPacket = 1600

    func createDirectTransport(on router: RouterID, cname: String?) throws(MediaCoreError) -> TransportID {
        let id = TransportID.random()
        let socket = DirectPort.socket(nextDirect)
        try command { engine, outbox, now throws(SFUError) in
            try engine.createDirectTransport(
                DirectTransportSetup(router: router, id: id, socket: socket, cname: cname), now: now, into: &outbox)
        }
        nextDirect = DirectPort.number(after: nextDirect)
        plane.directs[socket] = DirectPort()
        directory.enter(.transport(id), on: number)
        return id
    }

    /// A consumer on a direct transport gets its queue with its creation, so that no packet is missed.
    func addReader(of consumer: ConsumerDescription, on transport: TransportID) {
        guard let port = port(of: transport) else { return }
        let reader = DirectPackets(capacity: Self.readerCapacity)
        readers[consumer.id] = reader
        for encoding in consumer.rtpParameters.encodings {
            if let ssrc = encoding.ssrc { port.add(reader, ssrc: ssrc) }
            if let ssrc = encoding.rtxSSRC { port.add(reader, ssrc: ssrc) }
        }
    }

    func packets(of consumer: ConsumerID) throws(MediaCoreError) -> DirectPackets {
        guard let reader = readers[consumer] else {
            throw MediaCoreError(
                .notFound, name: "Error", message: "consumer \(consumer) is not there, or not on a direct transport")
        }
        return reader
    }

    func rtcp(of transport: TransportID) throws(MediaCoreError) -> DirectPackets {
        guard let port = port(of: transport) else { throw Self.notDirect(transport) }
        return port.rtcp
    }

    func send(_ packets: [[UInt8]], on producer: ProducerID) throws(MediaCoreError) {
        guard let transport = plane.engine.transport(of: producer), let socket = socket(of: transport) else {
            throw MediaCoreError(
                .notFound, name: "Error", message: "producer \(producer) is not there, or not on a direct transport")
        }
        if let size = packets.map(\.count).max(), size > Self.largestPacket {
            throw MediaCoreError(
                .invalid, name: "TypeError",
                message: "an RTP packet of \(size) bytes; \(Self.largestPacket) are allowed")
        }
        try take(packets, from: socket)
    }

    func sendRTCP(_ packet: [UInt8], on transport: TransportID) throws(MediaCoreError) {
        guard let socket = socket(of: transport) else { throw Self.notDirect(transport) }
        try take([packet], from: socket)
    }

    /// As if it had come from a socket.
    private func take(_ packets: [[UInt8]], from socket: SocketID) throws(MediaCoreError) {
        guard let here = SocketAddress("0.0.0.0", port: 0) else { return }
        try command { engine, outbox, now throws(SFUError) in
            for packet in packets { engine.receive(packet.span.bytes, on: socket, from: here, now: now, into: &outbox) }
        }
    }

    private func socket(of transport: TransportID) -> SocketID? {
        plane.engine.sockets(of: transport).first { plane.directs[$0] != nil }
    }

    private func port(of transport: TransportID) -> DirectPort? {
        socket(of: transport).flatMap { plane.directs[$0] }
    }

    private static func notDirect(_ transport: TransportID) -> MediaCoreError {
        MediaCoreError(.notFound, name: "Error", message: "transport \(transport) is not there, or no direct one")
    }
}
