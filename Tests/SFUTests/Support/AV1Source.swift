import Base
import ORTC
import RTP
import SFU
import Testing

/// The frames of a scalability mode as libwebrtc's encoders make them: what a dependency descriptor tells of each.
struct AV1Structure {
    struct Template {
        var spatial: Int
        var temporal: Int
        /// For each decode target: "-", D, S or R.
        var indications: String
        /// How many frames before those stand that it references.
        var differences: [Int]
    }

    var mode: String
    var spatialLayers: Int
    /// In order of layers.
    var templates: [Template]
    /// Templates of a key picture, by spatial layer.
    var key: [Int]
    /// Templates of the pictures behind it, which repeat, by spatial layer.
    var pattern: [[Int]]

    private static func template(_ spatial: Int, _ temporal: Int, _ text: String, _ differences: Int...) -> Template {
        Template(spatial: spatial, temporal: temporal, indications: text, differences: differences)
    }

    static let oneSpatial = AV1Structure(
        mode: "L1T3", spatialLayers: 1,
        templates: [
            template(0, 0, "SSS"), template(0, 0, "SSS", 4), template(0, 1, "-DS", 2), template(0, 2, "--D", 1),
            template(0, 2, "--D", 1),
        ], key: [0], pattern: [[3], [2], [4], [1]])

    static let full = AV1Structure(
        mode: "L3T3", spatialLayers: 3,
        templates: [
            template(0, 0, "SSSRRRRRR", 12), template(0, 0, "SSSSSSSSS"), template(0, 1, "-DS-RR-RR", 6),
            template(0, 2, "--D--R--R", 3), template(0, 2, "--D--R--R", 3),
            template(1, 0, "---SSSRRR", 12, 1), template(1, 0, "---SSSSSS", 1), template(1, 1, "----DS-RR", 6, 1),
            template(1, 2, "-----D--R", 3, 1), template(1, 2, "-----D--R", 3, 1),
            template(2, 0, "------SSS", 12, 1), template(2, 0, "------SSS", 1), template(2, 1, "-------DS", 6, 1),
            template(2, 2, "--------D", 3, 1), template(2, 2, "--------D", 3, 1),
        ], key: [1, 6, 11], pattern: [[3, 8, 13], [2, 7, 12], [4, 9, 14], [0, 5, 10]])

    static let keyOnly = AV1Structure(
        mode: "L3T3_KEY", spatialLayers: 3,
        templates: [
            template(0, 0, "SSSSSSSSS"), template(0, 0, "SSS------", 12), template(0, 1, "-DS------", 6),
            template(0, 2, "--D------", 3), template(0, 2, "--D------", 3),
            template(1, 0, "---SSSSSS", 1), template(1, 0, "---SSS---", 12), template(1, 1, "----DS---", 6),
            template(1, 2, "-----D---", 3), template(1, 2, "-----D---", 3),
            template(2, 0, "------SSS", 1), template(2, 0, "------SSS", 12), template(2, 1, "-------DS", 6),
            template(2, 2, "--------D", 3), template(2, 2, "--------D", 3),
        ], key: [0, 5, 10], pattern: [[3, 8, 13], [2, 7, 12], [4, 9, 14], [1, 6, 11]])

    static let all = [oneSpatial, full, keyOnly]

    // MARK: - Bits

    /// A structure as it stands in the descriptor of a key picture's first packet, with a chain for each spatial layer.
    func bits(offset: Int) -> String {
        let targets = templates[0].indications.count
        var text = Self.bits(offset, 6) + Self.bits(targets - 1, 5)
        for (before, after) in zip(templates, templates.dropFirst()) {
            text += after.spatial > before.spatial ? "10" : after.temporal > before.temporal ? "01" : "00"
        }
        text += "11"
        for template in templates {
            for letter in template.indications {
                text += letter == "D" ? "01" : letter == "S" ? "10" : letter == "R" ? "11" : "00"
            }
        }
        for template in templates {
            for difference in template.differences { text += "1" + Self.bits(difference - 1, 4) }
            text += "0"
        }
        text += Self.nonSymmetric(spatialLayers, of: targets + 1)
        for target in 0..<targets {
            text += Self.nonSymmetric(target * spatialLayers / targets, of: spatialLayers)
        }
        return text + String(repeating: "0011", count: templates.count * spatialLayers) + "0"
    }

    static func bits(_ value: Int, _ width: Int) -> String {
        String((0..<width).reversed().map { value >> $0 & 1 == 1 ? "1" : "0" })
    }

    /// ns(n) of the AV1 bitstream specification §4.10.7.
    private static func nonSymmetric(_ value: Int, of count: Int) -> String {
        let width = Int.bitWidth - count.leadingZeroBitCount
        let short = 1 << width - count
        return value < short ? bits(value, width - 1) : bits(value + short, width)
    }
}

/// A camera that sends AV1 in one stream with the dependency descriptor, two packets for each layer of a picture, and a
/// key picture when it is asked for one. It knows which of its frames a receiver could decode.
final class AV1Source {
    struct Frame {
        var picture: Int
        var spatial: Int
        var temporal: Int
        var references: [Int]
    }

    static let extensionID = 12
    static let parts = 2

    let stage: Stage
    let port: Stage.Port
    let structure: AV1Structure
    /// By frame number.
    private(set) var frames: [Frame] = []
    /// Of the next picture.
    private(set) var picture = 0
    private var sequence = 64_900
    private var place = 0
    private var answered = 0
    /// Uppermost spatial layers that are not sent.
    var withheld = 0
    /// Descriptors are numbered from here on, so that they wrap.
    private let firstFrame = 65_500
    /// The number that templates are told to begin at.
    var templateOffset = 60

    init(_ structure: AV1Structure, on stage: Stage) throws {
        self.structure = structure
        self.stage = stage
        port = try stage.transport("camera", comedia: true, rtcpMux: true)
        try stage.produce(
            "video", on: port,
            RTPParameters(
                codecs: [
                    RTPCodecParameters(
                        mimeType: "video/AV1", payloadType: 45, clockRate: 90_000,
                        rtcpFeedback: [RTCPFeedback("nack", "pli")])
                ],
                headerExtensions: [
                    RTPHeaderExtensionParameters(
                        uri: RTPHeaderExtensionURI.dependencyDescriptor.rawValue, id: Self.extensionID)
                ], encodings: [RTPEncodingParameters(ssrc: 4000, scalabilityMode: structure.mode)]))
    }

    /// Key pictures that were asked for.
    var requests: Int { stage.feedback(to: Stage.source.port).count { $0.isPictureLoss } }

    /// Sends pictures, 30 in a second.
    func play(_ count: Int, isKey: Bool = false, answersRequests: Bool = false) throws {
        for step in 0..<count {
            stage.pass(.nanoseconds(33_333_333))
            let isAsked = answersRequests && requests > answered
            for packet in try next(isKey: step == 0 && isKey || isAsked) { stage.feed(packet, on: port.rtp) }
        }
    }

    /// The packets of the next picture, in order: by spatial layer, then part.
    func next(isKey: Bool = false) throws -> [[UInt8]] {
        if isKey { (place, answered) = (0, requests) }
        let templates = isKey ? structure.key : structure.pattern[(place - 1) % structure.pattern.count]
        place += 1
        var packets: [[UInt8]] = []
        for spatial in 0..<structure.spatialLayers - withheld {
            let template = structure.templates[templates[spatial]]
            let number = frames.count
            frames.append(
                Frame(
                    picture: picture, spatial: spatial, temporal: template.temporal,
                    references: template.differences.map { number - $0 }))
            for part in 0..<Self.parts {
                packets.append(
                    try packet(
                        number, templates[spatial], part: part, startsSequence: isKey && spatial == 0 && part == 0,
                        isLast: spatial == structure.spatialLayers - withheld - 1 && part == Self.parts - 1))
            }
        }
        picture += 1
        return packets
    }

    private func packet(
        _ number: Int, _ template: Int, part: Int, startsSequence: Bool, isLast: Bool
    ) throws -> [UInt8] {
        let descriptor =
            "\(part == 0 ? 1 : 0)\(part == Self.parts - 1 ? 1 : 0)"
            + AV1Structure.bits((template + templateOffset) & 63, 6)
            + AV1Structure.bits((firstFrame + number) & 0xFFFF, 16)
            + (startsSequence ? "10000" + structure.bits(offset: templateOffset) : "")
        var payload: [UInt8] = [startsSequence ? 0x18 : 0x10]
        payload += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [UInt8(part)]
        payload += [UInt8](repeating: 7, count: 100)
        defer { sequence += 1 }
        return try Packets.rtp(
            payloadType: 45, marker: isLast, sequence: sequence,
            timestamp: UInt32(5000 + 3000 * frames[number].picture),
            ssrc: 4000, extensions: [.init(id: UInt8(Self.extensionID), data: Self.bytes(descriptor))],
            payload: payload)
    }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.map { $0 == "1" ? UInt8(1) : 0 }
        return stride(from: 0, to: digits.count, by: 8).map { start in
            (0..<8).reduce(0) { $0 << 1 | (start + $1 < digits.count ? digits[start + $1] : 0) }
        }
    }

    // MARK: - What a receiver makes of it

    /// A packet as it was received: of which frame, and which part of it.
    static func content(_ sent: Sent) -> (frame: Int, part: Int) {
        let payload = sent.payload
        guard payload.count > 5 else { return (-1, -1) }
        return ((0..<4).reduce(0) { $0 | Int(payload[1 + $1]) << (8 * $1) }, Int(payload[5]))
    }

    /// Pictures as "number:layers", each layer as its spatial layer, "!" where the marker stands.
    func pictures(to port: UInt16) -> [String] {
        var all: [(number: Int, text: String)] = []
        for sent in stage.media(to: port) {
            let (number, part) = Self.content(sent)
            let frame = frames[number]
            if all.last?.number != frame.picture { all.append((frame.picture, "\(frame.picture):")) }
            if part == Self.parts - 1 {
                all[all.count - 1].text += "\(frame.spatial)\(sent.bytes[1] & 0x80 != 0 ? "!" : "")"
            }
        }
        return all.map(\.text)
    }

    /// The last frame of a picture that went to a port, as its layers.
    func newest(to port: UInt16) -> ConsumerLayers? {
        stage.media(to: port).last.map {
            let frame = frames[Self.content($0).frame]
            return ConsumerLayers(spatialLayer: UInt8(frame.spatial), temporalLayer: UInt8(frame.temporal))
        }
    }

    /// Numbers run on; each frame is whole, and all that it references went out before it; each picture ends with its
    /// marker, and only there.
    func expectDecodable(to port: UInt16, _ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) {
        let media = stage.media(to: port)
        for (before, after) in zip(media, media.dropFirst()) {
            #expect((after.sequence - before.sequence) & 0xFFFF == 1, comment, sourceLocation: sourceLocation)
            #expect(after.timestamp >= before.timestamp, comment, sourceLocation: sourceLocation)
            let isMarked = before.bytes[1] & 0x80 != 0
            #expect(
                isMarked == (before.timestamp != after.timestamp), "marker of \(Self.content(before)), \(comment)",
                sourceLocation: sourceLocation)
        }
        expectWhole(to: port, comment, sourceLocation: sourceLocation)
    }

    /// Each frame is whole, and so is all that it references.
    func expectWhole(to port: UInt16, _ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) {
        var parts: [Int: Set<Int>] = [:]
        for sent in stage.media(to: port) {
            let content = Self.content(sent)
            parts[content.frame, default: []].insert(content.part)
        }
        for (number, seen) in parts.sorted(by: { $0.key < $1.key }) {
            let frame = frames[number]
            #expect(seen.count == Self.parts, "frame \(number) \(frame), \(comment)", sourceLocation: sourceLocation)
            for reference in frame.references {
                #expect(
                    parts[reference]?.count == Self.parts, "frame \(number) \(frame) without \(reference), \(comment)",
                    sourceLocation: sourceLocation)
            }
        }
    }
}
