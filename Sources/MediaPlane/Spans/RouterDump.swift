import Base
import MediaCore

/// What a router's dump says of one of its parts, or of several together.
struct RouterDump: Sendable {
    private var members: [String: JSONValue]

    private static let maps = [
        "mapProducerIdConsumerIds", "mapProducerIdObserverIds", "mapDataProducerIdDataConsumerIds",
    ]
    private static let lists = [
        "transportIds", "rtpObserverIds", "mapConsumerIdProducerId", "mapDataConsumerIdDataProducerId",
    ]

    /// - Parameter hidden: The ends of pipes between the parts, which are left out.
    init(_ dump: JSONValue, without hidden: Set<Directory.Object>) {
        members = dump.objectValue ?? [:]
        var names: Set<JSONValue> = []
        for object in hidden {
            switch object {
            case .transport, .consumer, .dataConsumer: names.insert(JSONValue(object.id))
            case .router, .producer, .observer, .dataProducer: break
            }
        }
        if names.isEmpty { return }
        for list in Self.lists { set(list, entries(list).filter { !names.contains($0["key"] ?? $0) }) }
        for map in Self.maps {
            set(map, entries(map).map { Self.entry($0["key"], Self.values(of: $0).filter { !names.contains($0) }) })
        }
    }

    /// A producer that is on several parts stands once, with the consumers of all.
    mutating func add(_ other: RouterDump) {
        for list in Self.lists { set(list, entries(list) + other.entries(list)) }
        for map in Self.maps {
            var own = entries(map)
            for entry in other.entries(map) {
                if let place = own.firstIndex(where: { $0["key"] == entry["key"] }) {
                    own[place] = Self.entry(entry["key"], Self.values(of: own[place]) + Self.values(of: entry))
                } else {
                    own.append(entry)
                }
            }
            set(map, own)
        }
    }

    var value: JSONValue { .object(members) }

    private func entries(_ name: String) -> [JSONValue] { members[name]?.arrayValue ?? [] }
    private mutating func set(_ name: String, _ entries: [JSONValue]) { members[name] = .array(entries) }
    private static func values(of entry: JSONValue) -> [JSONValue] { entry["values"]?.arrayValue ?? [] }
    private static func entry(_ key: JSONValue?, _ values: [JSONValue]) -> JSONValue {
        ["key": key ?? .null, "values": .array(values)]
    }
}
