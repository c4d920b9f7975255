import Base
import Control
import Events
import MediaCore
import ORTC
import ScriptedCore
import Testing

/// Rooms over a scripted core, on a clock that stands still, with everything that was published.
struct RoomFixture {
    let core = ScriptedCore()
    let clock = ManualClock()
    let bus = EventBus(boot: "0a1b2c3d")
    let rooms: Rooms

    init(idleTimeout: Duration = .seconds(60)) {
        rooms = Rooms(
            core: core, events: bus, configuration: RoomsConfiguration(idleTimeout: idleTimeout), clock: clock)
    }

    static let opus = ProduceOptions(
        kind: .audio,
        rtpParameters: RTPParameters(
            codecs: [
                RTPCodecParameters(mimeType: "audio/opus", payloadType: 100, clockRate: 48_000, channels: 2)
            ], encodings: [RTPEncodingParameters(ssrc: 1111)]))

    static let vp8 = ProduceOptions(
        kind: .video,
        rtpParameters: RTPParameters(
            codecs: [RTPCodecParameters(mimeType: "video/vp8", payloadType: 101, clockRate: 90_000)],
            encodings: [RTPEncodingParameters(ssrc: 2222)]))

    func broadcaster(_ id: String, capabilities: RTPCapabilities? = nil) -> Broadcaster {
        Broadcaster(
            id: id, displayName: "the \(id)", device: .init(name: "test"), rtpCapabilities: capabilities,
            cname: "cname-\(id)")
    }

    /// A broadcaster with one transport, on which it sends video.
    func sender(_ id: String, in room: Room) async throws -> (transport: TransportID, producer: ProducerID) {
        try await room.addBroadcaster(broadcaster(id))
        let transport = try await room.createPlainTransport(for: id).id
        return (transport, try await room.produce(on: transport, of: id, Self.vp8).id)
    }

    /// A broadcaster with one transport, on which it receives a producer.
    func receiver(
        _ id: String, of producer: ProducerID, in room: Room
    ) async throws -> (transport: TransportID, consumer: ConsumerID) {
        try await room.addBroadcaster(broadcaster(id, capabilities: room.routerCapabilities))
        let transport = try await room.createPlainTransport(for: id).id
        return (transport, try await room.consume(on: transport, of: id, ConsumeRequest(producer: producer)).id)
    }

    /// The facts after the first `skipped`, as "name subject (reason)".
    func story(after skipped: Int = 0) async -> [String] {
        var story: [String] = []
        for await event in bus.subscribe(.after(EventID(boot: bus.boot, number: skipped)), follow: false) {
            let members = event.json
            let subject = ["consumerId", "producerId", "transportId", "broadcasterId", "room"]
                .lazy.compactMap { members[$0]?.stringValue }.first
            let reason = members["reason"]?.stringValue.map { " (\($0))" } ?? ""
            story.append("\(event.fact.name) \(subject ?? "-")\(reason)")
        }
        return story
    }
}
