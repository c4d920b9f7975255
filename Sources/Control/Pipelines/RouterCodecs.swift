import Base
import ORTC
import PipelineControl

// Between the router's codecs and those of pipelines: the same thing in two vocabularies.

extension RTPCapabilities {
    /// What an ingest may send, in the router's order; retransmission formats are none of its business.
    var trackCodecs: [TrackCodec] {
        codecs.filter { !$0.isRTX }.map(TrackCodec.init)
    }

    /// The router's codec that a track was made for.
    func codec(for track: TrackCodec) -> RTPCodecCapability? {
        let candidates = codecs.filter { candidate in
            !candidate.isRTX && candidate.mimeType.lowercased() == track.mimeType.lowercased()
                && candidate.clockRate == track.clockRate && (candidate.channels ?? 1) == (track.channels ?? 1)
        }
        func value(_ name: String, of parameters: [String: JSONValue], otherwise: Int64) -> Int64 {
            // "1" and 1: both are written.
            parameters[name].flatMap { $0.integerValue ?? $0.stringValue.flatMap { Int64($0) } } ?? otherwise
        }
        switch track.mimeType.lowercased() {
        case "video/h264":
            let sameMode = candidates.filter {
                value("packetization-mode", of: $0.parameters, otherwise: 0)
                    == value("packetization-mode", of: track.parameters, otherwise: 0)
            }
            let profile = track.parameters["profile-level-id"]?.stringValue?.lowercased()
            return sameMode.first { $0.parameters["profile-level-id"]?.stringValue?.lowercased() == profile }
                // Same profile and constraints (RFC 6184 §8.1: the first two bytes), another level.
                ?? sameMode.first {
                    $0.parameters["profile-level-id"]?.stringValue?.lowercased().prefix(4) == profile?.prefix(4)
                }
        case "video/vp9":
            return candidates.first {
                value("profile-id", of: $0.parameters, otherwise: 0)
                    == value("profile-id", of: track.parameters, otherwise: 0)
            }
        default: return candidates.first
        }
    }

    /// What a recording can take, out of what this router has. It asks for key frames and for nothing again: on
    /// loopback nothing is lost that a retransmission would find.
    func recordable(as format: RecordingFormat) -> RTPCapabilities {
        let wanted = codecs.filter { format.takes($0.mimeType, $0.parameters) }
        return RTPCapabilities(
            codecs: wanted.map { codec in
                var codec = codec
                codec.rtcpFeedback = codec.kind == .video ? RTCPFeedback.keyFrameRequests : []
                return codec
            })
    }
}

extension RTCPFeedback {
    static let keyFrameRequests = [RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")]
}

extension RTPCodecCapability {
    var isRTX: Bool { mimeType.lowercased().hasSuffix("/rtx") }
}

extension TrackCodec {
    init(_ codec: RTPCodecCapability) {
        self.init(
            mimeType: codec.mimeType, clockRate: codec.clockRate, channels: codec.channels,
            parameters: codec.parameters)
    }

    init(_ codec: RTPCodecParameters) {
        self.init(
            mimeType: codec.mimeType, clockRate: codec.clockRate, channels: codec.channels,
            parameters: codec.parameters)
    }
}
