import Base
import ORTC

/// Which producer of a transport a packet belongs to: by SSRC, else by the MID extension.
///
/// What was found by MID is remembered under its SSRC once the producer has taken the stream. RIDs come with simulcast.
struct RTPListener: Sendable {
    private var bySSRC: [UInt32: SlabIndex] = [:]
    private var byMID: [String: SlabIndex] = [:]
    /// The id under which MIDs travel on this transport: the last producer's, all have to agree.
    private(set) var midExtensionID: UInt8?

    /// Asked before a producer is made, so that a refusal has changed nothing.
    func check(_ parameters: RTPParameters) throws(SFUError) {
        for encoding in parameters.encodings {
            if let ssrc = encoding.ssrc, bySSRC[ssrc] != nil {
                throw SFUError(.conflict, "ssrc already exists in RTP listener [ssrc:\(ssrc)] \(Self.method)")
            }
            if let ssrc = encoding.rtxSSRC, bySSRC[ssrc] != nil {
                throw SFUError(.conflict, "RTX ssrc already exists in RTP listener [ssrc:\(ssrc)] \(Self.method)")
            }
        }
        if let mid = parameters.mid, byMID[mid] != nil {
            throw SFUError(.conflict, "MID already exists in RTP listener [mid:\(mid)] \(Self.method)")
        }
    }

    mutating func add(_ parameters: RTPParameters, _ producer: SlabIndex) {
        for encoding in parameters.encodings {
            if let ssrc = encoding.ssrc, ssrc != 0 { bySSRC[ssrc] = producer }
            if let ssrc = encoding.rtxSSRC, ssrc != 0 { bySSRC[ssrc] = producer }
        }
        if let mid = parameters.mid { byMID[mid] = producer }
        if let id = parameters.id(of: .mid) { midExtensionID = id }
    }

    mutating func remove(_ producer: SlabIndex) {
        bySSRC = bySSRC.filter { $0.value != producer }
        byMID = byMID.filter { $0.value != producer }
    }

    func producer(ssrc: UInt32) -> SlabIndex? { bySSRC[ssrc] }
    func producer(mid: String) -> SlabIndex? { byMID[mid] }

    /// Whether any packet could be found by MID; else the extension need not be looked for.
    var knowsMIDs: Bool { !byMID.isEmpty && midExtensionID != nil }

    mutating func learn(ssrc: UInt32, _ producer: SlabIndex) { bySSRC[ssrc] = producer }

    private static let method = "[method:transport.produce]"
}
