import Base
import HTTPTypes
import Hummingbird
import Logging

/// What every request passes: who asks, what for, and how the answer goes out.
struct Doors: HTTPResponder {
    typealias Context = BasicRequestContext

    let doorkeeper: Doorkeeper
    let routes: RouteTable
    let bodyLimit: Int
    let requests: RequestCounter
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        let path = request.head.path ?? "/"
        let isAPI = path.hasPrefix("/api/")
        var response: Response
        do {
            response = try await answer(request, path: path, isAPI: isAPI)
        } catch {
            let problem = Problem(error)
            if problem == nil {
                logger.error("a request failed", metadata: ["path": "\(path)", "error": "\(error)"])
            } else {
                logger.debug("a request was refused", metadata: ["path": "\(path)", "error": "\(error)"])
            }
            response = (problem ?? .internalError).response(asJSON: isAPI)
        }
        requests.count(status: response.status.code)
        doorkeeper.addCrossOriginHeaders(to: &response, for: request)
        // The head says how long the body would have been (RFC 9110 §9.3.2).
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private func answer(_ request: Request, path: String, isAPI: Bool) async throws -> Response {
        try doorkeeper.checkHost(request)
        let target = try RequestTarget(path)
        let found = routes.find(request.method, target.segments)
        if !(found.isOpen && doorkeeper.isVisit(request)) { try doorkeeper.checkOrigin(request) }
        if request.method == .options { return try options(found, request, path) }
        if !found.isOpen { try doorkeeper.checkToken(request) }
        switch found {
        case .found(let route, let names):
            let call = Call(
                request: request, names: names, query: target.query, queryItems: target.queryItems,
                bodyLimit: bodyLimit)
            return try await route.answer(call).response(to: request)
        case .otherMethods(let routes):
            throw Problem.methodNotAllowed(request.method.rawValue, allowed: routes.methods)
        case .nothing: throw Problem.noSuchPath(request.method.rawValue, path)
        }
    }

    /// RFC 9725 §4.2 wants `Accept-Post` (W3C LDP §7.1); `Accept-Patch` is RFC 5789 §3.1.
    private static let acceptFields: [HTTPRequest.Method: HTTPField.Name] = {
        var fields: [HTTPRequest.Method: HTTPField.Name] = [:]
        fields[.post] = HTTPField.Name("Accept-Post")
        fields[.patch] = HTTPField.Name("Accept-Patch")
        return fields
    }()

    /// Before the token is asked for: browsers send none with it, and it says nothing that the documentation does not.
    private func options(_ found: RouteTable.Outcome, _ request: Request, _ path: String) throws -> Response {
        guard case .otherMethods(let routes) = found else {
            throw Problem.noSuchPath(request.method.rawValue, path)
        }
        let list = routes.methods.joined(separator: ",")
        var response = Answer.text(list).response(to: request)
        response.headers[.allow] = list
        for route in routes {
            guard let type = route.takes, let name = Self.acceptFields[route.method] else { continue }
            response.headers[name] = type
        }
        if routes.contains(where: { $0.takes == SessionDoor.sdp }), (try? doorkeeper.checkToken(request)) != nil {
            SessionDoor.add(doorkeeper.configuration.iceServers, to: &response.headers)
        }
        return response
    }
}
