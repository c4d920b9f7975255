import Base
import ORTC
import Protoo

/// Messages of one connection, one a line, as they reach a peer: each is read and written again, answers are matched
/// with the requests that wait for them, and what requests bring is read as far as that needs no room.
///
/// Nobody is answered twice, and what is written can be read.
func fuzzProtoo(_ bytes: RawSpan) {
    guard bytes.byteCount <= 65_536 else { return }
    var exchange = ProtooExchange<Int>()
    var random = ProtooSeeds.Count(number: 0)
    var now = Instant(nanoseconds: 0)
    var waiting: Set<Int> = []
    // The ids are 2…9, so that an input can know them.
    for purpose in 0..<8 {
        waiting.insert(purpose)
        let asked = exchange.request("newConsumer", [:], for: purpose, now: now, random: &random)
        precondition(ProtooMessage(parsing: asked.text.utf8) == asked, "a request is read as it is written")
    }
    for line in array(bytes).split(separator: UInt8(ascii: "\n"), maxSplits: 255) {
        // A second a message: those that nobody answers are given up.
        now = now + .seconds(1)
        for late in exchange.advance(to: now) {
            precondition(waiting.remove(late) != nil, "late once, and not answered before")
        }
        guard let message = ProtooMessage(parsing: line) else { continue }
        guard let again = ProtooMessage(parsing: message.text.utf8) else {
            preconditionFailure("what we write is a message")
        }
        switch (message, again) {
        case (.request(let request), .request(let same)):
            precondition(request.method == same.method, "a method is read as it is written")
            read(request)
            answer(request)
        case (.response(let response), .response(let same)):
            if case .failure(let refusal) = response.outcome, case .failure(let other) = same.outcome {
                precondition(refusal == other, "a refusal is read as it is written")
            }
            guard let purpose = exchange.receive(response, now: now) else { continue }
            precondition(waiting.remove(purpose) != nil, "answered once")
        case (.notification(let method, _), .notification(let same, _)):
            precondition(method == same, "a method is read as it is written")
        default: preconditionFailure("a message stays of its kind")
        }
        precondition(exchange.count == waiting.count)
    }
}

/// As the door does: what `join`, `produce` and the others bring.
private func read(_ request: ProtooRequest) {
    let data = request.data
    if let capabilities = data["rtpCapabilities"] { _ = try? RTPCapabilities(json: capabilities) }
    if let parameters = data["rtpParameters"] { _ = try? RTPParameters(json: parameters) }
    _ = try? MediaKind(json: data["kind"])
    for name in ["spatialLayer", "temporalLayer", "priority"] {
        _ = data[name]?.integerValue.map { Int(clamping: $0) }
    }
    for name in ["producing", "consuming", "forceTcp"] { _ = data[name].isTruthy }
    for name in ["transportId", "producerId", "consumerId"] { _ = data[name]?.text.prefix(256) }
}

/// Either answer goes back under the id that came.
private func answer(_ request: ProtooRequest) {
    for outcome in [.success(request.data), .failure(ProtooRefusal(request.method))]
        as [Result<JSONValue, ProtooRefusal>]
    {
        let answer = ProtooMessage.response(ProtooResponse(id: request.id, outcome: outcome))
        guard case .response = ProtooMessage(parsing: answer.text.utf8) else {
            preconditionFailure("an answer of ours can be read")
        }
    }
}

enum ProtooSeeds {
    /// Counts up, and so do the ids that are made of it, as far as a range leaves that to it.
    struct Count: RandomNumberGenerator {
        var number: UInt64

        mutating func next() -> UInt64 {
            // The upper bits are what a number of a small range is made of.
            defer { number += 1 }
            return number &* (.max / 10_000_001 + 1)
        }
    }

    /// A conversation of each dialect, and what is odd about JavaScript's JSON.
    static let all: [[UInt8]] = [
        #"""
        {"request":true,"id":3219434,"method":"getRouterRtpCapabilities","data":{}}
        {"request":true,"id":1,"method":"join","data":{"displayName":"a","device":{"name":"x"},"rtpCapabilities":{"codecs":[{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2}],"headerExtensions":[]},"sctpCapabilities":{"numStreams":{"OS":1024,"MIS":1024}}}}
        {"request":true,"id":2,"method":"createWebRtcTransport","data":{"forceTcp":false,"producing":true,"consuming":false}}
        {"request":true,"id":3,"method":"produce","data":{"transportId":"t","kind":"video","rtpParameters":{"mid":"0","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000}],"encodings":[{"rid":"r0"}]},"appData":{}}}
        {"response":true,"id":2,"ok":true,"data":{}}
        {"response":true,"id":3,"ok":false,"errorCode":403,"errorReason":"no"}
        """#,
        #"""
        {"notification":true,"method":"pauseConsumer","data":{"consumerId":"c"}}
        {"request":true,"id":4,"method":"setConsumerPreferredLayers","data":{"consumerId":"c","spatialLayer":2,"temporalLayer":null}}
        {"request":1,"id":5.5,"method":"restartIce","data":{"transportId":7}}
        {"response":"yes","id":2.0,"ok":1,"data":null}
        {"response":true,"id":3,"errorCode":1e3}
        {"response":true,"id":3,"ok":true}
        {"request":false,"response":0,"notification":{},"method":"x"}
        []
        {"request":true,"id":"4","method":"x"}
        {"request":true,"id":-9223372036854775808,"method":"setConsumerPriority","data":{"priority":1e300}}
        """#,
    ].map { Array($0.utf8) }
}
