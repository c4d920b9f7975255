import Base
import ORTC
import RTCP
import RTP
import SFU
import SRTP
import Testing

/// A player that made the offer: its own payload types and extension ids, as Chromium has them where the router has others.
///
/// The two collide: the router's 11 is the video's orientation, Chromium's the RID of a repaired stream; the router's 101 is
/// VP8, Chromium's a VP9's retransmission.
enum Offerer {
    static let numbering = ReceiverNumbering(
        payloadTypes: [100: 111, 101: 96, 102: 97, 103: 98, 104: 99],
        // MID, abs-send-time, transport-wide numbers, audio level, orientation, offset, delay; no abs-capture-time.
        extensionIDs: [1: 9, 4: 2, 5: 4, 10: 1, 11: 3, 12: 14, 14: 5])

    static let mid: UInt8 = 9
    static let sendTime: UInt8 = 2
    static let transportNumber: UInt8 = 4

    /// Everything that the router's receivers can be told, with both ways of estimating bandwidth.
    static var capabilities: RTPCapabilities { BandwidthTests.capabilities(.transportWide) }

    /// What a packet is to become, told by what a receiver with the router's numbers gets of it.
    static func renumbered(_ elements: [UInt8: [UInt8]], _ numbering: ReceiverNumbering = numbering) -> [UInt8: [UInt8]]
    {
        var result: [UInt8: [UInt8]] = [:]
        for (id, data) in elements {
            if let own = numbering.extensionIDs[id] { result[own] = data }
        }
        return result
    }

    /// A camera whose packets have elements that are kept for receivers: the source's ids, and the router's.
    static let kept: [(uri: RTPHeaderExtensionURI, id: UInt8, router: UInt8)] = [
        (.videoOrientation, 1, 11), (.transmissionOffset, 2, 12), (.absCaptureTime, 3, 13), (.playoutDelay, 4, 14),
        (.dependencyDescriptor, 5, 8), (.frameMarking, 6, 7),
    ]

    static var camera: RTPParameters {
        var parameters = Parameters.vp8WithNACK(rtx: true)
        parameters.headerExtensions = kept.map { RTPHeaderExtensionParameters(uri: $0.uri.rawValue, id: Int($0.id)) }
        return parameters
    }
}

extension Sent {
    /// By id.
    var elements: [UInt8: [UInt8]] {
        guard let header else { return [:] }
        var found: [UInt8: [UInt8]] = [:]
        var cursor = RTPHeaderExtensionCursor(header)
        while let element = cursor.next(in: bytes.span.bytes) {
            #expect(found[element.id] == nil, "\(element.id) twice")
            found[element.id] = Array(bytes[element.offset..<element.offset + element.length])
        }
        return found
    }

    var payloadType: UInt8 { bytes[1] & 0x7F }
    var hasLongForm: Bool { header?.extensionProfile == 0x1000 }
}

/// Two receivers of one camera: one takes the router's numbers, the other has its own.
final class OfferedStage {
    let stage: Stage
    let source: Stage.Port
    let told: ConsumerState
    let offered: ConsumerState
    let ports: (told: Stage.Port, offered: Stage.Port)
    private let peers: (told: SRTPPeer, offered: SRTPPeer)?
    private var sequence = 500
    private var timestamp: UInt32 = 1000

    /// - Parameters:
    ///   - suite: Nil: without SRTP.
    ///   - rtx: Both can take retransmissions in a stream of their own.
    init(
        suite: SRTPCryptoSuite? = nil, rtx: Bool = true, _ capabilities: RTPCapabilities = Offerer.capabilities,
        numbering: ReceiverNumbering = Offerer.numbering
    ) throws {
        let stage = try Stage()
        var capabilities = capabilities
        if !rtx { capabilities.codecs = Parameters.everythingWithoutRTX.codecs }
        source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Offerer.camera)
        if let suite {
            let (told, first) = try stage.protected("told", suite, at: 5000)
            let (offered, second) = try stage.protected("offered", suite, at: 6000, seed: 2)
            (ports, peers) = ((told, offered), (first, second))
        } else {
            let told = try stage.transport("told", comedia: false, rtcpMux: true)
            let offered = try stage.transport("offered", comedia: false, rtcpMux: true)
            try stage.connect(told, to: 5000)
            try stage.connect(offered, to: 6000)
            (ports, peers) = ((told, offered), nil)
        }
        told = try stage.consume("told", on: ports.told, of: "video", capabilities)
        offered = try stage.consume("offered", on: ports.offered, of: "video", capabilities, numbering: numbering)
        self.stage = stage
    }

    /// A packet of the camera, with elements by the source's ids.
    func feed(_ elements: [RTPHeaderWriter.Extension], marker: Bool = true, isKeyFrame: Bool = false) throws {
        stage.feed(
            try Packets.rtp(
                marker: marker, sequence: sequence, timestamp: timestamp, extensions: elements,
                payload: Packets.vp8Payload(isKeyFrame: isKeyFrame)), on: source.rtp)
        sequence += 1
        timestamp += 3000
        stage.pass(.milliseconds(2))
    }

    /// One of the two asks for packets.
    func ask(_ items: [NACKItem], by state: ConsumerState) throws {
        let ssrc = state.rtpParameters.encodings[0].ssrc ?? 0
        let nack = Packets.write { rtcp, bytes in
            for item in items { rtcp.nack(item, senderSSRC: 1, mediaSSRC: ssrc, into: &bytes) }
        }
        let isOffered = state.id == offered.id
        let bytes = try peers.map { try (isOffered ? $0.offered : $0.told).protectRTCP(nack) } ?? nack
        stage.feed(
            bytes, on: isOffered ? ports.offered.rtp : ports.told.rtp,
            from: Stage.address("198.51.100.7", isOffered ? 6000 : 5000))
    }

    /// What was sent since: as it left, and in the clear.
    func take() throws -> Taken {
        defer { stage.sent = [] }
        let (told, offered) = (stage.media(to: 5000), stage.media(to: 6000))
        guard let peers else { return Taken(told: told, offered: offered, wire: offered) }
        return Taken(
            told: try told.map(peers.told.unprotect), offered: try offered.map(peers.offered.unprotect), wire: offered)
    }

    struct Taken {
        var told: [Sent]
        var offered: [Sent]
        /// The second's, under its SRTP.
        var wire: [Sent]
    }
}
