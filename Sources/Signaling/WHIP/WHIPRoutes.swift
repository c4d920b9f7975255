import Control
import MediaCore
import Negotiation
import ORTC
import SDP

/// Publishers that come with an offer (WHIP, RFC 9725).
struct WHIPRoutes: Sendable {
    let rooms: Rooms
    let sessions: ClientSessions
    let iceServers: [ICEServer]

    static let path = "/rooms/{room}/whip"

    var routes: [Route] {
        [
            Route(.get, Self.path) { _ in .nothing },
            Route(.post, Self.path, takes: SessionDoor.sdp, publish),
        ] + SessionRoutes(role: .publisher, sessions: sessions).routes
    }

    /// Makes the room when there is none.
    private func publish(_ call: Call) async throws -> Answer {
        let name = try call.room()
        let displayName = try call.displayName()
        let options = PublishOffer.Options(scalabilityMode: try scalabilityMode(call))
        let offer = try await call.offer()
        let room = try await rooms.room(name)
        let publishing = try PublishOffer(offer, router: room.routerCapabilities, options: options)
        guard publishing.rejections.isEmpty else { throw Problem.partlyAcceptable(publishing.rejections) }

        let session = try await sessions.open(.publisher, in: room, name: displayName)
        do {
            var tracks: [SessionTrack] = []
            for track in publishing.tracks {
                let made = try await room.produce(
                    on: session.transport.id, of: session.member.id,
                    ProduceOptions(kind: track.kind, rtpParameters: track.rtpParameters))
                tracks.append(SessionTrack(mediaID: offer.place(of: track.mid), producer: made.id))
            }
            await session.carry(tracks)
            let remote = publishing.transport
            try await session.connect(DTLSParameters(remote), remoteFragment: remote.credentials.usernameFragment)
        } catch {
            await session.end(reason: ClosingReason.requested)
            throw error
        }
        let answer = publishing.answer(
            LocalTransport(session.transport), sessionID: WebRTCDescription.newSessionID())
        return await SessionDoor.created(session, answer: answer, iceServers: iceServers)
    }

    /// How many layers a stream has: SDP doesn't tell.
    private func scalabilityMode(_ call: Call) throws(ControlError) -> String? {
        guard let text = call.query["scalabilityMode"], !text.isEmpty else { return nil }
        guard ScalabilityMode(parsing: text) != ScalabilityMode() || text == "L1T1" else {
            throw .type("scalabilityMode \"\(text)\" is none; it must be like L3T3_KEY")
        }
        return text
    }
}
