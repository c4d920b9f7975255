import Base
import ORTC
import SFU
import SRTP
import TestSupport
import Testing

private func cases(_ group: String) throws -> [JSONValue] {
    try #require(try Vectors.json("mediasoup-3.14.16/validation-cases.json").arrayValue)
        .filter { $0["group"]?.stringValue == group && $0["input"]?.isNull == false }
}

private func remote(_ tuple: JSONValue?) -> [JSONValue?] { [tuple?["remoteIp"], tuple?["remotePort"]] }

private func remote(_ tuple: EndpointTuple?) -> [JSONValue?] {
    [tuple?.remote.map { JSONValue($0.ip) }, JSONValue(tuple?.remote?.port ?? 0)]
}

@Test func `connect answers as recorded`() throws {
    var compared = 0
    for recorded in try cases("plain transport") {
        let options = recorded["input"]?["options"]
        guard options?["enableSctp"] == nil, options?["listenInfo"] == nil else { continue }
        let stage = try Stage()
        let hasSRTP = options?["enableSrtp"]?.boolValue ?? false
        let suite = options?["srtpCryptoSuite"]?.stringValue ?? PlainTransportSetup.standardSRTPCryptoSuite
        let port = try stage.transport(
            "t", comedia: options?["comedia"]?.boolValue ?? false, rtcpMux: options?["rtcpMux"]?.boolValue ?? true,
            srtp: hasSRTP ? suite : nil)
        let created = stage.srtpParameters(of: port)
        #expect(try described(created) == recorded["result"]?["created"]?["srtp"])
        let attempts = recorded["input"]?["connect"]?.arrayValue ?? []
        let answers = recorded["result"]?["connects"]?.arrayValue ?? []
        for (attempt, answer) in zip(attempts, answers) {
            var srtp: SRTPParameters?
            if let given = attempt["srtpParameters"] {
                // Without a key it can't come to us: that is refused where JSON is read.
                guard let key = given["keyBase64"]?.stringValue else { continue }
                srtp = SRTPParameters(cryptoSuite: given["cryptoSuite"]?.stringValue ?? "", keyBase64: key)
            }
            var error: JSONValue?
            do {
                _ = try stage.engine.connect(
                    port.id, ip: attempt["ip"]?.stringValue, port: attempt["port"]?.integerValue.map { UInt16($0) },
                    rtcpPort: attempt["rtcpPort"]?.integerValue.map { UInt16($0) }, srtpParameters: srtp,
                    now: stage.now, into: &stage.outbox)
            } catch let refusal {
                error = [
                    "class": JSONValue(refusal.name), "name": JSONValue(refusal.name),
                    "message": JSONValue(refusal.message),
                ]
            }
            #expect(error == answer["error"], "\(recorded["name"]?.stringValue ?? "") \(attempt.text)")
            let tuples = stage.engine.tuples(of: port.id)
            #expect(remote(tuples?.rtp) == remote(answer["tuple"]))
            let own = stage.srtpParameters(of: port)
            #expect(try described(own) == answer["srtp"])
            #expect((own != created) == (answer["keyChanged"]?.boolValue ?? false))
            if let rtcp = answer["rtcpTuple"] { #expect(remote(tuples?.rtcp) == remote(rtcp)) }
            compared += 1
        }
    }
    #expect(compared >= 18)
}

/// Suite and bytes of the key, as the recording tells them.
private func described(_ parameters: SRTPParameters?) throws -> JSONValue? {
    guard let parameters else { return nil }
    let suite = try #require(SRTPCryptoSuite(rawValue: parameters.cryptoSuite))
    let key = try SRTPMasterKey(suite, base64: parameters.keyBase64)
    return ["cryptoSuite": JSONValue(suite.rawValue), "keyBytes": JSONValue(key.bytes.count)]
}

@Test func `a second producer on one transport is taken or refused as recorded`() throws {
    var compared = 0
    for recorded in try cases("produce twice on one transport") {
        let stage = try Stage()
        let port = try stage.transport("t")
        for (place, name) in ["first", "second"].enumerated() {
            let parameters = try RTPParameters(json: try #require(recorded["input"]?[name]?["rtpParameters"]))
            var message: String?
            do {
                try stage.produce("p\(place)", on: port, parameters)
            } catch let refusal as SFUError {
                message = refusal.message
                #expect(refusal.code == .conflict)
            }
            #expect(message == (place == 0 ? nil : recorded["error"]?["message"]?.stringValue))
            compared += 1
        }
    }
    #expect(compared >= 6)
}
