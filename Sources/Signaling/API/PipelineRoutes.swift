import Base
import Control
import PipelineDescription

/// The descriptions that requests can name.
struct PipelineRoutes: Sendable {
    let pipelines: any PipelineControlling

    var routes: [Route] {
        [
            Route(.get, "/api/v1/pipelines", list),
            Route(.get, "/api/v1/pipelines/{pipeline}", show),
        ]
    }

    private func list(_ call: Call) async throws -> Answer {
        .json(["pipelines": .array(await pipelines.blueprints().map(\.json))])
    }

    private func show(_ call: Call) async throws -> Answer {
        let name = call.name("pipeline")
        let blueprints = await pipelines.blueprints()
        guard let blueprint = blueprints.first(where: { $0.name == name }) else {
            throw ControlError.notFound(
                "pipeline \"\(name)\" does not exist; there are \(blueprints.map(\.name).joined(separator: ", "))")
        }
        return .json(blueprint.json)
    }
}

extension PipelineBlueprint {
    fileprivate var json: JSONValue {
        [
            "name": .string(name),
            "kind": .string(kind.rawValue),
            "engine": .string(engine.name),
            "help": .string(help),
            "parameters": .array(parameters.map(\.json)),
        ]
    }
}

extension PipelineParameter {
    fileprivate var json: JSONValue {
        .object(omittingAbsent: [
            "name": .string(name),
            "type": .string(type.rawValue),
            "default": defaultValue,
            "allowed": allowed.map { .array($0) },
            "minimum": minimum.map { .double($0) },
            "maximum": maximum.map { .double($0) },
            "help": .string(help),
        ])
    }
}
