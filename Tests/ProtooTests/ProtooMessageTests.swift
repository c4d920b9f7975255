import Base
import Protoo
import TestSupport
import Testing

@Suite struct ProtooMessageTests {
    @Test func `every recorded message is read and written again as it was`() throws {
        let rows = try #require(try Vectors.json("mediasoup-3.14.16/protoo-transcript.json").arrayValue)
        var count = 0
        for row in rows {
            guard let recorded = row["received"] ?? row["sent"], recorded.objectValue != nil else { continue }
            var expected = recorded
            // Added by us, so that no client takes its absence for success.
            if recorded["errorCode"] != nil { expected = expected.with("ok", false) }
            if recorded["data"] == nil, recorded["errorCode"] == nil { expected = expected.with("data", [:]) }
            #expect(ProtooMessage(json: recorded)?.json == expected)
            count += 1
        }
        #expect(count > 200)
    }

    @Test(arguments: [
        "", "{", "null", "[]", "{}", "\"x\"", "1", "{\"request\":true,\"id\":\"1\",\"method\":\"join\"}",
        "{\"request\":true,\"id\":1}", "{\"request\":true,\"method\":\"join\"}", "{\"response\":true}",
        "{\"response\":true,\"id\":\"7\",\"ok\":true}", "{\"notification\":true}",
        "{\"notification\":true,\"method\":1}",
        "{\"request\":0,\"id\":1,\"method\":\"join\"}", "{\"request\":\"\",\"id\":1,\"method\":\"join\"}",
    ])
    func `what is no message is none`(text: String) {
        #expect(ProtooMessage(parsing: text.utf8) == nil)
    }

    @Test func `data that is absent or null is an empty object, and an id of any kind of number comes back as it was`()
    {
        for data in ["", ",\"data\":null", ",\"data\":false", ",\"data\":0"] {
            let message = ProtooMessage(parsing: "{\"request\":1,\"id\":1.5,\"method\":\"m\"\(data)}".utf8)
            #expect(message == .request(ProtooRequest(id: 1.5, method: "m")))
        }
    }

    @Test func `a request goes before a response, a response before a notification`() {
        let all = "{\"request\":true,\"response\":true,\"notification\":true,\"id\":1,\"method\":\"m\",\"ok\":true}"
        #expect(ProtooMessage(parsing: all.utf8) == .request(ProtooRequest(id: 1, method: "m")))
        let two = "{\"request\":false,\"response\":1,\"notification\":true,\"id\":1,\"method\":\"m\",\"ok\":true}"
        #expect(ProtooMessage(parsing: two.utf8) == .response(ProtooResponse(id: 1, outcome: .success([:]))))
    }

    @Test func `a response without ok is a refusal`() {
        let text = "{\"response\":true,\"id\":1,\"errorCode\":403,\"errorReason\":\"no\"}"
        let refusal = ProtooRefusal(code: 403, "no")
        #expect(ProtooMessage(parsing: text.utf8) == .response(ProtooResponse(id: 1, outcome: .failure(refusal))))
    }
}

extension JSONValue {
    fileprivate func with(_ name: String, _ value: JSONValue) -> JSONValue {
        .object((objectValue ?? [:]).merging([name: value]) { $1 })
    }
}
