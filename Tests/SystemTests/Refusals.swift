import Base
import Foundation
import Testing

extension AllSystemTests {
    /// The broadcaster API over the real core: the status, and a text that names the subject and the cause.
    @Suite struct Refusals {
        @Test func `every mistake of a broadcaster script gets its status and its reason`() async throws {
            let daemon = try await Daemon()
            let script = BroadcasterScript(daemon: daemon, room: "r")
            try await script.join(device: "clumsy")
            let base = "/rooms/r/broadcasters/\(script.id)"
            let transport = try await script.createTransport()
            try await script.produce(transport, kind: "audio", rtpParameters: BroadcasterScript.opus)
            let fixed = try await daemon.call("POST", "\(base)/transports", json: ["type": "plain", "comedia": false])
            let fixedID = try #require(fixed.json["id"]?.stringValue, "\(fixed.text)")
            let connect: JSONValue = ["ip": "127.0.0.1", "port": 9, "rtcpPort": 9]
            #expect(try await daemon.call("POST", "\(base)/transports/\(fixedID)/connect", json: connect).status == 200)

            func produce(_ codec: JSONValue, ssrc: JSONValue = 5) -> JSONValue {
                ["kind": "video", "rtpParameters": ["codecs": [codec], "encodings": [["ssrc": ssrc]]]]
            }
            let producers = "\(base)/transports/\(transport.id)/producers"
            let vp8: JSONValue = ["mimeType": "video/VP8", "payloadType": 101, "clockRate": 90_000]
            let mistakes: [(path: String, body: JSONValue, status: Int, words: String)] = [
                (
                    producers, produce(["mimeType": "video/VP8", "payloadType": -1, "clockRate": 90_000]), 400,
                    "payloadType"
                ),
                (
                    producers, produce(["mimeType": "video/AV2", "payloadType": 101, "clockRate": 90_000]), 400,
                    "video/AV2"
                ),
                (producers, produce(vp8, ssrc: 1111), 409, "1111"),
                (producers, produce(vp8, ssrc: "x"), 400, "ssrc"),
                (producers, ["kind": "smell", "rtpParameters": [:]], 400, "smell"),
                (producers, "text", 400, "JSON object"),
                ("\(base)/transports/\(fixedID)/connect", connect, 409, "already called"),
                ("\(base)/transports/nowhere/producers", produce(vp8), 404, "nowhere"),
                ("\(base)/transports/\(transport.id)/consume?producerId=nobody", [:], 400, "rtpCapabilities"),
                (
                    "\(base)/transports", ["type": "plain", "enableSrtp": true, "srtpCryptoSuite": "ROT13"], 400,
                    "invalid SrtpCryptoSuite: ROT13"
                ),
                ("\(base)/transports", ["type": "carrier pigeon"], 400, "invalid type"),
                ("/rooms/r/broadcasters/ghost/transports", ["type": "plain"], 404, "ghost"),
                (
                    "/rooms/r/broadcasters",
                    ["id": JSONValue(script.id), "displayName": "twin", "device": ["name": "d"]], 409, script.id
                ),
                ("/rooms/a%2Fb/broadcasters", ["id": "x", "displayName": "x", "device": ["name": "d"]], 400, "slash"),
                ("/rooms/%07/broadcasters", ["id": "x", "displayName": "x", "device": ["name": "d"]], 400, "control"),
            ]
            for mistake in mistakes {
                let answer = try await daemon.call("POST", mistake.path, json: mistake.body)
                #expect(
                    answer.status == mistake.status,
                    "\(mistake.path) \(mistake.body.text): \(answer.status) \(answer.text)")
                #expect(answer.text.contains(mistake.words), "\(answer.text)")
                #expect(answer.text.contains(": ") && !answer.text.contains("\n"), "\(answer.text)")
            }
            let broken = try await daemon.call(
                "POST", "/rooms/r/broadcasters", body: "{\"id\":", contentType: "application/json")
            #expect(broken.status == 400, "\(broken.text)")
            let huge = try await daemon.call(
                "POST", "/rooms/r/broadcasters", body: "\"" + String(repeating: "x", count: 200_000) + "\"",
                contentType: "application/json")
            #expect(huge.status == 413, "\(huge.text)")
            // Nothing was lost by all that.
            #expect(try await daemon.call("GET", "\(base)/transports/\(transport.id)/stats").status == 200)
            try await script.leave()
            try await daemon.stop()
        }
    }
}
