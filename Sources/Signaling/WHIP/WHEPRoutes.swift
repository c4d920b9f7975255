import Base
import Control
import MediaCore
import Negotiation
import SDP

/// Players that come with an offer (WHEP, draft-ietf-wish-whep).
struct WHEPRoutes: Sendable {
    let rooms: Rooms
    let sessions: ClientSessions
    let iceServers: [ICEServer]

    static let path = "/rooms/{room}/whep"

    var routes: [Route] {
        [
            Route(.get, Self.path) { _ in .nothing },
            Route(.post, Self.path, takes: SessionDoor.sdp, play),
        ] + SessionRoutes(role: .player, sessions: sessions).routes
            + PlayerRoutes(sessions: sessions).routes
    }

    /// Makes no room: where nobody sends there is nothing to play.
    private func play(_ call: Call) async throws -> Answer {
        let name = try call.room()
        let displayName = try call.displayName()
        let offer = try await call.offer()
        guard let room = await rooms.existing(name) else {
            throw Problem.nothingToPlay("nobody sends in room \"\(name)\" yet: there is no such room")
        }
        let playing = try PlayOffer(offer, router: room.routerCapabilities)
        let seats = try await seats(playing, in: room, for: wish(call))

        let session = try await sessions.open(.player, in: room, name: displayName)
        let answer: WebRTCDescription
        do {
            let tracks = try await consume(seats, by: session, offer)
            let remote = playing.transport
            try await session.connect(DTLSParameters(remote), remoteFragment: remote.credentials.usernameFragment)
            answer = playing.answer(
                LocalTransport(session.transport), tracks: tracks, sessionID: WebRTCDescription.newSessionID())
        } catch {
            await session.end(reason: ClosingReason.requested)
            throw error
        }
        return await SessionDoor.created(session, answer: answer, iceServers: iceServers)
    }

    // MARK: - Which section gets what

    private struct Seat {
        let section: PlayOffer.Section
        let producer: RoomProducer
    }

    /// `?producerId=`, more than once or with commas between, and `?broadcaster=`.
    private func wish(_ call: Call) -> PlayWish {
        let producers = call.queryItems.filter { $0.name == "producerId" }.flatMap { $0.value.split(separator: ",") }
        let broadcaster = call.query["broadcaster"].flatMap { $0.isEmpty ? nil : $0 }
        return PlayWish(producers: producers.map { ProducerID(rawValue: String($0)) }, broadcaster: broadcaster)
    }

    /// Each section gets the first producer of its kind that it can take; who asks for several must have room for all.
    private func seats(_ playing: PlayOffer, in room: Room, for wish: PlayWish) async throws -> [Seat] {
        let candidates = try await room.snapshot.producers(for: wish)
        guard !candidates.isEmpty else {
            throw Problem.nothingToPlay(
                wish.broadcaster.map { "broadcaster \"\($0)\" sends nothing in room \"\(room.name)\" yet" }
                    ?? "nobody sends in room \"\(room.name)\" yet")
        }
        var free = playing.sections.filter { !$0.capabilities.codecs.isEmpty }
        var seats: [Seat] = []
        for producer in candidates {
            var taken: Int?
            for (index, section) in free.enumerated() where section.kind == producer.kind && taken == nil {
                if await room.canConsume(producer.id, section.capabilities) { taken = index }
            }
            if let taken {
                seats.append(Seat(section: free.remove(at: taken), producer: producer))
            } else if !wish.producers.isEmpty {
                throw Problem.notPlayable(
                    "The offer has no section left that takes \(producer.codec) of producer \"\(producer.id)\".")
            }
        }
        guard !seats.isEmpty else {
            let codecs = candidates.map(\.codec).joined(separator: ", ")
            throw Problem.notPlayable("The offer takes nothing of what is sent in this room: \(codecs).")
        }
        return seats
    }

    /// - Returns: By the mid of their section.
    private func consume(
        _ seats: [Seat], by session: ClientSession, _ offer: WebRTCDescription
    ) async throws -> [String: PlayOffer.Track] {
        var answered: [String: PlayOffer.Track] = [:]
        var tracks: [SessionTrack] = []
        for seat in seats {
            let made = try await session.room.consume(
                on: session.transport.id, of: session.member.id,
                ConsumeRequest(
                    producer: seat.producer.id, rtpCapabilities: seat.section.capabilities, mid: seat.section.mid,
                    numbering: seat.section.numbering))
            answered[seat.section.mid] = PlayOffer.Track(
                rtpParameters: made.rtpParameters,
                msid: MediaStreamID(stream: seat.producer.cname, track: seat.producer.id.rawValue))
            tracks.append(
                SessionTrack(mediaID: offer.place(of: seat.section.mid), consumer: made, of: seat.producer))
        }
        await session.carry(tracks)
        return answered
    }
}
