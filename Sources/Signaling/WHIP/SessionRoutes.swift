import Control
import HTTPTypes
import Negotiation
import SDP

/// What can be done with a session that is there: the same for WHIP and WHEP (RFC 9725 §4.2, §4.3).
struct SessionRoutes: Sendable {
    let role: ClientSession.Role
    let sessions: ClientSessions

    var routes: [Route] {
        let path = "/rooms/{room}/\(SessionDoor.word(role))/{session}"
        return [
            Route(.get, path, look), Route(.patch, path, takes: SessionDoor.fragment, patch),
            Route(.delete, path, end),
        ]
    }

    func session(_ call: Call) async throws -> ClientSession {
        try await sessions.session(call.name("session"), role, in: try call.room())
    }

    /// There is nothing to see, but the address is right (RFC 9725 §4.1).
    private func look(_ call: Call) async throws -> Answer {
        _ = try await session(call)
        return .nothing
    }

    private func end(_ call: Call) async throws -> Answer {
        try await session(call).end(reason: ClosingReason.requested)
        return .text("session deleted")
    }

    /// Candidates of the client's, which an ICE-lite side doesn't need: it answers where it is asked from. Or a restart of
    /// ICE, which other credentials than before mean (RFC 8840 §4.4 as RFC 9725 §4.3.3 updates it).
    private func patch(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        let fragment = try TrickleICEFragment(parsing: try await call.text(ofType: SessionDoor.fragment))
        let ice = await session.ice
        let fresh = fragment.credentials.flatMap { $0.usernameFragment == ice.remoteFragment ? nil : $0 }
        switch IfMatch(call.request.headers[.ifMatch]) {
        case .any: break
        case .tags(let tags): guard tags.contains(ice.tag) else { throw Problem.tagOutdated }
        case .absent:
            // Candidates that bear the credentials of this very session name it as well as a tag does, and there are
            // clients that send no tags. Everything else needs one.
            guard fragment.credentials != nil, fresh == nil else { throw Problem.tagRequired }
        }
        guard let fresh else { return .nothing }
        let restarted = try await session.restartICE(remoteFragment: fresh.usernameFragment)
        let local = LocalTransport(session.transport, ice: restarted.parameters)
        var answer = Answer(body: .text(local.restart(answering: fragment).text), contentType: SessionDoor.fragment)
        answer.fields[.eTag] = restarted.session.tag
        return answer
    }
}
