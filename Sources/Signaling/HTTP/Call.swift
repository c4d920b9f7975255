import Base
import Control
import HTTPTypes
import Hummingbird
import NIOCore

/// One request on its way to its handler.
struct Call: Sendable {
    let request: Request
    let names: [String: String]
    let query: [String: String]
    /// In order, names that are there more than once too.
    let queryItems: [(name: String, value: String)]
    let bodyLimit: Int

    /// What stands at a place for a name. The route has the place, so it is there.
    func name(_ place: String) -> String { names[place] ?? "" }

    /// The room of the path.
    func room() throws(ControlError) -> String {
        try NameRules.room(name("room"))
        return name("room")
    }

    /// `true` or `false` in the query.
    func flag(_ name: String, default absent: Bool) throws(ControlError) -> Bool {
        switch query[name] {
        case nil: return absent
        case "true", "": return true
        case "false": return false
        case .some(let other): throw .type("\(name) must be true or false, not \"\(other)\"")
        }
    }

    /// The body of the broadcaster API: JSON, or as good as empty when it says it is something else.
    func lenientBody() async throws -> JSONBody {
        guard hasJSONType else {
            // Read all the same, so that the limit holds for every body.
            _ = try await bytes()
            return JSONBody([:])
        }
        return try JSONBody(parsing: try await bytes())
    }

    /// The body of `/api/v1`: JSON, and said to be.
    func body() async throws -> JSONBody {
        let bytes = try await bytes()
        guard hasJSONType else { throw bytes.readableBytes == 0 ? Problem.syntax("the body is empty") : .bodyIsNoJSON }
        return try JSONBody(parsing: bytes)
    }

    /// A JSON array; nil when there is no body.
    func list() async throws -> [JSONValue]? {
        let bytes = try await bytes()
        guard bytes.readableBytes > 0 else { return nil }
        guard hasJSONType else { throw Problem.bodyIsNoJSON }
        guard let value = try? JSONValue(parsing: bytes.readableBytesView) else {
            throw Problem.syntax("the body is not valid JSON")
        }
        guard let list = value.arrayValue else { throw Problem.syntax("the body must be a JSON array") }
        return list
    }

    /// A text that has to be said to be of this media type.
    func text(ofType expected: String) async throws -> String {
        let bytes = try await bytes()
        guard mediaType == expected else { throw Problem.wrongType(expected) }
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw Problem.syntax("the body is not UTF-8")
        }
        return text
    }

    private var hasJSONType: Bool { mediaType == "application/json" }

    private var mediaType: String {
        let type = request.headers[.contentType]?.prefix { $0 != ";" } ?? ""
        return type.split(separator: " ").joined().lowercased()
    }

    private func bytes() async throws -> ByteBuffer {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bodyLimit {
            throw Problem.bodyTooLarge
        }
        do { return try await request.body.collect(upTo: bodyLimit) } catch is NIOTooManyBytesError {
            throw Problem.bodyTooLarge
        } catch {
            // Whatever the connection says: the client left, or sent nonsense. No fault of ours.
            throw Problem.bodyBrokeOff
        }
    }
}
