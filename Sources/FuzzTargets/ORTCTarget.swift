import Base
import ORTC

/// The text is one thing of four, whichever it can be read as: a list of a router's codecs, an endpoint's capabilities, a
/// producer's parameters, or an object of several of them (`rtpParameters`, `rtpCapabilities`, `mediaCodecs`, `kind`).
func fuzzORTC(_ bytes: RawSpan) {
    // Longer than any request that doors let in would only slow the search down.
    guard bytes.byteCount <= 65_536, let json = try? JSONValue(parsing: array(bytes)) else { return }
    precondition((try? JSONValue(parsing: json.text)).map { isSame($0, json) } == true, "what we write is what we read")
    let capabilities = json["rtpCapabilities"] ?? json
    let parameters = json["rtpParameters"] ?? json
    if let router = try? RouterCapabilities.make(json: json["mediaCodecs"] ?? json) {
        negotiate(parameters, kind: json["kind"], with: capabilities, through: router)
    }
    negotiate(parameters, kind: json["kind"], with: capabilities, through: standardRouter)
    if let read = try? RTPCapabilities(json: capabilities) {
        precondition((try? RTPCapabilities(json: read.json)) != nil, "capabilities are read as they are written")
    }
    if let read = try? RTPParameters(json: parameters) {
        precondition((try? RTPParameters(json: read.json)) != nil, "parameters are read as they are written")
    }
    if let text = json["profile-level-id"]?.stringValue, let profile = H264ProfileLevelID(text) { _ = profile.text }
    _ = ScalabilityMode(parsing: json["scalabilityMode"]?.stringValue)
}

/// Equal, but that a number may be an integer once and a double with the same value another time: JSON has one kind.
private func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy(isSame)
    case (.object(let a), .object(let b)):
        a.count == b.count && a.allSatisfy { key, value in b[key].map { isSame(value, $0) } ?? false }
    case (.integer, .double), (.double, .integer): a.doubleValue == b.doubleValue
    default: a == b
    }
}

private let standardRouter: RTPCapabilities = {
    guard let router = try? RouterCapabilities.make(mediaCodecs: RouterCodecs.standard) else {
        preconditionFailure("the standard codecs make a router")
    }
    return router
}()

private func negotiate(
    _ parameters: JSONValue, kind: JSONValue?, with capabilities: JSONValue, through router: RTPCapabilities
) {
    for kind in [kind, "audio", "video"] {
        guard
            let producer = try? ProducerNegotiation(
                kind: kind, rtpParameters: parameters, routerCapabilities: router, firstMappedSSRC: .max)
        else { continue }
        precondition(!producer.consumableRTPParameters.encodings.isEmpty, "a producer has an encoding")
        _ = producer.rtpParameters.json
        // Whatever a router took in, it hands on to an endpoint like itself, without a trap and by one means at least.
        consume(producer.consumableRTPParameters, router)
        if let endpoint = try? RTPCapabilities(json: capabilities) {
            consume(producer.consumableRTPParameters, endpoint)
        }
    }
}

private func consume(_ consumable: RTPParameters, _ endpoint: RTPCapabilities) {
    let can = canConsume(consumable, endpoint)
    for enableRTX in [false, true] {
        let consumer = try? negotiateConsumer(
            consumable: consumable, capabilities: endpoint, enableRTX: enableRTX, ssrc: .max, mid: "0")
        if let consumer {
            precondition(can, "who gets parameters can consume")
            precondition(consumer.encodings.count == 1 && !consumer.codecs.isEmpty)
            _ = consumer.json
        }
        _ = try? negotiateConsumer(
            consumable: consumable, capabilities: endpoint, pipe: true, enableRTX: enableRTX, ssrc: .max, mid: nil)
    }
}
