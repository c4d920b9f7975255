import Base
import MediaCore
import ORTC
import PipelineControl

extension Ingest {
    /// Makes a transport and a producer for one track.
    /// - Returns: What the process is told to send.
    func produce(
        _ track: SourceTrack, cname: String
    ) async throws(PipelineFailure) -> (ProducerID, SendTrack) {
        guard let codec = room.routerCapabilities.codec(for: track.codec), let payloadType = codec.preferredPayloadType
        else {
            throw PipelineFailure(
                code: .noPlayableTrack,
                message: "track \(track.index) (\(track.description)) became \(track.codec.mimeType), "
                    + "which the room's router does not have")
        }
        let (room, id) = (room, id)
        let transport = try await context.ask("the room made no transport") {
            // Its own packets tell where it sends from, and one port is enough.
            try await room.createPlainTransport(for: id, options: TransportRequest(rtcpMux: true, comedia: true))
        }
        let ssrc = UInt32.random(in: 1 ... .max)
        let parameters = RTPParameters(
            codecs: [
                RTPCodecParameters(
                    mimeType: codec.mimeType, payloadType: payloadType, clockRate: codec.clockRate,
                    channels: codec.channels, parameters: track.codec.parameters,
                    // One that only copies can't answer; asking it would be noise.
                    rtcpFeedback: track.answersKeyFrameRequests ? RTCPFeedback.keyFrameRequests : [])
            ],
            encodings: [RTPEncodingParameters(ssrc: ssrc)], rtcp: RTCPParameters(cname: cname))
        let kind: MediaKind = track.kind == .audio ? .audio : .video
        let producer = try await context.ask("the room made no producer") {
            try await room.produce(
                on: transport.id, of: id, ProduceOptions(kind: kind, rtpParameters: parameters))
        }
        let send = SendTrack(
            index: track.index, ip: context.reachable(transport.tuple), port: transport.tuple.localPort,
            rtcpPort: transport.rtcpTuple?.localPort, ssrc: ssrc, payloadType: payloadType, cname: cname)
        return (producer.id, send)
    }
}
