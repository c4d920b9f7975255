import Base
import ORTC
import RTP
import SFU
import Testing

/// A VP9 source of three spatial and three temporal layers, two packets for each layer of a picture.
private final class SVCSource {
    let stage = Stage.made()
    let port: Stage.Port
    var sequence = 65_000
    var pictureID = 100
    var number = 0
    let isKSVC: Bool
    /// Spatial layers that are sent.
    var spatialLayers = 3

    init(isKSVC: Bool) throws {
        self.isKSVC = isKSVC
        port = try stage.transport("camera", comedia: true, rtcpMux: true)
        try stage.produce(
            "video", on: port,
            RTPParameters(
                codecs: [
                    RTPCodecParameters(
                        mimeType: "video/VP9", payloadType: 98, clockRate: 90_000,
                        rtcpFeedback: [RTCPFeedback("nack", "pli")])
                ],
                encodings: [
                    RTPEncodingParameters(ssrc: 3000, scalabilityMode: isKSVC ? "L3T3_KEY" : "L3T3")
                ]))
    }

    func play(_ count: Int, isKey: Bool = false) throws {
        for step in 0..<count {
            stage.pass(.nanoseconds(33_333_333))
            let isKeyPicture = step == 0 && isKey
            let temporal = isKeyPicture ? 0 : [0, 2, 1, 2][number % 4]
            pictureID = (pictureID + 1) & 0x7FFF
            for spatial in 0..<spatialLayers {
                for half in 0..<2 {
                    stage.feed(
                        try packet(spatial, temporal, half, isKeyPicture: isKeyPicture), on: port.rtp)
                }
            }
            number += 1
        }
    }

    private func packet(_ spatial: Int, _ temporal: Int, _ half: Int, isKeyPicture: Bool) throws -> [UInt8] {
        // I, P, L, F, B, E, V, Z; picture id, layers, a reference difference where P is set.
        var payload: [UInt8] = [
            0x80 | (isKeyPicture ? 0 : 0x40) | 0x20 | 0x10 | (half == 0 ? 0x08 : 0) | (half == 1 ? 0x04 : 0),
            0x80 | UInt8(pictureID >> 8), UInt8(pictureID & 0xFF),
            UInt8(temporal << 5) | 0x10 | UInt8(spatial << 1) | (spatial > 0 && (isKeyPicture || !isKSVC) ? 1 : 0),
        ]
        if !isKeyPicture { payload.append(2) }
        payload += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        payload += [UInt8](repeating: 7, count: 100 * (spatial + 1))
        defer { sequence += 1 }
        return try Packets.rtp(
            payloadType: 98, marker: half == 1 && spatial == spatialLayers - 1, sequence: sequence,
            timestamp: UInt32(5_000 + number * 3000), ssrc: 3000, payload: payload)
    }

    /// What went to a port since the last look: pictures as "number:spatial layers", "!" where the marker stands.
    func pictures(to port: UInt16, on other: Stage? = nil) throws -> [String] {
        var all: [(number: UInt32, text: String)] = []
        for sent in (other ?? stage).media(to: port) {
            let descriptor = try VP9PayloadDescriptor(parsing: sent.payload.span.bytes)
            let number = (sent.timestamp - 5000) / 3000
            if all.last?.number != number { all.append((number, "\(number):")) }
            let marker = sent.bytes[1] & 0x80 != 0 ? "!" : ""
            if descriptor.endsFrame { all[all.count - 1].text += "\(descriptor.spatialLayer)\(marker)" }
        }
        return all.map(\.text)
    }

    /// No number is missing, and timestamps never fall.
    func expectContinuity(to port: UInt16, sourceLocation: SourceLocation = #_sourceLocation) {
        let media = stage.media(to: port)
        for (before, after) in zip(media, media.dropFirst()) {
            #expect((after.sequence - before.sequence) & 0xFFFF == 1, sourceLocation: sourceLocation)
            #expect(after.timestamp >= before.timestamp, sourceLocation: sourceLocation)
        }
    }

    var requests: Int { stage.feedback(to: Stage.source.port).count { $0.isPictureLoss } }
}

extension Stage {
    fileprivate static func made() -> Stage {
        do { return try Stage() } catch { preconditionFailure("no stage: \(error)") }
    }
}

@Test func `a full SVC consumer gets all layers up to its own, with the marker where its picture ends`() throws {
    let source = try SVCSource(isKSVC: false)
    try source.play(1, isKey: true)
    let state = try source.stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
    #expect(state.type == "svc")
    #expect(state.preferredLayers == ConsumerLayers(spatialLayer: 1, temporalLayer: 2))
    try source.play(3)
    // Down after any picture, without a request.
    let requests = source.requests
    try source.stage.prefer(0)
    try source.play(2)
    #expect(source.requests == requests)
    // Up at a key picture, which is asked for.
    try source.stage.prefer(2)
    #expect(source.requests == requests + 1)
    try source.play(2)
    try source.play(2, isKey: true)
    #expect(
        try source.pictures(to: 5000) == [
            "0:01!", "1:01!", "2:01!", "3:01!", "4:0!", "5:0!", "6:0!", "7:0!", "8:012!", "9:012!",
        ])
    source.expectContinuity(to: 5000)
    #expect(source.stage.layerEvents() == ["1.0", "1.2", "0.2", "2.0", "2.2"])
}

@Test func `a K-SVC consumer gets lower layers with key pictures only, and changes there`() throws {
    let source = try SVCSource(isKSVC: true)
    try source.play(1, isKey: true)
    _ = try source.stage.consumeLayers("c", at: 5000)
    try source.play(2)
    let requests = source.requests
    try source.stage.prefer(0)
    #expect(source.requests == requests + 1)
    try source.play(1)
    try source.play(2, isKey: true)
    #expect(
        try source.pictures(to: 5000) == ["0:012!", "1:2!", "2:2!", "3:2!", "4:0!", "5:0!"])
    source.expectContinuity(to: 5000)
}

@Test func `a new SVC consumer begins with the cached group, all layers up to its own`() throws {
    let source = try SVCSource(isKSVC: true)
    try source.play(6, isKey: true)
    let requests = source.requests
    _ = try source.stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1, temporalLayer: 0))
    #expect(try source.pictures(to: 5000) == ["0:01!", "4:1!"])
    try source.play(3)
    #expect(try source.pictures(to: 5000) == ["0:01!", "4:1!", "8:1!"])
    #expect(source.requests == requests)
    source.expectContinuity(to: 5000)
}

@Test func `an upper layer that is not sent any more is left, and taken up with a key picture`() throws {
    let source = try SVCSource(isKSVC: false)
    try source.play(1, isKey: true)
    _ = try source.stage.consumeLayers("c", at: 5000)
    try source.play(3)
    source.spatialLayers = 2
    // 1.5 s.
    try source.play(50)
    #expect(source.stage.layerEvents().last == "1.2")
    source.spatialLayers = 3
    let requests = source.requests
    try source.play(1)
    #expect(source.requests == requests + 1)
    try source.play(2, isKey: true)
    #expect(try source.pictures(to: 5000).suffix(3) == ["54:01!", "55:012!", "56:012!"])
    source.expectContinuity(to: 5000)
}

@Test(arguments: [false, true])
private func `layers of SVC are chosen behind a link as on the camera's own router`(isKSVC: Bool) throws {
    let source = try SVCSource(isKSVC: isKSVC)
    let linked = try Linked(near: source.stage)
    try linked.pipe("video")
    func play(_ count: Int, isKey: Bool = false) throws {
        for step in 0..<count {
            try source.play(1, isKey: isKey && step == 0)
            linked.far.pass(source.stage.now - linked.far.now)
            linked.carry()
        }
    }
    try play(1, isKey: true)
    for stage in [linked.near, linked.far] {
        let state = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
        #expect(state.type == "svc")
    }
    for (spatial, temporal) in [(0, 0), (2, 2), (1, 1)] as [(UInt8, UInt8)] {
        try play(6)
        for stage in [linked.near, linked.far] { try stage.prefer(spatial, temporal) }
        linked.carry()
        try play(3)
        try play(6, isKey: true)
    }
    let near = try source.pictures(to: 5000)
    #expect(try source.pictures(to: 5000, on: linked.far) == near)
    #expect(Set(near.map { $0.split(separator: ":")[1] }).count > 2, "\(near)")
    #expect(linked.far.layerEvents() == linked.near.layerEvents())
}
