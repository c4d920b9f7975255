import Base
import ICE
import STUN
import TestSupport
import Testing

/// What mediasoup 3.14.16 answered to the same requests, in the same order.
@Suite struct TranscriptTests {
    @Test func `every row of the recorded conversation comes out the same`() throws {
        let rows = try #require(try Vectors.json("mediasoup-3.14.16/ice-transcript.json").arrayValue)
        #expect(rows.count == 24)
        var client = try Client()
        let tuples = ["A": try ICETuple.udp(1), "B": try ICETuple.udp(2)]
        for row in rows {
            if let call = row["call"]?.stringValue {
                #expect(call == "restartIce()")
                let before = client.agent.credentials
                var random = SeededGenerator(seed: 5)
                _ = client.agent.restart(using: &random, now: client.clock.now)
                let after = client.agent.credentials
                #expect(row["credentialsChanged"] == .bool(true))
                #expect(before.usernameFragment != after.usernameFragment)
                #expect(before.password != after.password)
                let state = client.agent.state.rawValue
                #expect(row["iceState"]?.stringValue == state)
                continue
            }
            let name = try #require(row["request"]?.stringValue)
            let tuple = try #require(tuples[row["from"]?.stringValue ?? ""])
            let check = try #require(Self.check(name, client.agent.credentials), "no request is known as \(name)")
            let answer = client.send(check, from: tuple)
            try Self.compare(client.reply, with: row["response"], name)
            let events = answer.events.compactMap { Self.json($0, tuples) }
            let golden = row["events"]?.arrayValue?.filter { $0["event"] != "dtlsstatechange" }
            #expect(events == golden, "\(name)")
            let state = client.agent.state.rawValue
            #expect(row["iceState"]?.stringValue == state, "\(name)")
        }
    }

    /// The request that the recording calls so.
    private static func check(_ name: String, _ current: ICECredentials) -> Check? {
        var check = Check()
        switch name {
        case "no fingerprint": check.hasFingerprint = false
        case "no priority": check.priority = nil
        case "priority 0": check.priority = 0
        case "no username": check.hasUsername = false
        case "no integrity": check.hasIntegrity = false
        case "wrong password": check.password = "another"
        case "wrong ufrag": check.fragment = "another"
        case "controlled": check.isControlled = true
        case "method 2": check.method = 2
        case "indication": check.kind = .indication
        case "username = ufrag without colon": check.username = Client.fragment
        case "A plain", "B plain", "A plain again", "old credentials", "old credentials after new": break
        case "A use-candidate", "B use-candidate", "A use-candidate (after nominations)": check.usesCandidate = true
        case "A nomination 5": check.nomination = 5
        case "B nomination 4": check.nomination = 4
        case "B nomination 6": check.nomination = 6
        case "new credentials":
            (check.fragment, check.password) = ("\(current.usernameFragment)", current.password)
            // The recording selects B by it.
            check.usesCandidate = true
        default: return nil
        }
        return check
    }

    private static func compare(_ reply: [UInt8], with golden: JSONValue?, _ name: String) throws {
        guard let golden, golden != .null else {
            #expect(reply.isEmpty, "\(name)")
            return
        }
        let message = try STUNMessage(parsing: reply.span.bytes)
        let type = hexadecimal(UInt16(reply[0]) << 8 | UInt16(reply[1]))
        #expect(type == golden["messageType"]?.stringValue, "\(name)")
        let code = message.errorCode.map { JSONValue.integer(Int64($0)) }
        #expect(code == golden["errorCode"], "\(name)")
        let types = STUNMessage.attributeTypes(in: reply.span.bytes).map(hexadecimal)
        #expect(types == golden["attributes"]?.arrayValue?.compactMap(\.stringValue), "\(name)")
    }

    private static func json(_ event: ICEEvent, _ tuples: [String: ICETuple]) -> JSONValue? {
        switch event {
        case .tupleSelected(let tuple):
            let name = tuples.first { $0.value == tuple }?.key ?? "?"
            return ["event": "iceselectedtuplechange", "value": .string("tuple of \(name)")]
        case .stateChanged(let state): return ["event": "icestatechange", "value": .string(state.rawValue)]
        case .tupleAdded, .tupleRemoved, .fragmentRetired: return nil
        }
    }

    private static func hexadecimal(_ number: UInt16) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
