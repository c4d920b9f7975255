import Base
import ORTC
import RTP

// Pipes within this process. The producer's end shows what lies in its streams' logs; the receiving end copies it from
// there into its own. Both tell each other by notes, which the driver carries.
extension MediaEngine {
    /// A pipe transport without sockets. Its other end is made in the other router's engine.
    public mutating func createInProcessPipe(router id: RouterID, transport: TransportID) throws(SFUError) {
        let router = try checkNewTransport(transport, on: id, [], method: "router.createPipeTransport")
        register(transports.insert(Transport(inProcess: transport, router: router)))
    }

    /// The router that a producer belongs to.
    public func router(of id: ProducerID) -> RouterID? {
        producerByID[id].map { routers[producers[$0].router].id }
    }

    /// The producer's end of a link: a pipe consumer on a transport of `createInProcessPipe`.
    public mutating func openLink(
        _ id: LinkID, of setup: ConsumerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> (consumer: ConsumerState, link: MediaLink) {
        let transport = try index(setup.transport, "transport.consume")
        guard transports[transport].isInProcess else { throw .unsupported("a link on a transport with sockets") }
        guard let producer = producer(setup.producer, on: transports[transport].router) else {
            throw SFUError(.notFound, "Producer with id \"\(setup.producer)\" not found")
        }
        let index = insertPipeConsumer(of: producer, setup, on: transport)
        let link = MediaLink(
            id: id, encodings: consumers[index].senders.count, isPaused: producers[producer].paused)
        consumers[index].link = link
        consumerByLink[id] = index
        for (encoding, sender) in consumers[index].senders.enumerated() {
            senders[sender].outlet = LinkOutlet(link: link, encoding: encoding)
            lineChanged(of: senders[sender].stream)
        }
        tellScores(of: index)
        start(index, now: now, into: &out)
        return (consumers[index].state(score(of: index)), link)
    }

    /// The receiving end: a producer of the same id as the original.
    /// - Parameter closesWhenUnused: With the last of its consumers and observers, as `closeUnusedLinks` finds.
    public mutating func joinLink(
        _ link: MediaLink, as setup: ProducerSetup, closesWhenUnused: Bool = false, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ProducerState {
        let transport = try index(setup.transport, "transport.produce")
        guard transports[transport].isInProcess else { throw .unsupported("a link on a transport with sockets") }
        let state = try produce(setup, over: link, now: now)
        if let index = producerByLink[link.id] { producers[index].closesWhenUnused = closesWhenUnused }
        return state
    }

    /// Closes the receiving end that a router has of another's producer.
    public mutating func closeLinked(
        _ id: ProducerID, on router: RouterID, now: Instant, into out: inout Outbox
    ) {
        guard let router = routerByID[router],
            let index = linkedProducers[LinkedProducer(id: id, router: router)]
        else { return }
        close(index, now: now, into: &out)
    }

    /// Whether a producer can be consumed on a router: its own, or one that a link has brought there.
    public func hasProducer(_ id: ProducerID, on router: RouterID) -> Bool {
        routerByID[router].flatMap { producer(id, on: $0) } != nil
    }

    /// Who is to look at which link. The driver hands it to the worker of the other end.
    /// - Parameter notes: What was in it is forgotten; its memory takes the next notes, so that none is allocated.
    public mutating func takeLinkNotes(into notes: inout [LinkNote]) {
        notes.removeAll(keepingCapacity: true)
        if !linkNotes.isEmpty { swap(&linkNotes, &notes) }
    }
}

// MARK: - The producer's end

extension MediaEngine {
    /// Begins with the cached group of pictures, else at the next key frame; audio with all that is kept, since the other
    /// router's receivers may want it beside a picture.
    mutating func startOutlet(_ index: SlabIndex, of stream: SlabIndex, now: Instant, into out: inout Outbox) {
        guard let outlet = senders[index].outlet else { return }
        let position: UInt64
        if !streams[stream].detectsKeyFrames {
            position = streams[stream].firstPosition(since: Instant(nanoseconds: .min))
        } else if let gop = streams[stream].gop.start(in: streams[stream].log, now: now) {
            position = gop.position
        } else {
            senders[index].outlet?.flow = .waiting
            requestKeyFrame(of: stream, now: now, into: &out)
            return
        }
        senders[index].outlet?.flow = .running
        streams[stream].log.attach(outlet.link.logs[outlet.encoding], at: position)
        publish(index, of: stream, now: now)
    }

    /// Shows what has come.
    mutating func publish(_ index: SlabIndex, of stream: SlabIndex, now: Instant) {
        guard let outlet = senders[index].outlet else { return }
        switch outlet.flow {
        case .stopped: return
        case .waiting:
            guard let gop = streams[stream].gop.start(in: streams[stream].log, now: now) else { return }
            senders[index].outlet?.flow = .running
            streams[stream].log.attach(outlet.link.logs[outlet.encoding], at: gop.position)
        case .running: break
        }
        if configuration.joinsFrames { streams[stream].evenOut() }
        guard streams[stream].log.publish(to: outlet.link.logs[outlet.encoding]) else { return }
        note(outlet.link)
    }

    private mutating func note(_ link: MediaLink, _ change: (inout MediaLink.Down) -> Void = { _ in }) {
        if link.noteDown(change) { linkNotes.append(LinkNote(link: link, way: .down)) }
    }

    /// The pause flag of a producer, as the consumer knows it, has changed.
    mutating func tellLink(of consumer: SlabIndex) {
        guard let link = consumers[consumer].link else { return }
        let isPaused = consumers[consumer].producerPaused
        note(link) { $0.isPaused = isPaused }
    }

    /// Another time is meant by timestamps than until now.
    mutating func lineChanged(of stream: SlabIndex) {
        for sender in streams[stream].senders {
            guard let outlet = senders[sender].outlet else { continue }
            let line = streams[stream].senderLine
            note(outlet.link) { $0.lines[outlet.encoding] = line }
        }
    }

    /// A stream's score has changed, or it has appeared.
    mutating func tellScores(of consumer: SlabIndex) {
        guard let link = consumers[consumer].link else { return }
        for (encoding, stream) in producers[consumers[consumer].producer].streams.enumerated() {
            let score = streams[stream].reception?.score.value
            note(link) { $0.scores[encoding] = score }
        }
    }

    /// A consumer is about to go. What has come until now is still shown.
    mutating func endLink(_ link: MediaLink, of consumer: SlabIndex) {
        for sender in consumers[consumer].senders where streams.contains(senders[sender].stream) {
            if senders[sender].outlet?.flow == .running {
                if configuration.joinsFrames { streams[senders[sender].stream].evenOut() }
                _ = streams[senders[sender].stream].log.publish(to: link.logs[senders[sender].outlet?.encoding ?? 0])
            }
        }
        consumerByLink[link.id] = nil
        note(link) { $0.hasEnded = true }
    }

    /// The receiving end has something to say.
    /// - Returns: The pipe consumer that has closed by it.
    public mutating func lookUp(_ link: MediaLink, now: Instant, into out: inout Outbox) -> ConsumerID? {
        let up = link.lookUp()
        guard let consumer = consumerByLink[link.id] else { return nil }
        if up.isClosed {
            let id = consumers[consumer].id
            close(id, now: now, into: &out)
            return id
        }
        for (encoding, sender) in consumers[consumer].senders.enumerated() where up.wantsKeyFrame[encoding] {
            senders[sender].pliCount += 1
            requestKeyFrame(bySender: sender, now: now, into: &out)
        }
        return nil
    }
}

// MARK: - The receiving end

/// What is to be done after a look at a link.
public enum LinkProgress: Sendable {
    case done
    /// Flush, and look again: more has come than may lie unsent, or the end is near.
    case flushAndLookAgain
}

extension MediaEngine {
    /// Half an audio stream's log: what lies there unsent must not be overwritten.
    private static var bytesPerLook: Int { 128 << 10 }

    /// The producer's end has something: packets, or news of its state. Copies the packets into the streams' logs.
    public mutating func lookDown(_ link: MediaLink, now: Instant, into out: inout Outbox) -> LinkProgress {
        let down = link.lookDown()
        guard let producer = producerByLink[link.id] else { return .done }
        var bytes = 0
        // What came before a pause is taken in first, what comes after it is not for the receivers of before.
        let wasPaused = producers[producer].paused
        if !down.isPaused { resume(producer, now: now, into: &out) }
        for encoding in producers[producer].streams.indices
        where !(wasPaused && down.isPaused) && encoding < link.logs.count {
            let stream = producers[producer].streams[encoding]
            while bytes < Self.bytesPerLook, let chunk = link.logs[encoding].take() {
                bytes += takeIn(chunk, of: link.logs[encoding], producer, stream, now: now, into: &out)
            }
        }
        learn(down.lines, producer, now: now)
        learn(down.scores, producer, now: now, into: &out)
        if bytes >= Self.bytesPerLook { return .flushAndLookAgain }
        if down.isPaused { pause(producer, now: now, into: &out) }
        guard down.hasEnded else { return .done }
        if bytes > 0 {
            // Its last packets leave before it closes.
            for stream in producers[producer].streams { hurry(stream: stream, now: now) }
            return .flushAndLookAgain
        }
        close(producer, now: now, into: &out)
        return .done
    }

    /// Copies a chunk's packets, up to a look's worth. Returns the bytes.
    private mutating func takeIn(
        _ chunk: consuming LinkedLog.Chunk, of log: LinkedLog, _ producer: SlabIndex, _ stream: SlabIndex, now: Instant,
        into out: inout Outbox
    ) -> Int {
        var chunk = chunk
        var bytes = 0
        if chunk.hasLost { requestKeyFrame(of: stream, now: now, into: &out) }
        while bytes < Self.bytesPerLook, let packet = chunk.next() {
            bytes += packet.bytes.count
            let receipt = Self.takeIn(packet, &streams, stream, of: producers, producer, now: now)
            if receipt.isNewStream {
                streamAppeared(stream, startsWithKeyFrame: receipt.isKeyFrame, now: now, into: &out)
            } else if receipt.hasRisen {
                streamRose(stream, now: now, into: &out)
            }
            if !producers[producer].observers.isEmpty {
                // Good until the chunk is done; the observers keep nothing of it.
                let bytes = packet.bytes.bytes
                if let header = try? RTPHeader(parsing: bytes) { observe(header, bytes, of: producer, now: now) }
            }
            if receipt.isKept { linkedPacketKept(receipt, packet.record, stream, now: now) }
        }
        log.done(chunk)
        return bytes
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func takeIn(
        _ packet: LinkedLog.Packet, _ streams: inout Slab<ReceiveStream>, _ stream: SlabIndex,
        of producers: borrowing Slab<Producer>, _ producer: SlabIndex, now: Instant
    ) -> ReceiveStream.Receipt {
        streams[stream].take(packet, of: producers[producer], now: now)
    }

    private mutating func linkedPacketKept(
        _ receipt: ReceiveStream.Receipt, _ record: PacketLog.Record, _ stream: SlabIndex, now: Instant
    ) {
        if receipt.isKeyFrame {
            streams[stream].requester.keyFrameReceived()
            if !streams[stream].candidates.isEmpty { wake(stream, at: now) }
        }
        guard !streams[stream].senders.isEmpty else { return }
        streams[stream].release.packetArrived(
            isLastOfFrame: record.flags & 0x80 != 0, isWindowOpen: meter.isOpen, configuration.coalescing, now: now)
        list(stream)
    }

    private mutating func learn(_ lines: [TimestampLine?], _ producer: SlabIndex, now: Instant) {
        for (stream, line) in zip(producers[producer].streams, lines) where streams[stream].senderLine != line {
            let isNew = !isOnLine(stream, line)
            streams[stream].senderLine = line
            lineChanged(of: stream)
            guard isNew else { continue }
            for sender in streams[stream].senders { senders[sender].isReportWanted = true }
            if !streams[stream].senders.isEmpty { wake(stream, at: now) }
        }
    }

    /// Whether a line says of now what the last one did, but for the drift of clocks: then nobody has to be told at once.
    private func isOnLine(_ stream: SlabIndex, _ line: TimestampLine?) -> Bool {
        guard let line, let before = streams[stream].senderLine else { return false }
        let expected = before.timestamp(atUnixNanoseconds: line.unixNanoseconds)
        let distance = Int64(Int32(bitPattern: line.timestamp &- expected)).magnitude
        return distance <= UInt64(line.clockRate / 100)
    }

    /// What the original's streams are worth: losses before the link are not to be seen in what comes over it.
    private mutating func learn(
        _ scores: [UInt8?], _ producer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        for (stream, score) in zip(producers[producer].streams, scores) {
            guard let score, let known = streams[stream].reception?.score.value, score != known else { continue }
            streams[stream].reception?.score.set(score)
            // 0 of several encodings: it has fallen silent there. Its next packet shows that it is back.
            if streams[stream].isWatched, score == 0 { streams[stream].isDead = true }
            scoreChanged(of: stream, now: now, into: &out)
        }
    }

    private mutating func hurry(stream: SlabIndex, now: Instant) {
        for sender in streams[stream].senders { senders[sender].catchUp.end() }
        streams[stream].release.hurry(at: now)
        list(stream)
    }
}

extension ReceiveStream {
    /// Takes in a packet of another engine's log as it lies there: its index, its place among layers and the moment of its
    /// arrival stay; only its payload type may be another one here.
    mutating func take(_ packet: LinkedLog.Packet, of producer: borrowing Producer, now: Instant) -> Receipt {
        var receipt = Receipt()
        let record = packet.record
        let length = Int(record.headerLength)
        guard packet.bytes.count >= max(length, 12),
            case .media(let payloadType, _) = producer.codecs[UInt8(record.flags & 0x7F)]
        else { return receipt }
        let timestamp = packet.bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
        if reception == nil {
            guard let codec = producer.rtpParameters.codecs.first(where: { $0.payloadType == record.flags & 0x7F }),
                let ssrc = expectedSSRC
            else { return receipt }
            reception = Reception(
                ssrc: ssrc, clockRate: codec.clockRate, mimeType: codec.mimeType, usesNACK: false)
            receipt.isNewStream = true
            risen = now
        }
        receipt.isOurs = true
        lastPacket = now
        if isDead {
            isDead = false
            reception?.score.set(10)
            receipt.hasRisen = true
        }
        reception?.count(packet.bytes.count, timestamp: timestamp, now: record.arrival)
        guard !producer.paused else { return receipt }
        receipt.layers = record.layers
        receipt.isKeyFrame = detectsKeyFrames && record.layers.startsKeyFrame
        if meter.received(record.layers, size: packet.bytes.count, now: now), !isWatched { receipt.hasRisen = true }
        if receipt.isKeyFrame, log.lapLength >= Self.leastLap, !gop.isOvertaken(record.index) { log.closeLap() }
        // The chunk holds the memory until it is done, and the log keeps nothing of the spans.
        let position = log.append(
            head: UnsafeRawBufferPointer(rebasing: packet.bytes[..<length]).bytes,
            body: UnsafeRawBufferPointer(rebasing: packet.bytes[length...]).bytes, index: record.index,
            flags: record.flags & ~0x7F | UInt16(payloadType), layers: record.layers, arrival: record.arrival)
        guard let position else { return receipt }
        receipt.isKept = true
        if detectsKeyFrames {
            gop.appended(
                position: position, index: record.index, isKeyFrame: receipt.isKeyFrame, timestamp: timestamp,
                now: record.arrival)
        }
        return receipt
    }
}
