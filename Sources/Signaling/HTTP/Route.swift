import HTTPTypes

/// One thing that can be asked for: a method, a path with places for names, and who answers.
struct Route: Sendable {
    enum Part: Sendable, Equatable {
        case word(String)
        case name(String)
    }

    let method: HTTPRequest.Method
    /// As OpenAPI writes it: "/rooms/{room}/broadcasters".
    let path: String
    let parts: [Part]
    /// Answered without a token.
    let isOpen: Bool
    /// The media type that the body must have, for who asks beforehand (`Accept-Post`, RFC 5789 §3.1 `Accept-Patch`).
    let takes: String?
    let answer: @Sendable (Call) async throws -> Answer

    init(
        _ method: HTTPRequest.Method, _ path: String, isOpen: Bool = false, takes: String? = nil,
        _ answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.isOpen = isOpen
        self.takes = takes
        self.answer = answer
        parts = path.split(separator: "/").map { part in
            part.hasPrefix("{") ? .name(String(part.dropFirst().dropLast())) : .word(String(part))
        }
    }

    /// What stands at the path's places for names; nil when this is another path.
    func match(_ segments: [String]) -> [String: String]? {
        guard segments.count == parts.count else { return nil }
        var names: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch part {
            case .word(let word): if word != segment { return nil }
            case .name(let name): names[name] = segment
            }
        }
        return names
    }
}

/// All routes. There are some forty: walking them costs microseconds, and the table can be read and tested.
struct RouteTable: Sendable {
    let routes: [Route]

    enum Outcome {
        case found(Route, names: [String: String])
        case otherMethods([Route])
        case nothing

        /// The answer needs no token.
        var isOpen: Bool {
            if case .found(let route, _) = self { route.isOpen } else { false }
        }
    }

    /// HEAD is answered by GET's route.
    func find(_ method: HTTPRequest.Method, _ segments: [String]) -> Outcome {
        var others: [Route] = []
        for route in routes {
            guard let names = route.match(segments) else { continue }
            if route.method == method || method == .head && route.method == .get { return .found(route, names: names) }
            others.append(route)
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }
}

extension [Route] {
    /// For `Allow`.
    var methods: [String] {
        flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] }
    }
}
