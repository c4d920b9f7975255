import Base
import Congestion
import RTCP
import RTP

// Traces are told only where they are asked for: an empty set costs a compare.
extension MediaEngine {
    /// What is told from now on instead of what was.
    public mutating func enableTraceEvent(_ types: TraceEventTypes, of id: ProducerID) throws(SFUError) {
        producers[try index(id, "producer.enableTraceEvent")].traces = types.intersection(.ofProducers)
    }

    /// The same; consumers get no sender reports.
    public mutating func enableTraceEvent(_ types: TraceEventTypes, of id: ConsumerID) throws(SFUError) {
        let index = try index(id, "consumer.enableTraceEvent")
        let types = types.intersection(.ofConsumers)
        consumers[index].traces = types
        let tracesPackets = !types.isDisjoint(with: .ofPackets)
        for sender in consumers[index].senders { senders[sender].forwarder.tracesPackets = tracesPackets }
    }

    /// The same, of the bandwidth.
    public mutating func enableTraceEvent(_ types: TraceEventTypes, of id: TransportID) throws(SFUError) {
        transports[try index(id, "transport.enableTraceEvent")].traces = types.intersection(.ofTransports)
    }

    // MARK: - Transports

    /// What is available has changed: layers are given out anew, then it is told.
    mutating func bandwidthChanged(
        _ change: OutgoingBitrates, of transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        distributeBandwidth(of: transport, now: now, into: &out)
        guard transports[transport].traces.contains(.bandwidth) else { return }
        out.report(
            .transportTrace(
                transports[transport].id,
                TraceEvent(type: .bandwidth, timestamp: now, isIncoming: false, info: change.info)))
    }

    // MARK: - Producers

    /// A packet that a producer received.
    mutating func trace(
        _ header: RTPHeader, size: Int, _ layers: PacketLayers, marks: PacketMarks, isRTX: Bool = false,
        of stream: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let producer = streams[stream].producer
        let packet = TracedPacket(
            payloadType: header.payloadType, sequenceNumber: header.sequenceNumber, timestamp: header.timestamp,
            marker: header.marker, ssrc: header.ssrc, size: size, payloadSize: header.payloadLength, layers: layers,
            isRTX: isRTX, repairedRID: marks.repairedRID, wideSequenceNumber: marks.wideSequenceNumber)
        guard let type = Self.type(of: layers, among: producers[producer].traces) else { return }
        let info = packet.info(mid: producers[producer].rtpParameters.mid, rid: streams[stream].rid)
        out.report(
            .producerTrace(
                producers[producer].id, TraceEvent(type: type, timestamp: now, isIncoming: true, info: info)))
    }

    /// A key frame is told as such where that is asked for, else as any packet.
    private static func type(of layers: PacketLayers, among wanted: TraceEventTypes) -> TraceEventTypes? {
        if layers.startsKeyFrame, wanted.contains(.keyFrame) { return .keyFrame }
        return wanted.contains(.rtp) ? .rtp : nil
    }

    /// A request to a producer's source.
    mutating func trace(
        _ type: TraceEventTypes, ssrc: UInt32?, toSourceOf stream: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let producer = streams[stream].producer
        guard producers[producer].traces.contains(type) else { return }
        out.report(
            .producerTrace(
                producers[producer].id,
                TraceEvent(type: type, timestamp: now, isIncoming: false, info: Self.info(ssrc))))
    }

    /// A sender report.
    mutating func trace(_ report: SenderInfo, of stream: SlabIndex, now: Instant, into out: inout Outbox) {
        let producer = streams[stream].producer
        guard producers[producer].traces.contains(.senderReport) else { return }
        let info: JSONValue = [
            "ssrc": JSONValue(report.ssrc), "ntpSec": JSONValue(report.ntp.rawValue >> 32),
            "ntpFrac": JSONValue(report.ntp.rawValue & 0xFFFF_FFFF), "rtpTs": JSONValue(report.rtpTimestamp),
            "packetCount": JSONValue(report.packetCount), "octetCount": JSONValue(report.octetCount),
        ]
        out.report(
            .producerTrace(
                producers[producer].id,
                TraceEvent(type: .senderReport, timestamp: now, isIncoming: true, info: info)))
    }

    private static func info(_ ssrc: UInt32?) -> JSONValue { ssrc.map { ["ssrc": JSONValue($0)] } ?? [:] }

    // MARK: - Consumers

    /// A request of a consumer's receiver.
    mutating func trace(
        _ type: TraceEventTypes, ssrc: UInt32?, bySender index: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let consumer = senders[index].consumer
        guard consumers[consumer].traces.contains(type) else { return }
        out.report(
            .consumerTrace(
                consumers[consumer].id,
                TraceEvent(type: type, timestamp: now, isIncoming: true, info: Self.info(ssrc))))
    }

    /// Packets that a sender has just written.
    mutating func tracePackets(of index: SlabIndex, now: Instant, into out: inout Outbox) {
        let packets = senders[index].forwarder.takeTraced()
        let consumer = senders[index].consumer
        for packet in packets {
            guard let type = Self.type(of: packet.layers, among: consumers[consumer].traces) else { continue }
            let info = packet.info(mid: consumers[consumer].rtpParameters.mid)
            out.report(
                .consumerTrace(
                    consumers[consumer].id, TraceEvent(type: type, timestamp: now, isIncoming: false, info: info)))
        }
    }
}

extension OutgoingBitrates {
    /// Under mediasoup's names.
    fileprivate var info: JSONValue {
        [
            "bweType": JSONValue(mechanism.rawValue), "desiredBitrate": JSONValue(desired),
            "effectiveDesiredBitrate": JSONValue(effectiveDesired), "minBitrate": JSONValue(min),
            "maxBitrate": JSONValue(max), "startBitrate": JSONValue(start),
            "maxPaddingBitrate": JSONValue(maxPadding), "availableBitrate": JSONValue(available),
        ]
    }
}
