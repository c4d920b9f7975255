import Control
import ORTC
import Signaling

extension MetricsCollector {
    static func metrics(of rooms: [RoomSnapshot]) -> [Metric] {
        let producers = rooms.flatMap(\.producers)
        let transports = rooms.flatMap(\.transports)
        return [
            Metric("ladle_rooms", .gauge, "Rooms that are open.", rooms.count),
            Metric(
                "ladle_broadcasters", .gauge, "Broadcasters in rooms, by what they are to them.",
                count(rooms.flatMap(\.broadcasters), by: "role", Broadcaster.Role.allCases.map(\.rawValue)) {
                    $0.role.rawValue
                }),
            Metric(
                "ladle_transports", .gauge, "Transports, by kind.",
                count(transports, by: "kind", ["plain", "webrtc"]) { $0.webRTC == nil ? "plain" : "webrtc" }),
            Metric(
                "ladle_webrtc_transports", .gauge, "WebRTC transports, by how far their clients have come.",
                count(transports.compactMap(\.webRTC), by: "state", WebRTCStage.allCases.map(\.rawValue)) {
                    WebRTCStage($0).rawValue
                }),
            Metric("ladle_producers", .gauge, "Producers, by kind and codec.", byCodec(producers)),
            Metric(
                "ladle_producers_flowing", .gauge, "Producers whose packets come, by kind.",
                count(producers.filter(\.flowing), by: "kind", kinds) { $0.kind.rawValue }),
            Metric(
                "ladle_consumers", .gauge, "Consumers, by kind.",
                count(rooms.flatMap(\.consumers), by: "kind", kinds) { $0.kind.rawValue }),
        ]
    }

    /// What EventTally has counted.
    static func webRTCMetrics(of counts: EventTally.Counts) -> [Metric] {
        [
            Metric(
                "ladle_webrtc_handshakes_total", .counter, "DTLS handshakes that ended, by outcome.",
                EventTally.Handshake.allCases.map { outcome in
                    .init(Double(counts.handshakes[outcome] ?? 0), [.init("outcome", outcome.rawValue)])
                }),
            Metric(
                "ladle_webrtc_disconnects_total", .counter, "WebRTC clients of which nothing was heard any more.",
                [.init(Double(counts.disconnects))]),
        ]
    }

    private static let kinds = [MediaKind.audio.rawValue, MediaKind.video.rawValue]

    private struct KindAndCodec: Hashable {
        var kind: String
        /// Without its kind and as clients don't agree to write it: "vp8".
        var codec: String
    }

    private static func byCodec(_ producers: [RoomProducer]) -> [Metric.Sample] {
        var counts: [KindAndCodec: Int] = [:]
        for producer in producers {
            let codec = producer.codec.split(separator: "/").last.map { $0.lowercased() } ?? "unknown"
            counts[KindAndCodec(kind: producer.kind.rawValue, codec: codec), default: 0] += 1
        }
        return counts.sorted { ($0.key.kind, $0.key.codec) < ($1.key.kind, $1.key.codec) }.map { key, count in
            .init(Double(count), [.init("kind", key.kind), .init("codec", key.codec)])
        }
    }

    /// How many there are of each; all of `values` are listed, so that a figure is 0 before it is anything else.
    static func count<Element>(
        _ elements: [Element], by label: String, _ values: [String], _ value: (Element) -> String
    ) -> [Metric.Sample] {
        var counts = Dictionary(uniqueKeysWithValues: values.map { ($0, 0) })
        for element in elements { counts[value(element), default: 0] += 1 }
        return values.map { .init(Double(counts[$0] ?? 0), [.init(label, $0)]) }
    }
}

/// How far a WebRTC client has come, in one word.
enum WebRTCStage: String, CaseIterable {
    /// No check has come yet.
    case new
    /// ICE has found a way; the handshake is under way.
    case connecting
    case connected
    /// Nothing is heard of it any more.
    case disconnected
    /// DTLS failed.
    case failed
    /// It said goodbye.
    case closed

    init(_ states: WebRTCStates) {
        self =
            switch (states.dtls, states.ice) {
            case (.failed, _): .failed
            case (.closed, _): .closed
            case (_, .disconnected): .disconnected
            case (_, .new): .new
            case (.connected, .connected), (.connected, .completed): .connected
            case (.new, _), (.connecting, _): .connecting
            }
    }
}
