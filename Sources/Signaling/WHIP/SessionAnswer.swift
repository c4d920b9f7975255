import Control
import Foundation
import HTTPTypes
import Negotiation
import SDP

/// Where sessions are, and what is said of a new one.
enum SessionDoor {
    static let sdp = "application/sdp"
    static let fragment = "application/trickle-ice-sdpfrag"

    static func word(_ role: ClientSession.Role) -> String {
        switch role {
        case .publisher: "whip"
        case .player: "whep"
        }
    }

    static func path(of session: ClientSession) -> String {
        "/rooms/\(RequestTarget.encode(session.room.name))/\(word(session.role))/\(session.id)"
    }

    /// 201 with the answer (RFC 9725 §4.2).
    static func created(
        _ session: ClientSession, answer: WebRTCDescription, iceServers: [ICEServer]
    ) async -> Answer {
        var created = Answer(body: .text(answer.text), contentType: sdp, location: path(of: session))
        created.fields[.eTag] = await session.ice.tag
        // Who it is in lists and events: its address doesn't tell, and mustn't.
        if let name = HTTPField.Name("Ladle-Broadcaster") { created.fields[name] = session.member.id }
        add(iceServers, to: &created.fields)
        if session.role == .player { add(links: extensions(of: session), to: &created.fields) }
        if let name = HTTPField.Name("Accept-Patch") { created.fields[name] = fragment }
        return created
    }

    /// Also for who asks before the offer is made, when browsers still gather candidates with them; only for who shows the token
    /// (RFC 9725 §4.6).
    static func add(_ iceServers: [ICEServer], to fields: inout HTTPFields) {
        let now = Int64(Date.now.timeIntervalSince1970)
        add(links: iceServers.map { $0.link(now: now) }, to: &fields)
    }

    /// One field for each: clients look for the relation in a field, not in a list.
    private static func add(links: [String], to fields: inout HTTPFields) {
        guard let name = HTTPField.Name("Link") else { return }
        for link in links { fields.append(HTTPField(name: name, value: link)) }
    }

    private static func extensions(of session: ClientSession) -> [String] {
        let path = path(of: session)
        let events = SessionEvent.Name.allCases.map(\.rawValue).joined(separator: ",")
        return [
            "<\(path)/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; events=\"\(events)\"",
            "<\(path)/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\"",
        ]
    }
}

extension ClientSession.ICESession {
    /// A strong entity tag of the session's address (RFC 9110 §8.8.3).
    var tag: String { "\"ice-\(generation)\"" }
}

extension Call {
    /// What a client wants to be called in lists.
    func displayName() throws(ControlError) -> String? {
        guard let name = query["name"], !name.isEmpty else { return nil }
        try NameRules.displayName(name)
        return name
    }

    func offer() async throws -> WebRTCDescription {
        try WebRTCDescription(parsing: try await text(ofType: SessionDoor.sdp))
    }
}
