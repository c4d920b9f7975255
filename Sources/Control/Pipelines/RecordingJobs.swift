import Base
import PipelineControl
import PipelineDescription
import Pipelines

/// From what somebody asked for to the description that writes it. Pure: no file is made.
public struct RecordingJobs: Sendable {
    private let catalog: PipelineCatalog

    public init(catalog: PipelineCatalog) { self.catalog = catalog }

    /// Throws `invalid` with one line that names what does not fit and what would. Whether the file's name may be used
    /// at all, the folder says.
    public func plan(_ request: RecordingRequest) throws(ControlError) -> RecordingFormat {
        let named = request.output.flatMap { output in
            output.lastIndex(of: ".").flatMap {
                RecordJob.Container(fileExtension: String(output[output.index(after: $0)...]))
            }
        }
        let blueprint = try blueprint(for: request, container: named ?? .matroska)
        let values = try blueprint.checked(request.parameters)
        let container = try container(of: blueprint)
        if let named, named != container {
            throw .type(
                "pipeline \"\(blueprint.name)\" writes \(container.title), which does not go by the file name "
                    + "\"\(request.output ?? "")\"; possible: .\(container.fileExtension)")
        }
        guard case .gstreamer = blueprint.engine else { return RecordingFormat(libav: container) }
        guard let plan = blueprint.plan(values: values) else {
            throw .unsupported("pipeline \"\(blueprint.name)\" can't be run")
        }
        return RecordingFormat(gstreamer: plan, container: container, name: blueprint.name)
    }

    private func blueprint(
        for request: RecordingRequest, container: RecordJob.Container
    ) throws(ControlError) -> PipelineBlueprint {
        let usual =
            switch container {
            case .matroska: "record-mkv"
            case .webm: "record-webm"
            case .mp4: "record-mp4"
            }
        let name = request.pipeline ?? usual
        guard let blueprint = catalog[name], blueprint.kind == .record else {
            guard request.pipeline != nil else { throw .unsupported("there is no description \"\(name)\"") }
            let possible = catalog.blueprints.filter { $0.kind == .record }.map(\.name).joined(separator: ", ")
            let why =
                catalog[name] == nil
                ? "there is no pipeline \"\(name)\""
                : "pipeline \"\(name)\" brings something into a room, it records none"
            throw .type("\(why); possible: \(possible)")
        }
        return blueprint
    }

    private func container(of blueprint: PipelineBlueprint) throws(ControlError) -> RecordJob.Container {
        let container: PipelineBlueprint.Container? =
            switch blueprint.engine {
            case .libav(.record(let container)): container
            case .gstreamer(let plan): plan.container
            case .libav(.ingest): nil
            }
        switch container {
        case .matroska: return .matroska
        case .webm: return .webm
        case .mp4: return .mp4
        case nil: throw .unsupported("pipeline \"\(blueprint.name)\" writes no file")
        }
    }
}
