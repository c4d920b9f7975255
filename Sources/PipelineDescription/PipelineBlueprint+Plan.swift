import Base
import PipelineControl
import StrictYAML

extension PipelineBlueprint {
    /// What a pipeline process is to run. Nil for other engines.
    /// - Parameter values: from `values(_:)`; a parameter without a value sets
    ///   nothing, and the branch that it enables is left out.
    public func plan(values: [String: JSONValue]) -> GStreamerPlan? {
        plan { values[$0.name] }
    }

    /// What a pipeline process is to look at, for `check`: with defaults, and null where a request must say the value,
    /// so that what it sets is looked for all the same. Nil for other engines.
    public var planForChecking: GStreamerPlan? {
        plan { $0.defaultValue ?? .null }
    }

    private func plan(_ value: (PipelineParameter) -> JSONValue?) -> GStreamerPlan? {
        guard case .gstreamer(let blueprint) = engine else { return nil }
        var properties: [GStreamerPlan.Property] = []
        var branches = blueprint.branches.mapValues(\.text)
        for parameter in parameters {
            guard let value = value(parameter) else {
                if let branch = blueprint.enables[parameter.name] { branches[branch] = nil }
                continue
            }
            for target in blueprint.sets[parameter.name] ?? [] {
                let words = target.split(separator: ".", maxSplits: 1)
                guard words.count == 2 else { continue }
                properties.append(
                    GStreamerPlan.Property(element: String(words[0]), property: String(words[1]), value: value))
            }
        }
        return GStreamerPlan(
            launch: blueprint.launch.text, branches: branches, properties: properties,
            input: blueprint.takesFile ? "input" : nil)
    }

    /// A complaint of `check` as an error of the description's file, with line, column and key.
    public func error(for complaint: PlanComplaint) -> YAMLFileError {
        let (place, key) = whereabouts(complaint)
        return YAMLFileError(
            file: file, line: place?.line ?? 0, column: place?.column ?? 0, key: key, message: complaint.message)
    }

    private func whereabouts(_ complaint: PlanComplaint) -> (place: GStreamerBlueprint.Place?, key: String?) {
        guard case .gstreamer(let blueprint) = engine else { return (nil, nil) }
        let part = complaint.part
        if part.hasPrefix("properties.") {
            let place = blueprint.setsPlaces[String(part.dropFirst("properties.".count))]
            return (place?.place, place?.key ?? part)
        }
        let text =
            part == "launch" ? blueprint.launch : blueprint.branches[String(part.trimmingPrefix("branches."))]
        guard let text else { return (nil, part.isEmpty ? nil : part) }
        return (complaint.offset.flatMap { text.place(ofUTF8: $0) } ?? text.places.first, part)
    }
}
