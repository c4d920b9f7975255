import Base
import ORTC
import TestSupport
import Testing

/// The recorded conversation with mediasoup's demo, request by request.
@Suite struct TranscriptTests {
    enum Expectation {
        /// Another status, the recorded text.
        case status(Int)
        /// Another status and another text.
        case other(Int, String)
        /// A success where the demo refused.
        case success
    }

    /// Where this gateway answers otherwise, on purpose. 404 and 409 are told apart from our own faults (500).
    static let deviations: [String: Expectation] = [
        "room id with special characters": .other(400, "TypeError: the room id \"a b/c\" holds a slash"),
        "broadcaster with device null": .other(400, "TypeError: missing body.device.name"),
        "broadcaster again": .status(409),
        "broadcaster with non-latin id again (reason phrase not representable)":
            .other(409, "Error: broadcaster with id \"é😀\" already exists"),
        "malformed JSON": .other(400, "SyntaxError: the body is not valid JSON"),
        "JSON not object (string)": .other(400, "SyntaxError: the body must be a JSON object"),
        "JSON null": .other(400, "SyntaxError: the body must be a JSON object"),
        "unknown URL": .other(404, "Error: there is nothing at /nope for GET"),
        "unknown method": .other(405, "Error: PUT is not possible here, only GET, HEAD"),
        "transport of unknown broadcaster": .status(404),
        "connect of a plain transport": .status(400),
        "connect without dtlsParameters": .other(400, "TypeError: missing dtlsParameters"),
        "connect again": .status(409),
        "connect of unknown transport": .status(404),
        "audio producer again (same SSRC)": .status(409),
        "producer with unsupported codec": .status(400),
        "producer on unknown transport": .status(404),
        "consume without rtpCapabilities": .status(400),
        "consume of unknown producer": .status(404),
        "producerId in the body is ignored": .success,
        "consume data without rtpCapabilities": .status(400),
        "consume data of unknown producer": .status(404),
        "delete unknown broadcaster": .status(404),
        "delete broadcaster again": .status(404),
        "consume of a producer of the deleted broadcaster": .status(404),
    ]

    @Test func `each recorded request gets the recorded answer, but for the deviations`() async throws {
        let rows = try #require(try Vectors.json("mediasoup-3.14.16/rest-transcript.json").arrayValue)
        let demo = try Vectors.json("mediasoup-3.14.16/router-capabilities-demo.json")
        let codecs = try #require(demo["mediaCodecs"]?.arrayValue).map { try RTPCodecCapability(json: $0) }
        #expect(rows.count == 68)
        #expect(Set(Self.deviations.keys).isSubset(of: Set(rows.compactMap { $0["name"]?.stringValue })))
        try await Gateway.run(mediaCodecs: codecs) { gateway in
            // Recorded ids and ours.
            var ids: [String: String] = [:]
            for row in rows {
                let name = try #require(row["name"]?.stringValue)
                let recorded = try #require(row["response"])
                let reply = try await replay(try #require(row["request"]), ids: ids, on: gateway.client)
                check(reply, against: recorded, name: name, ids: ids)
                if let theirs = recorded["json"]?["id"]?.stringValue, let ours = reply.json?["id"]?.stringValue {
                    ids[theirs] = ours
                }
            }
        }
    }

    private func replay(_ request: JSONValue, ids: [String: String], on client: RawClient) async throws -> Reply {
        let method = try #require(request["method"]?.stringValue)
        let path = replaced(try #require(request["path"]?.stringValue), ids)
        let headers = (request["headers"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        let text: String? =
            switch request["body"] {
            case nil, .null: nil
            case .string(let text): text
            case .some(let body):
                body.text.replacing("(110000 times x)", with: String(repeating: "x", count: 110_000))
            }
        return try await client.send(method, path, text: text.map { replaced($0, ids) }, headers: headers)
    }

    private func check(_ reply: Reply, against recorded: JSONValue, name: String, ids: [String: String]) {
        let status = recorded["status"]?.integerValue.map(Int.init)
        switch Self.deviations[name] {
        case .status(let other)?:
            #expect(reply.status == other, "\(name)")
            #expect(reply.body == replaced(recorded["text"]?.stringValue ?? "-", ids), "\(name)")
        case .other(let other, let text)?:
            #expect(reply.status == other, "\(name): \(reply.body)")
            #expect(reply.body.hasPrefix(text), "\(name): \(reply.body)")
        case .success?: #expect(reply.status == 200, "\(name): \(reply.body)")
        case nil:
            #expect(reply.status == status, "\(name): \(reply.body)")
            if let json = recorded["json"] {
                #expect(reply.contentType == "application/json; charset=utf-8", "\(name)")
                #expect(shape(reply.json ?? .null) == shape(json), "\(name)")
            } else if let text = recorded["text"]?.stringValue {
                #expect(reply.body == replaced(text, ids), "\(name)")
            }
            if reply.status == 200, name == "HEAD" {
                #expect(reply.headers["content-length"] == recorded["contentLength"]?.stringValue)
            }
        }
    }

    /// The same with everything taken out that differs at each run: ids, ports, addresses, SSRCs, CNAMEs.
    private func shape(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(shape))
        case .object(let members):
            .object(
                Dictionary(
                    uniqueKeysWithValues: members.map { name, value in
                        let differs = [
                            "id", "producerId", "ip", "port", "rtcpPort", "ssrc", "cname", "usernameFragment",
                            "password",
                        ].contains(name)
                        if differs, value.arrayValue == nil { return (name, "*") }
                        // As many as there are addresses, and as there are kinds of hashes.
                        return (name, ["iceCandidates", "fingerprints"].contains(name) ? "*" : shape(value))
                    }))
        default: value
        }
    }

    private func replaced(_ text: String, _ ids: [String: String]) -> String {
        ids.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }
}
