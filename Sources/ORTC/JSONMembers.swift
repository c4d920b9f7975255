import Base

/// The members of a JSON object, read with JavaScript's eyes.
///
/// mediasoup's rules are written in JavaScript's terms: an "absent" member is any falsy one (null, false, 0, ""),
/// and a list passes for an object. Those terms live here, so that the rules above read like the reference.
struct JSONMembers {
    let values: [String: JSONValue]

    /// Nil for everything that isn't an object or a list (a list has its positions as names).
    init?(_ value: JSONValue?) {
        switch value {
        case .object(let members): values = members
        case .array(let elements):
            values = Dictionary(
                elements.enumerated().map { ("\($0.offset)", $0.element) }, uniquingKeysWith: { first, _ in first })
        default: return nil
        }
    }

    subscript(name: String) -> JSONValue? { values[name] }

    /// The member when it counts as given.
    func truthy(_ name: String) -> JSONValue? {
        guard let value = values[name], value.isTruthy else { return nil }
        return value
    }

    /// A text; an empty one too. Nil for the other falsy values. Throws `message` for anything else.
    func text(_ name: String, orThrow message: String) throws(ORTCError) -> String? {
        if let text = values[name]?.stringValue { return text }
        if truthy(name) != nil { throw .type(message) }
        return nil
    }

    /// A boolean, false when absent. Throws `message` for any other given value.
    func flag(_ name: String, orThrow message: String) throws(ORTCError) -> Bool {
        guard let value = truthy(name) else { return false }
        guard let flag = value.boolValue else { throw .type(message) }
        return flag
    }

    /// A list, empty when absent. Throws `message` for any other given value.
    func list(_ name: String, orThrow message: String) throws(ORTCError) -> [JSONValue] {
        guard let value = truthy(name) else { return [] }
        guard let list = value.arrayValue else { throw .type(message) }
        return list
    }

    /// A whole number within `range`, which the member must hold.
    func number<T: FixedWidthInteger & Sendable>(
        _ name: String, of subject: String, in range: ClosedRange<T>
    ) throws(ORTCError) -> T {
        guard let value = values[name], value.isNumber else { throw .type("missing \(subject).\(name)") }
        return try value.wholeNumber(named: "\(subject).\(name)", in: range)
    }
}

extension JSONValue {
    /// Infinity and NaN are none: JSON has no words for them, so they would be lost on the way out.
    var isNumber: Bool {
        switch self {
        case .integer: true
        case .double(let value): value.isFinite
        default: false
        }
    }

    var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0 && !value.isNaN
        case .string(let value): !value.isEmpty
        case .array, .object: true
        }
    }

    /// Refuses what doesn't fit instead of cutting bits off, as mediasoup 3.14 does (see docs/protocols/ortc.md).
    func wholeNumber<T: FixedWidthInteger & Sendable>(
        named field: String, in range: ClosedRange<T>
    ) throws(ORTCError) -> T {
        guard let whole = integerValue, let number = T(exactly: whole), range.contains(number) else {
            throw .type(
                "invalid \(field) [value:\(javaScriptText), expected:\(range.lowerBound)..\(range.upperBound)]")
        }
        return number
    }

    /// As a template literal shows it: error texts quote values so.
    var javaScriptText: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .array(let elements): elements.map { $0.isNull ? "" : $0.javaScriptText }.joined(separator: ",")
        case .object: "[object Object]"
        }
    }

    /// JavaScript's `===` for texts and numbers: 1 and 1.0 are one number, 1 and "1" differ, absent equals absent.
    static func areIdentical(_ a: JSONValue?, _ b: JSONValue?) -> Bool {
        if let a, let b, a.isNumber, b.isNumber { return a.doubleValue == b.doubleValue }
        return a == b
    }
}
