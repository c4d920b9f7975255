import Base
import MediaCore
import ORTC
import PipelineControl

/// One producer that is being recorded, and how far that is.
struct RecordedTrack: Sendable {
    let producer: ProducerID
    /// The name that the source's sender reports carry; tracks that share one are synchronised by them.
    let cname: String
    let consumer: ConsumerDescription
    let transport: PlainTransportDescription
    /// The producer is gone.
    var isClosed = false
    /// … and the process knows.
    var isEnded = false

    /// The first audio and the first video that the recording can take; one kind alone when there is no more.
    /// - Parameter broadcaster: Only of this one.
    static func choice(
        of producers: [RoomProducer], broadcaster: String?, format: RecordingFormat
    ) -> [RoomProducer] {
        let possible = producers.filter { producer in
            (broadcaster ?? producer.broadcaster) == producer.broadcaster && format.takes(producer)
        }
        return possible.filter { producer in
            possible.first { $0.kind == producer.kind }?.id == producer.id
        }
    }

    /// What the process is told; nil without tracks.
    static func plan(_ tracks: [RecordedTrack], at context: PipelineContext) -> ReceivePlan? {
        guard let transport = tracks.first?.transport else { return nil }
        let received = tracks.compactMap { track -> ReceiveTrack? in
            let parameters = track.consumer.rtpParameters
            guard let codec = parameters.codecs.first, let ssrc = parameters.encodings.first?.ssrc else { return nil }
            return ReceiveTrack(
                id: track.consumer.id.rawValue, codec: TrackCodec(codec), payloadType: codec.payloadType, ssrc: ssrc,
                cname: parameters.rtcp.cname ?? track.cname)
        }
        guard !received.isEmpty else { return nil }
        return ReceivePlan(
            ip: context.reachable(transport.tuple), port: transport.tuple.localPort, tracks: received)
    }
}

extension Recording {
    /// Makes one transport towards the process, and a paused consumer for each producer.
    func consume(
        _ producers: [RoomProducer], port: UInt16
    ) async throws(PipelineFailure) -> [RecordedTrack] {
        let (room, id, ip) = (room, id, context.configuration.listenIP)
        let transport = try await context.ask("the room made no transport") {
            let made = try await room.createPlainTransport(
                for: id, options: TransportRequest(rtcpMux: true, comedia: false))
            return try await room.connect(made.id, of: id, PlainTransportRemote(ip: ip, port: port))
        }
        var tracks: [RecordedTrack] = []
        var refusal: PipelineFailure?
        for producer in producers {
            do {
                let consumer = try await context.ask("the room made no consumer") {
                    // Paused: nothing is sent before the process is ready for it.
                    try await room.consume(
                        on: transport.id, of: id,
                        ConsumeRequest(producer: producer.id, paused: true, enableRTX: false))
                }
                tracks.append(
                    RecordedTrack(
                        producer: producer.id, cname: producer.cname, consumer: consumer, transport: transport))
            } catch {
                // It may have gone, or be of a profile that can't be recorded; the other one still can.
                refusal = error
                context.logger.warning(
                    "a track is not recorded: \(error.message)",
                    metadata: ["recording": "\(id)", "producer": "\(producer.id)"])
            }
        }
        if tracks.isEmpty, let refusal { throw refusal }
        return tracks
    }
}
