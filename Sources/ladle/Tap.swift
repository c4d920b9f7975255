import Base
import Glibc
import ORTC
import SDP

/// A broadcaster of its own in a room, consuming everything there on ports of a player.
struct Tap {
    private struct Track {
        let kind: String
        let transport: String
        let consumer: String
        let ports: (rtp: UInt16, rtcp: UInt16)
        let description: MediaDescription
    }

    let client: GatewayClient
    let room: String
    /// Where the player runs.
    let address: String
    private let id = "tap-" + String(UInt32.random(in: .min ... .max), radix: 16)
    private var tracks: [Track] = []
    private var joined = false

    init(client: GatewayClient, room: String, address: String) {
        self.client = client
        self.room = room
        self.address = address
    }

    var description: SessionDescription {
        SessionDescription(name: "Ladle room \(room)", media: tracks.map(\.description))
    }

    /// One transport and one paused consumer for each producer of the room.
    mutating func open(onlyFrom broadcaster: String?) async throws {
        let snapshot: JSONValue
        do { snapshot = try await client.call(.GET, "/api/v1/rooms/\(room.asPathSegment)") } catch let error
            as GatewayRefusal
            where error.status == 404
        {
            throw GatewayRefusal(status: 404, message: "there is no room \"\(room)\"; `ladle rooms` lists them")
        }
        let producers = (snapshot["producers"]?.arrayValue ?? []).filter {
            broadcaster == nil || $0["broadcasterId"]?.stringValue == broadcaster
        }
        guard !producers.isEmpty else {
            throw GatewayRefusal(status: 404, message: "nobody sends anything into the room \"\(room)\"")
        }
        try await client.call(
            .POST, path(""),
            [
                "id": JSONValue(id), "displayName": "tap", "device": ["name": "ladle tap"],
                "rtpCapabilities": try await capabilities(),
            ])
        joined = true
        for producer in producers {
            guard let producerID = producer["id"]?.stringValue else { continue }
            tracks.append(try await consume(producerID))
        }
    }

    /// What a player understands: the room's codecs without retransmission and without header extensions.
    private func capabilities() async throws -> JSONValue {
        var all = try RTPCapabilities(json: try await client.call(.GET, "/rooms/\(room.asPathSegment)"))
        all.headerExtensions = []
        all.codecs = all.codecs.filter { !$0.mimeType.lowercased().hasSuffix("/rtx") }
        for index in all.codecs.indices {
            all.codecs[index].rtcpFeedback = all.codecs[index].rtcpFeedback.filter {
                $0 == RTCPFeedback("nack", "pli") || $0 == RTCPFeedback("ccm", "fir")
            }
        }
        return all.json
    }

    private func consume(_ producer: String) async throws -> Track {
        let ports = try PortPair.free()
        let transport = try await client.call(
            .POST, path("/transports"), ["type": "plain", "comedia": false, "rtcpMux": false])
        let transportID = transport["id"]?.stringValue ?? ""
        let transportPath = path("/transports/\(transportID.asPathSegment)")
        try await client.call(
            .POST, transportPath + "/connect",
            ["ip": JSONValue(address), "port": JSONValue(ports.rtp), "rtcpPort": JSONValue(ports.rtcp)])
        let consumer = try await client.call(
            .POST, transportPath + "/consume", ["producerId": JSONValue(producer), "paused": true])
        let parameters = try RTPParameters(json: consumer["rtpParameters"] ?? .null)
        let kind = consumer["kind"]?.stringValue ?? "video"
        guard let codec = parameters.codecs.first, let destination = SocketAddress(address, port: ports.rtp) else {
            throw GatewayRefusal(status: 200, message: "the gateway answered a consumer without a codec")
        }
        return Track(
            kind: kind, transport: transportID, consumer: consumer["id"]?.stringValue ?? "", ports: ports,
            description: MediaDescription(
                kind: kind == "audio" ? .audio : .video, destination: destination, rtcp: .port(ports.rtcp),
                payloadType: codec.payloadType, encodingName: codec.encodingName, clockRate: codec.clockRate,
                channels: codec.channels ?? 1,
                parameters: codec.parameters.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.plainText) },
                ssrc: parameters.encodings.first?.ssrc, cname: parameters.rtcp.cname))
    }

    /// Resumes each consumer while somebody listens on its port: a player that comes late gets a whole picture too.
    func serve() async throws {
        var isOpen = [Bool](repeating: false, count: tracks.count)
        while !Task.isCancelled {
            for (index, track) in tracks.enumerated() {
                // Of another machine's ports nobody here knows anything: media flows at once.
                let listens = isRemote || !PortPair.isFree(track.ports.rtp)
                guard listens != isOpen[index] else { continue }
                isOpen[index] = listens
                try await client.call(
                    .POST, path("/consumers/\(track.consumer.asPathSegment)/\(listens ? "resume" : "pause")"))
            }
            // A player needs longer than this to be ready for its first packet.
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private var isRemote: Bool { !(address.hasPrefix("127.") || address == "::1") }

    func close() async {
        guard joined else { return }
        _ = try? await client.call(.DELETE, path(""))
    }

    /// Of this tap's broadcaster; without a rest, of all of them when it is being made.
    private func path(_ rest: String) -> String {
        let all = "/rooms/\(room.asPathSegment)/broadcasters"
        return rest.isEmpty && !joined ? all : "\(all)/\(id)\(rest)"
    }
}

extension RTPCodecParameters {
    /// `VP8` of `video/VP8`.
    fileprivate var encodingName: String { String(mimeType.split(separator: "/").last ?? Substring(mimeType)) }
}

extension JSONValue {
    /// As fmtp writes it.
    fileprivate var plainText: String { stringValue ?? text }
}
