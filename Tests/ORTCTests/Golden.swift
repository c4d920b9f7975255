import Base
import ORTC
import TestSupport
import Testing

/// A case of a golden file: its name says which one failed.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let name: String
    let json: JSONValue

    var testDescription: String { name }

    subscript(member: String) -> JSONValue { json[member] ?? .null }
}

enum Golden {
    static func file(_ name: String) -> JSONValue {
        do {
            return try Vectors.json("mediasoup-3.14.16/\(name).json")
        } catch {
            Issue.record("\(name): \(error)")
            return .null
        }
    }

    /// The elements of a list as cases, with their position where names repeat.
    static func cases(_ list: JSONValue?, name: (JSONValue) -> String) -> [GoldenCase] {
        (list?.arrayValue ?? []).enumerated().map {
            GoldenCase(name: "\($0.offset) \(name($0.element))", json: $0.element)
        }
    }

    static let demoRouter = file("router-capabilities-demo")

    static func demoCapabilities() throws -> RTPCapabilities {
        try RTPCapabilities(json: demoRouter["rtpCapabilities"] ?? .null)
    }
}

/// Runs `body` and compares its outcome with a golden member `{"result": …}` or `{"error": {name, message}}`.
/// - Returns: the value, when there is one and there should be one.
func outcome<Value>(
    of body: () throws(ORTCError) -> Value, like golden: JSONValue, sourceLocation: SourceLocation = #_sourceLocation
) -> Value? {
    let expected = golden["error"]
    do {
        let value = try body()
        #expect(expected == nil, "no error was thrown", sourceLocation: sourceLocation)
        return expected == nil ? value : nil
    } catch {
        let told = JSONValue.object(["name": .string(error.name.rawValue), "message": .string(error.message)])
        let wanted = expected.map {
            JSONValue.object(["name": $0["name"] ?? .null, "message": $0["message"] ?? .null])
        }
        #expect(told == wanted, sourceLocation: sourceLocation)
        return nil
    }
}

/// The first place where two values differ, for messages that can be read; nil when they are equal.
func difference(_ ours: JSONValue?, _ golden: JSONValue?, at path: String = "$") -> String? {
    if ours == golden { return nil }
    switch (ours, golden) {
    case (.object(let a), .object(let b)):
        return Set(a.keys).union(b.keys).sorted().lazy
            .compactMap { difference(a[$0], b[$0], at: "\(path).\($0)") }.first
    case (.array(let a), .array(let b)) where a.count == b.count:
        return a.indices.lazy.compactMap { difference(a[$0], b[$0], at: "\(path)[\($0)]") }.first
    default:
        return "\(path): ours \(ours?.text ?? "absent"), golden \(golden?.text ?? "absent")"
    }
}
