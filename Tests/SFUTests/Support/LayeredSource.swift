import Base
import ORTC
import RTP
import SFU
import Testing

/// A camera that sends VP8 in several encodings with three temporal layers each, every one with random beginnings of its
/// own, and sender reports that tell how they lie to each other. 30 pictures a second.
final class LayeredSource {
    struct Encoding {
        var ssrc: UInt32
        var rid: String?
        var sequence: Int
        var timestampBase: UInt32
        var pictureID: Int
        var temporalLayerZeroIndex = 200
        /// Packets of a picture.
        var packets: Int
        var isOn = true
    }

    let stage: Stage
    /// Of the first picture.
    let beginning: Instant
    let port: Stage.Port
    var encodings: [Encoding]
    /// Of the next picture.
    var number = 0
    /// Sends packets with MID and RID, which nobody else knows them by.
    let usesRIDs: Bool
    /// Receivers may tell it their bandwidth.
    let isManaged: Bool
    /// Packets may be asked for again, on either side.
    let asksForPackets: Bool
    var mid = "v"
    /// The video is sent turned by 90°, and says so (3GPP TS 26.114 §7.4.5) under the id 3.
    let isTurned: Bool

    static let period = Duration.nanoseconds(33_333_333)
    static let extensionURIs: [(RTPHeaderExtensionURI, Int)] = [
        (.mid, 1), (.rtpStreamID, 2), (.repairedRTPStreamID, 3),
    ]

    init(
        _ stage: Stage, encodings count: Int = 3, usesRIDs: Bool = false, reports: Bool = true, isManaged: Bool = false,
        asksForPackets: Bool = false, isTurned: Bool = false
    ) throws {
        self.isTurned = isTurned
        self.isManaged = isManaged
        self.asksForPackets = asksForPackets
        self.stage = stage
        beginning = stage.now
        self.usesRIDs = usesRIDs
        encodings = (0..<count).map { place in
            Encoding(
                ssrc: UInt32(1001 + place), rid: usesRIDs ? ["low", "mid", "high"][place] : nil,
                sequence: [65_530, 4000, 30_000][place], timestampBase: [10_000, 4_294_900_000, 777_777][place],
                pictureID: [32_760, 5, 20_000][place], packets: place + 1)
        }
        port = try stage.transport("camera", comedia: true, rtcpMux: true)
        try stage.produce("video", on: port, parameters)
        if reports { try report() }
    }

    var parameters: RTPParameters {
        RTPParameters(
            mid: usesRIDs ? mid : nil,
            codecs: [
                RTPCodecParameters(
                    mimeType: "video/VP8", payloadType: 96, clockRate: 90_000,
                    rtcpFeedback: [RTCPFeedback("nack", "pli")] + (isManaged ? [RTCPFeedback("goog-remb")] : [])
                        + (asksForPackets ? [RTCPFeedback("nack")] : []))
            ],
            headerExtensions: (usesRIDs ? Self.extensionURIs : isTurned ? [(.videoOrientation, 3)] : []).map {
                RTPHeaderExtensionParameters(uri: $0.0.rawValue, id: $0.1)
            },
            encodings: encodings.map {
                RTPEncodingParameters(ssrc: usesRIDs ? nil : $0.ssrc, rid: $0.rid, scalabilityMode: "L1T3")
            }, rtcp: RTCPParameters(cname: "camera"))
    }

    /// Sends reports of all encodings (or some): what their timestamps are now.
    func report(_ places: [Int]? = nil) throws {
        for place in places ?? Array(encodings.indices) {
            stage.feed(
                Packets.senderReport(
                    ssrc: encodings[place].ssrc, ntp: NTPTime(unixNanoseconds: stage.unixNow),
                    timestamp: timestamp(place, ofNanoseconds: (stage.now - beginning).nanoseconds)), on: port.rtp)
        }
    }

    private func timestamp(_ place: Int, ofNanoseconds moment: Int64) -> UInt32 {
        // As pictures are 33,333,333 ns apart: their timestamps 3000.
        encodings[place].timestampBase &+ UInt32(truncatingIfNeeded: moment * 3000 / Self.period.nanoseconds)
    }

    /// Temporal layers as libvpx makes three: 0 2 1 2. Whether one can switch up there: not at the last.
    static func temporal(_ number: Int) -> (layer: Int, isSync: Bool) {
        [(0, false), (2, true), (1, true), (2, false)][number % 4]
    }

    /// The packets of one picture.
    func picture(_ place: Int, isKey: Bool) throws -> [[UInt8]] {
        let temporal = isKey ? (layer: 0, isSync: false) : Self.temporal(number)
        encodings[place].pictureID = (encodings[place].pictureID + 1) & 0x7FFF
        if temporal.layer == 0 {
            encodings[place].temporalLayerZeroIndex = (encodings[place].temporalLayerZeroIndex + 1) & 0xFF
        }
        let timestamp = timestamp(place, ofNanoseconds: Int64(number) * Self.period.nanoseconds)
        return try (0..<encodings[place].packets).map { part in
            let isLast = part == encodings[place].packets - 1
            defer { encodings[place].sequence += 1 }
            return try Packets.rtp(
                marker: isLast, sequence: encodings[place].sequence, timestamp: timestamp,
                ssrc: encodings[place].ssrc, extensions: extensions(place),
                payload: payload(place, temporal, part: part, isKey: isKey))
        }
    }

    private func extensions(_ place: Int) -> [RTPHeaderWriter.Extension] {
        if isTurned { return [RTPHeaderWriter.Extension(id: 3, data: [1])] }
        guard usesRIDs, let rid = encodings[place].rid else { return [] }
        return [
            RTPHeaderWriter.Extension(id: 1, data: Array(mid.utf8)),
            RTPHeaderWriter.Extension(id: 2, data: Array(rid.utf8)),
        ]
    }

    private func payload(_ place: Int, _ temporal: (layer: Int, isSync: Bool), part: Int, isKey: Bool) -> [UInt8] {
        let pictureID = encodings[place].pictureID
        var payload: [UInt8] = [
            0x80 | (part == 0 ? 0x10 : 0), 0xE0, 0x80 | UInt8(pictureID >> 8), UInt8(pictureID & 0xFF),
            UInt8(encodings[place].temporalLayerZeroIndex), UInt8(temporal.layer) << 6 | (temporal.isSync ? 0x20 : 0),
            isKey ? 0x10 : 0x11, UInt8(place),
        ]
        payload += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        payload += [UInt8(part), isKey ? 1 : 0]
        return payload + [UInt8](repeating: 0, count: 200 * (place + 1))
    }

    /// Sends pictures of all encodings that are on, in real time.
    /// - Parameters:
    ///   - keys: Encodings whose first picture is a key frame.
    ///   - lossy: Drops a packet when it says so.
    func play(
        _ count: Int, keys: Set<Int> = [], dropping isLost: (_ place: Int, _ sequence: Int) -> Bool = { _, _ in false }
    ) throws {
        for step in 0..<count {
            stage.pass(beginning + .nanoseconds(Int64(number) * Self.period.nanoseconds) - stage.now)
            for place in encodings.indices where encodings[place].isOn {
                for packet in try picture(place, isKey: step == 0 && keys.contains(place)) {
                    let sequence = Int(packet[2]) << 8 | Int(packet[3])
                    if !isLost(place, sequence) { stage.feed(packet, on: port.rtp) }
                }
            }
            number += 1
        }
    }

    /// Key frame requests that came for an encoding so far.
    func requests(_ place: Int) -> Int {
        stage.feedback(to: Stage.source.port).reduce(0) { sum, sent in
            sum
                + sent.packets.count {
                    if case .pictureLoss(let loss) = $0 { loss.mediaSSRC == encodings[place].ssrc } else { false }
                }
        }
    }
}

/// A packet as a receiver of `LayeredSource` reads it.
struct LayeredPacket: CustomStringConvertible {
    var sequence: Int
    var timestamp: UInt32
    var marker: Bool
    var place: Int
    var number: Int
    var part: Int
    var isKey: Bool
    var temporal: Int
    var pictureID: Int
    var temporalLayerZeroIndex: Int

    init?(_ sent: Sent) {
        let payload = sent.payload
        guard payload.count >= 14, payload[1] == 0xE0 else { return nil }
        (sequence, timestamp) = (sent.sequence, sent.timestamp)
        marker = sent.bytes[1] & 0x80 != 0
        pictureID = Int(payload[2] & 0x7F) << 8 | Int(payload[3])
        temporalLayerZeroIndex = Int(payload[4])
        temporal = Int(payload[5] >> 6)
        place = Int(payload[7])
        number = (0..<4).reduce(0) { $0 | Int(payload[8 + $1]) << (8 * $1) }
        (part, isKey) = (Int(payload[12]), payload[13] == 1)
    }

    var description: String { "#\(sequence) \(place)/\(number).\(part)\(isKey ? "K" : "") t\(temporal)" }
}

extension Stage {
    func layered(to port: UInt16) -> [LayeredPacket] { media(to: port).compactMap { LayeredPacket($0) } }

    func consumeLayers(
        _ name: String, of producer: String = "video", at port: UInt16, preferring layers: PreferredLayers? = nil,
        paused: Bool = false, _ capabilities: RTPCapabilities = Parameters.everything,
        numbering: ReceiverNumbering? = nil
    ) throws -> ConsumerState {
        let transport = try transport("to-\(name)", comedia: false)
        try connect(transport, to: port)
        let state = try engine.consume(
            ConsumerSetup(
                transport: transport.id, id: ConsumerID(rawValue: name), producer: ProducerID(rawValue: producer),
                rtpCapabilities: capabilities, paused: paused, preferredLayers: layers, numbering: numbering), now: now,
            into: &outbox)
        flush()
        return state
    }

    @discardableResult
    func prefer(_ spatial: UInt8, _ temporal: UInt8? = nil, of name: String = "c") throws -> ConsumerLayers? {
        let layers = try engine.setPreferredLayers(
            PreferredLayers(spatialLayer: spatial, temporalLayer: temporal), of: ConsumerID(rawValue: name), now: now,
            into: &outbox)
        flush()
        return layers
    }

    /// Layers that a consumer's events told, as "spatial.temporal", "none".
    func layerEvents(of name: String = "c") -> [String] {
        events.compactMap {
            guard case .consumerLayers(let id, let layers) = $0, id.rawValue == name else { return nil }
            return layers?.description ?? "none"
        }
    }
}

/// What a decoder relies on: numbers, timestamps and picture ids run on, and every picture is whole or clearly broken.
func expectContinuity(
    _ packets: [LayeredPacket], gaps: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
) {
    var missing = 0
    for (before, after) in zip(packets, packets.dropFirst()) {
        let step = (after.sequence - before.sequence) & 0xFFFF
        missing += step - 1
        let isSame = (after.place, after.number) == (before.place, before.number)
        let ticks = Int32(bitPattern: after.timestamp &- before.timestamp)
        #expect(isSame ? ticks == 0 : ticks > 0, "\(before) then \(after): \(ticks)", sourceLocation: sourceLocation)
        let pictures = (after.pictureID - before.pictureID) & 0x7FFF
        if gaps == 0 {
            #expect(
                pictures == (isSame ? 0 : 1), "\(before) then \(after): \(pictures)", sourceLocation: sourceLocation)
        }
        let bases = (after.temporalLayerZeroIndex - before.temporalLayerZeroIndex) & 0xFF
        if gaps == 0 {
            #expect(
                bases == (!isSame && after.temporal == 0 ? 1 : 0), "\(before) then \(after): \(bases)",
                sourceLocation: sourceLocation)
        }
    }
    #expect(missing == gaps, sourceLocation: sourceLocation)
}
