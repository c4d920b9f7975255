import Base
import ORTC
import RTP

/// Which producer of a transport a packet belongs to: by SSRC, else by the MID extension, else by the RID extension.
///
/// What was found by MID or RID is remembered under its SSRC once the producer has taken the stream.
struct RTPListener: Sendable {
    private var bySSRC: [UInt32: SlabIndex] = [:]
    private var byMID: [String: SlabIndex] = [:]
    private var byRID: [String: SlabIndex] = [:]
    // The ids under which these travel on this transport: the last producer's, all have to agree.
    private(set) var midExtensionID: UInt8?
    private(set) var ridExtensionID: UInt8?
    private(set) var repairedRIDExtensionID: UInt8?
    private(set) var absSendTimeExtensionID: UInt8?
    private(set) var transportWideExtensionID: UInt8?

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
        guard parameters.mid == nil else { return }
        for encoding in parameters.encodings {
            guard let rid = encoding.rid, byRID[rid] != nil else { continue }
            throw SFUError(
                .conflict, "RID already exists in RTP listener and no MID is given [rid:\(rid)] \(Self.method)")
        }
    }

    mutating func add(_ parameters: RTPParameters, _ producer: SlabIndex) {
        for encoding in parameters.encodings {
            if let ssrc = encoding.ssrc, ssrc != 0 { bySSRC[ssrc] = producer }
            if let ssrc = encoding.rtxSSRC, ssrc != 0 { bySSRC[ssrc] = producer }
            // Of two producers with one RID the first has it: the other has a MID.
            if let rid = encoding.rid, !rid.isEmpty, byRID[rid] == nil { byRID[rid] = producer }
        }
        if let mid = parameters.mid { byMID[mid] = producer }
        if let id = parameters.id(of: .mid) { midExtensionID = id }
        if let id = parameters.id(of: .rtpStreamID) { ridExtensionID = id }
        if let id = parameters.id(of: .repairedRTPStreamID) { repairedRIDExtensionID = id }
        if let id = parameters.id(of: .absSendTime) { absSendTimeExtensionID = id }
        if let id = parameters.id(of: .transportWideCC) { transportWideExtensionID = id }
    }

    mutating func remove(_ producer: SlabIndex) {
        bySSRC = bySSRC.filter { $0.value != producer }
        byMID = byMID.filter { $0.value != producer }
        byRID = byRID.filter { $0.value != producer }
    }

    func producer(ssrc: UInt32) -> SlabIndex? { bySSRC[ssrc] }

    /// By what the packet's extensions say.
    func producer(of header: RTPHeader, in packet: RawSpan) -> SlabIndex? {
        guard header.hasExtension else { return nil }
        if !byMID.isEmpty, let id = midExtensionID, let element = header.headerExtension(id: id, in: packet),
            let producer = byMID[element.text(in: packet)]
        {
            return producer
        }
        guard !byRID.isEmpty, let rid = rid(of: header, in: packet) else { return nil }
        return byRID[rid]
    }

    /// The stream that a packet is of, or repeats.
    func rid(of header: RTPHeader, in packet: RawSpan) -> String? {
        guard header.hasExtension else { return nil }
        for id in [ridExtensionID, repairedRIDExtensionID] {
            if let id, let element = header.headerExtension(id: id, in: packet) { return element.text(in: packet) }
        }
        return nil
    }

    /// What traces show of a packet beside its stream.
    func marks(of header: RTPHeader, in packet: RawSpan) -> PacketMarks {
        var marks = PacketMarks()
        guard header.hasExtension else { return marks }
        if let id = repairedRIDExtensionID, let element = header.headerExtension(id: id, in: packet) {
            marks.repairedRID = element.text(in: packet)
        }
        if let id = transportWideExtensionID, let element = header.headerExtension(id: id, in: packet),
            element.length == 2
        {
            marks.wideSequenceNumber = packet.uint16(at: element.offset)
        }
        return marks
    }

    mutating func learn(ssrc: UInt32, _ producer: SlabIndex) { bySSRC[ssrc] = producer }

    private static let method = "[method:transport.produce]"
}

/// Extensions of a packet that belong to its transport.
struct PacketMarks {
    var repairedRID: String?
    var wideSequenceNumber: UInt16?
}

extension RTPListener {
    /// What packets are known by, in order, for dumps.
    var tables:
        (
            ssrcs: [(key: UInt32, value: SlabIndex)], mids: [(key: String, value: SlabIndex)],
            rids: [(key: String, value: SlabIndex)]
        )
    {
        (bySSRC.sorted { $0.key < $1.key }, byMID.sorted { $0.key < $1.key }, byRID.sorted { $0.key < $1.key })
    }

    /// The extension ids that this listener reads by, under mediasoup's names.
    var dumpedExtensions: JSONValue {
        .object(omittingAbsent: [
            "mid": midExtensionID.map { JSONValue($0) }, "rid": ridExtensionID.map { JSONValue($0) },
            "rrid": repairedRIDExtensionID.map { JSONValue($0) },
            "absSendTime": absSendTimeExtensionID.map { JSONValue($0) },
            "transportWideCc01": transportWideExtensionID.map { JSONValue($0) },
        ])
    }
}
