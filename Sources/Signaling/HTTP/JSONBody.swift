import Base
import Control
import Hummingbird

/// The members of a request's body. Unknown ones are ignored; a wrong type is an error that names the member.
struct JSONBody: Sendable {
    let members: [String: JSONValue]

    init(_ members: [String: JSONValue]) { self.members = members }

    /// An empty body has no members. A list passes for an object without the members we know, as in JavaScript.
    init(parsing bytes: ByteBuffer) throws(Problem) {
        guard bytes.readableBytes > 0 else {
            self.init([:])
            return
        }
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes.readableBytesView) } catch {
            throw .syntax("the body is not valid JSON")
        }
        switch value {
        case .object(let members): self.init(members)
        case .array: self.init([:])
        default: throw .syntax("the body must be a JSON object")
        }
    }

    /// Nil when absent or null.
    subscript(name: String) -> JSONValue? {
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }

    /// A text that must be there and not be empty.
    func text(_ name: String) throws(ControlError) -> String {
        guard let text = members[name]?.stringValue, !text.isEmpty else { throw .type("missing body.\(name)") }
        return text
    }

    func optionalText(_ name: String) throws(ControlError) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.stringValue else { throw .type("body.\(name) is not a string") }
        return text
    }

    /// One word of a list.
    func optionalWord<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String, ignoringCase: Bool = false
    ) throws(ControlError) -> Word? {
        guard let text = try optionalText(name) else { return nil }
        guard let word = Word(rawValue: ignoringCase ? text.lowercased() : text) else {
            let possible = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
            throw .type("body.\(name) must be \(possible), not \"\(text)\"")
        }
        return word
    }

    func flag(_ name: String, default absent: Bool) throws(ControlError) -> Bool {
        try optionalFlag(name) ?? absent
    }

    func optionalFlag(_ name: String) throws(ControlError) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.boolValue else { throw .type("body.\(name) is not a boolean") }
        return flag
    }

    func optionalObject(_ name: String) throws(ControlError) -> JSONValue? {
        guard let value = self[name] else { return nil }
        guard value.objectValue != nil else { throw .type("wrong body.\(name)") }
        return value
    }

    func optionalPort(_ name: String) throws(ControlError) -> UInt16? {
        guard let value = self[name] else { return nil }
        guard let number = value.integerValue, let port = UInt16(exactly: number), port > 0 else {
            throw .type("body.\(name) is not a port number (1 to 65535)")
        }
        return port
    }
}
