import Base
import Control
import FoundationEssentials
import ORTC
import PipelineControl
import Testing
import Yams

/// docs/openapi.yaml and the routes say the same, in both directions.
@Suite struct OpenAPITests {
    private static func document() throws -> JSONValue {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = String(decoding: try Data(contentsOf: URL(filePath: "/\(root)/docs/openapi.yaml")), as: UTF8.self)
        return json(try #require(try Yams.compose(yaml: text)))
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            .object(
                Dictionary(
                    mapping.map { ($0.key.string ?? "", json($0.value)) }, uniquingKeysWith: { first, _ in first }))
        case .sequence(let sequence): .array(sequence.map(json))
        default: node.bool.map { .bool($0) } ?? node.int.map { JSONValue($0) } ?? .string(node.string ?? "")
        }
    }

    @Test func `every route is documented and every documented route exists`() async throws {
        let paths = try #require(try Self.document()["paths"]?.objectValue)
        let documented = paths.flatMap { path, item in
            (item.objectValue ?? [:]).keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
        }
        try await Gateway.run { gateway in
            #expect(Set(documented) == Set(gateway.server.routes))
            #expect(gateway.server.routes.count == Set(gateway.server.routes).count)
        }
    }

    @Test func `each path declares its names, and each reference leads somewhere`() throws {
        let document = try Self.document()
        for (path, item) in try #require(document["paths"]?.objectValue) {
            let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                String($0.dropFirst().dropLast())
            }
            let declared = (item["parameters"]?.arrayValue ?? []).compactMap { parameter in
                resolve(parameter, document)?["name"]?.stringValue
            }
            #expect(declared == names, "\(path)")
        }
        var references: [String] = []
        collect(document, into: &references)
        #expect(references.count > 100)
        for reference in Set(references) { #expect(lookUp(reference, document) != nil, "\(reference)") }
        let components = try #require(document["components"]?.objectValue)
        for (kind, entries) in components where kind != "securitySchemes" {
            for name in (entries.objectValue ?? [:]).keys {
                #expect(references.contains("#/components/\(kind)/\(name)"), "nobody uses \(kind)/\(name)")
            }
        }
    }

    @Test func `answers have the members that their schemas ask for, and no others`() async throws {
        let document = try Self.document()
        try await Gateway.run { gateway in
            let client = gateway.client
            let scene = try await BroadcasterRouteTests.Scene(gateway)
            let plain = try await client("POST", "\(scene.base)/s/transports", json: ["type": "plain"])
            check(plain, "PlainTransport", document)
            check(
                try await client(
                    "POST", "\(scene.base)/r/transports/\(scene.receiving)/consume?producerId=\(scene.producer)"),
                "Consumer", document)
            check(try await client("GET", "/rooms/demo"), "RTPCapabilities", document)
            check(try await client("GET", "/api/v1/rooms"), "Rooms", document)
            check(try await client("GET", "/api/v1/version"), "Version", document)
            check(try await client("GET", "/api/v1/rooms/nope"), "Problem", document)
            check(
                try await client("POST", "/api/v1/ingests", json: ["room": "d", "source": "test"]), "Ingest", document)
            check(try await client("GET", "/api/v1/ingests"), "Ingests", document)
            await gateway.pipelines.set(
                IngestStatus(
                    id: "ingest-1", room: "d", source: "rtsp://cam/1", state: .running,
                    interruption: SourceInterruption(reason: "it said nothing for 5 s", attempts: 1, retrySeconds: 0.1))
            )
            check(try await client("GET", "/api/v1/ingests/ingest-1"), "Ingest", document)
            check(try await client("GET", "/api/v1/pipelines"), "Pipelines", document)
            check(try await client("GET", "/api/v1/pipelines/ingest-test"), "Pipeline", document)
            check(try await client("POST", "/api/v1/recordings", json: ["room": "d"]), "Recording", document)
            check(try await client("DELETE", "/api/v1/recordings/recording-1"), "Recording", document)
            check(try await client("GET", "/health/live"), "Liveness", document)
            check(try await client("GET", "/health/ready"), "Readiness", document)
        }
    }

    private func check(_ reply: Reply, _ schema: String, _ document: JSONValue) {
        guard let value = reply.json else {
            Issue.record("\(schema): no JSON in \(reply)")
            return
        }
        check(value, ["$ref": .string("#/components/schemas/\(schema)")], document, at: schema)
    }

    /// The part of JSON Schema that the document uses.
    private func check(_ value: JSONValue, _ schema: JSONValue, _ document: JSONValue, at place: String) {
        let schema = resolve(schema, document) ?? schema
        let type = schema["type"]?.stringValue
        let fits =
            switch type {
            case "object": value.objectValue != nil
            case "array": value.arrayValue != nil
            case "string": value.stringValue != nil
            case "integer": value.integerValue != nil
            case "number": value.doubleValue != nil
            case "boolean": value.boolValue != nil
            default: true
            }
        #expect(fits, "\(place) is no \(type ?? "?"): \(value.text)")
        if let allowed = schema["enum"]?.arrayValue { #expect(allowed.contains(value), "\(place): \(value.text)") }
        for required in schema["required"]?.arrayValue ?? [] {
            #expect(value[required.stringValue ?? ""] != nil, "\(place) lacks \(required.text)")
        }
        if let properties = schema["properties"]?.objectValue {
            for (name, member) in value.objectValue ?? [:] {
                guard let property = properties[name] else {
                    Issue.record("\(place) has \(name), which is not documented")
                    continue
                }
                check(member, property, document, at: "\(place).\(name)")
            }
        }
        if let items = schema["items"] {
            for element in value.arrayValue ?? [] { check(element, items, document, at: "\(place)[]") }
        }
    }

    private func resolve(_ value: JSONValue, _ document: JSONValue) -> JSONValue? {
        value["$ref"]?.stringValue.flatMap { lookUp($0, document) }
    }

    private func lookUp(_ reference: String, _ document: JSONValue) -> JSONValue? {
        reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
    }

    private func collect(_ value: JSONValue, into references: inout [String]) {
        if let reference = value["$ref"]?.stringValue { references.append(reference) }
        for member in (value.objectValue ?? [:]).values { collect(member, into: &references) }
        for element in value.arrayValue ?? [] { collect(element, into: &references) }
    }
}
