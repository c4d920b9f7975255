import Base
import HTTPTypes
import Hummingbird

/// A success.
struct Answer: Sendable {
    static let jsonType = "application/json; charset=utf-8"
    static let textType = "text/plain; charset=utf-8"

    enum Body: Sendable {
        case text(String)
        /// Written as long as the client stays; see `LiveStream`.
        case live(LiveStream)
        /// Not even an empty one: 204.
        case none
    }

    var body: Body
    var contentType: String
    var location: String?
    /// Nil: 200, or 201 with a `location`.
    var status: HTTPResponse.Status?
    /// Besides those that follow from the rest.
    var fields: HTTPFields = [:]

    static func json(_ value: JSONValue) -> Answer { Answer(body: .text(value.text), contentType: jsonType) }

    static func text(_ text: String) -> Answer { Answer(body: .text(text), contentType: textType) }

    /// Nothing to say, in JSON: what the scripts' `connect` gets.
    static let empty = Answer(body: .text(""), contentType: "application/json")

    /// Done, and nothing to say: 204.
    static let nothing = Answer(body: .none, contentType: "")

    /// Something new has a place of its own.
    static func created(_ value: JSONValue, at location: String) -> Answer {
        Answer(body: .text(value.text), contentType: jsonType, location: location)
    }

    static func live(_ stream: LiveStream, contentType: String) -> Answer {
        Answer(body: .live(stream), contentType: contentType)
    }

    func response(to request: Request) -> Response {
        var headers = fields
        headers[.cacheControl] = "no-store"
        if let location { headers[.location] = location }
        if case .none = body { return Response(status: status ?? .noContent, headers: headers) }
        headers[.contentType] = contentType
        let status = status ?? (location == nil ? .ok : .created)
        switch body {
        case .none: return Response(status: status, headers: headers)
        case .text(let text):
            let bytes = ByteBuffer(string: text)
            headers[.contentLength] = String(bytes.readableBytes)
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        case .live(let stream):
            // Watching for the client's leaving takes the connection's input; no further request can come on it, and a
            // client that keeps connections must know.
            headers[.connection] = "close"
            return Response(status: status, headers: headers, body: stream.body(for: request))
        }
    }
}
