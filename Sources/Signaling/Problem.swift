import Base
import Control
import HTTPTypes
import Hummingbird
import MediaCore
import Negotiation
import ORTC
import SDP

/// An answer that is no success. This file alone knows HTTP statuses.
struct Problem: Error {
    let status: HTTPResponse.Status
    /// As JavaScript names it: "TypeError".
    let name: String
    let message: String
    var headers: HTTPFields = [:]

    /// What a handler threw, as its client shall see it; nil when it is our own fault and nobody's business.
    init?(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as ControlError: self.init(error)
        case let error as MediaCoreError: self.init(ControlError(error))
        case let error as ORTCError: self.init(ControlError(MediaCoreError(error)))
        case let error as SDPParseError: self.init(.badRequest, "SyntaxError", error.description)
        case let error as NegotiationError: self.init(error)
        default: return nil
        }
    }

    /// RFC 9725 §4.2 and §4.4: what can't be read is 400, what can't be served 406, what WebRTC doesn't work with 422.
    private init(_ error: NegotiationError) {
        let status: HTTPResponse.Status =
            switch error.code {
            case .malformed: .badRequest
            case .noCommonCodec: .notAcceptable
            case .noMedia, .badDirection, .notBundled, .noRTCPMux, .unsupportedProtocol, .noICE, .noFingerprint,
                .badSetup, .noStreams:
                .unprocessableContent
            }
        self.init(status, "NegotiationError", error.message)
    }

    init(_ error: ControlError) {
        let status: HTTPResponse.Status =
            switch error.code {
            case .invalid, .unsupported: .badRequest
            case .notFound: .notFound
            case .conflict: .conflict
            case .exhausted, .stopping: .serviceUnavailable
            case .failed: .internalServerError
            }
        // 5 s: a restart takes less, and its recordings are finished within 10.
        self.init(status, error.name, error.message, headers: error.code == .stopping ? [.retryAfter: "5"] : [:])
    }

    private init(_ status: HTTPResponse.Status, _ name: String, _ message: String, headers: HTTPFields = [:]) {
        (self.status, self.name, self.message, self.headers) = (status, name, message, headers)
    }

    // MARK: - Problems of the request itself

    static let internalError = Problem(.internalServerError, "Error", "internal error; the gateway's log says more")

    static func badPath(_ segment: String) -> Problem {
        Problem(.badRequest, "URIError", "the path holds a part that can't be decoded: \(segment)")
    }

    static func noSuchPath(_ method: String, _ path: String) -> Problem {
        Problem(.notFound, "Error", "there is nothing at \(path) for \(method)")
    }

    static func methodNotAllowed(_ method: String, allowed: [String]) -> Problem {
        let list = allowed.joined(separator: ", ")
        return Problem(
            .methodNotAllowed, "Error", "\(method) is not possible here, only \(list)", headers: [.allow: list])
    }

    static func syntax(_ detail: String) -> Problem { Problem(.badRequest, "SyntaxError", detail) }

    static let bodyTooLarge = Problem(.contentTooLarge, "PayloadTooLargeError", "request entity too large")

    static let bodyBrokeOff = Problem(.badRequest, "BadRequestError", "the body broke off")

    static let bodyIsNoJSON = Problem(
        .unsupportedMediaType, "TypeError", "the body must be JSON, with the header Content-Type: application/json")

    static func wrongType(_ expected: String) -> Problem {
        Problem(.unsupportedMediaType, "TypeError", "the body must be said to be \(expected) (Content-Type)")
    }

    // MARK: - Problems of WHIP and WHEP

    /// Some of an offer can be used and some can't: half a session would mislead its people (RFC 9725 §4.4.3).
    static func partlyAcceptable(_ rejections: [NegotiationError]) -> Problem {
        Problem(.notAcceptable, "NegotiationError", rejections.map(\.message).joined(separator: " "))
    }

    static func notPlayable(_ detail: String) -> Problem { Problem(.notAcceptable, "NegotiationError", detail) }

    /// 2 s: publishers come and go at the pace of people; the draft has players wait longer each time.
    static func nothingToPlay(_ detail: String) -> Problem {
        Problem(.conflict, "NothingToPlayError", detail, headers: [.retryAfter: "2"])
    }

    static let tagRequired = Problem(
        .preconditionRequired, "PreconditionError",
        "which ICE session is meant? Send If-Match with the ETag of the last answer, or * to restart ICE")

    static let tagOutdated = Problem(
        .preconditionFailed, "PreconditionError",
        "the ICE session of this ETag is over: ICE was restarted meanwhile; If-Match: * restarts it again")

    // MARK: - Problems of who asks

    static func unknownHost(_ host: String?) -> Problem {
        guard let host else { return Problem(.badRequest, "UnknownHostError", "the request has no Host header") }
        return Problem(
            .misdirectedRequest, "UnknownHostError",
            "this gateway is not known as \"\(host)\"; the name can be added to its known hosts")
    }

    static func originRefused(_ origin: String) -> Problem {
        Problem(
            .forbidden, "ForbiddenError",
            "web pages of \(origin) may not use this gateway; the origin can be added to its allowed origins")
    }

    static func tokenRequired(given: Bool) -> Problem {
        Problem(
            .unauthorized, "UnauthorizedError",
            given ? "the bearer token is not the right one" : "a bearer token is required (Authorization: Bearer …)",
            headers: [.wwwAuthenticate: given ? "Bearer error=\"invalid_token\"" : "Bearer"])
    }

    // MARK: - As an answer

    /// - Parameter asJSON: `{"error", "message"}` for `/api/v1`; else the text `Name: message`.
    func response(asJSON: Bool) -> Response {
        let json: JSONValue = ["error": .string(name), "message": .string(message)]
        let (text, type) = asJSON ? (json.text, Answer.jsonType) : ("\(name): \(message)", Answer.textType)
        var fields = headers
        fields[.contentType] = type
        fields[.cacheControl] = "no-store"
        let body = ByteBuffer(string: text)
        fields[.contentLength] = String(body.readableBytes)
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }
}
