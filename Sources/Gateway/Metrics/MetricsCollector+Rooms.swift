import Control
import ORTC
import Signaling

extension MetricsCollector {
    static func metrics(of rooms: [RoomSnapshot]) -> [Metric] {
        let producers = rooms.flatMap(\.producers)
        return [
            Metric("ladle_rooms", .gauge, "Rooms that are open.", rooms.count),
            Metric(
                "ladle_broadcasters", .gauge, "Broadcasters in rooms, by what they are to them.",
                count(rooms.flatMap(\.broadcasters), by: "role", Broadcaster.Role.allCases.map(\.rawValue)) {
                    $0.role.rawValue
                }),
            Metric(
                "ladle_transports", .gauge, "Transports, by kind.",
                [.init(Double(rooms.reduce(0) { $0 + $1.transports.count }), [.init("kind", "plain")])]),
            Metric("ladle_producers", .gauge, "Producers, by kind and codec.", byCodec(producers)),
            Metric(
                "ladle_producers_flowing", .gauge, "Producers whose packets come, by kind.",
                count(producers.filter(\.flowing), by: "kind", kinds) { $0.kind.rawValue }),
            Metric(
                "ladle_consumers", .gauge, "Consumers, by kind.",
                count(rooms.flatMap(\.consumers), by: "kind", kinds) { $0.kind.rawValue }),
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
