import Base
import StrictYAML

extension PipelineBlueprint {
    /// Reads one file of `pipelines/`.
    /// - Parameter file: Its name, for messages.
    public init(yaml: String, file: String) throws(YAMLFileError) {
        let top = try YAMLReader(yaml: yaml, file: file)
        // The engine and the kind decide which keys there may be besides.
        let common = ["name", "kind", "engine", "help", "parameters", "slots"]
        let entries = try top.entries()
        func entry(_ key: String) throws(YAMLFileError) -> YAMLReader {
            guard let value = entries.first(where: { $0.name == key })?.value else {
                throw top.error("the key \"\(key)\" is missing")
            }
            return value
        }
        let kind = try entry("kind").word(of: PipelineKind.allCases)
        let engineEntry = try entry("engine")
        let engineName = try engineEntry.text()
        guard Engine.names.contains(engineName) else {
            throw engineEntry.error("\"\(engineName)\" is not one of \(Engine.names.joined(separator: ", "))")
        }
        let own = kind == .ingest ? "source" : "container"
        let members = try top.members(allowed: common + [own])

        let name = try Self.name(try entry("name"))
        let help = try entry("help").text()
        let plan: LibAVPlan =
            switch kind {
            case .ingest: .ingest(try entry(own).word(of: Source.allCases))
            case .record: .record(try entry(own).word(of: Container.allCases))
            }
        let parameters = try members["parameters"].map { parameters throws(YAMLFileError) in
            try Self.parameters(parameters)
        }
        let slots = try Self.slots(try entry("slots"), of: .libav(plan))
        self.init(
            name: name, kind: kind, engine: .libav(plan), help: help, parameters: parameters ?? [], slots: slots,
            file: file)
    }

    private static func name(_ entry: YAMLReader) throws(YAMLFileError) -> String {
        let name = try entry.text()
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isPlain, name.utf8.count <= 64 else {
            throw entry.error("a name has small letters, digits and dashes, 64 at most")
        }
        return name
    }

    private static func slots(
        _ entry: YAMLReader, of engine: Engine
    ) throws(YAMLFileError) -> [Slot] {
        let needed = neededSlots(engine)
        var slots: [Slot] = []
        for element in try entry.elements() {
            let slot = try element.word(of: needed)
            guard !slots.contains(slot) else { throw element.error("\"\(slot.rawValue)\" is named twice") }
            slots.append(slot)
        }
        let missing = needed.filter { !slots.contains($0) }.map(\.rawValue)
        guard missing.isEmpty else {
            throw entry.error("missing: \(missing.joined(separator: ", "))")
        }
        return slots
    }

    private static func parameters(
        _ entry: YAMLReader
    ) throws(YAMLFileError) -> [PipelineParameter] {
        var parameters: [PipelineParameter] = []
        for (name, key, value) in try entry.entries() {
            guard let first = name.unicodeScalars.first, first.properties.isAlphabetic,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
            else { throw key.error("a parameter's name has letters and digits only, a letter first") }
            parameters.append(try parameter(name, value))
        }
        return parameters
    }

    private static func parameter(
        _ name: String, _ entry: YAMLReader
    ) throws(YAMLFileError) -> PipelineParameter {
        let members = try entry.members(allowed: ["type", "default", "allowed", "minimum", "maximum", "help"])
        guard let type = members["type"] else { throw entry.error("the key \"type\" is missing") }
        guard let help = members["help"] else { throw entry.error("the key \"help\" is missing") }
        var parameter = PipelineParameter(
            name: name, type: try type.word(of: PipelineParameter.ValueType.allCases), help: try help.text())
        for (key, path) in [("minimum", \PipelineParameter.minimum), ("maximum", \PipelineParameter.maximum)] {
            guard let limit = members[key] else { continue }
            guard parameter.type == .integer || parameter.type == .number else {
                throw limit.error("only integers and numbers have limits")
            }
            parameter[keyPath: path] = try limit.number()
        }
        if let maximum = members["maximum"], let low = parameter.minimum, let high = parameter.maximum, low > high {
            throw maximum.error("the maximum is less than the minimum")
        }
        if let allowed = members["allowed"] {
            var values: [JSONValue] = []
            for element in try allowed.elements() {
                let value = try element.value()
                if let complaint = parameter.complaint(about: value) { throw element.error(complaint) }
                values.append(value)
            }
            guard !values.isEmpty else { throw allowed.error("the list is empty") }
            parameter.allowed = values
        }
        if let entry = members["default"] {
            let value = try entry.value()
            if let complaint = parameter.complaint(about: value) { throw entry.error(complaint) }
            parameter.defaultValue = value
        }
        return parameter
    }
}
