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
        let isGStreamer = engineName == "gstreamer"
        let members = try top.members(allowed: common + [own] + (isGStreamer ? ["launch", "branches"] : []))

        let name = try Self.name(try entry("name"))
        let help = try entry("help").text()
        let parameters: ParameterList =
            if let list = members["parameters"] { try Self.parameters(list, isGStreamer: isGStreamer) } else { .init() }
        let engine: Engine
        if isGStreamer {
            let texts = LaunchTexts(yaml: yaml)
            var plan = GStreamerBlueprint(
                takesFile: false, container: nil, launch: try texts.text(of: try entry("launch")), branches: [:],
                sets: parameters.sets)
            plan.setsPlaces = parameters.setsPlaces
            switch kind {
            case .ingest: plan.takesFile = try entry(own).word(of: OwnSource.allCases) == .file
            case .record: plan.container = try entry(own).word(of: Container.allCases)
            }
            if let branches = members["branches"] { plan.branches = try texts.branches(of: branches) }
            for (parameter, entry) in parameters.enables {
                let branch = try entry.text()
                guard plan.branches[branch] != nil else {
                    throw entry.error("\"\(branch)\" is none of the branches")
                }
                plan.enables[parameter] = branch
            }
            engine = .gstreamer(plan)
        } else {
            engine =
                switch kind {
                case .ingest: .libav(.ingest(try entry(own).word(of: Source.allCases)))
                case .record: .libav(.record(try entry(own).word(of: Container.allCases)))
                }
        }
        let slots = try Self.slots(try entry("slots"), of: engine)
        self.init(
            name: name, kind: kind, engine: engine, help: help, parameters: parameters.parameters, slots: slots,
            file: file)
    }

    /// Where media comes from in a description of GStreamer.
    private enum OwnSource: String, CaseIterable {
        /// A file goes into the element `input`.
        case file
        /// Its own elements make it.
        case none
    }

    /// Parameters, and what each sets.
    private struct ParameterList {
        var parameters: [PipelineParameter] = []
        var sets: [String: [String]] = [:]
        /// By name, the key that says which branch it enables.
        var enables: [(name: String, entry: YAMLReader)] = []
        /// By what is set: where the file says so.
        var setsPlaces: [String: GStreamerBlueprint.SetsPlace] = [:]
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
        _ entry: YAMLReader, isGStreamer: Bool
    ) throws(YAMLFileError) -> ParameterList {
        var list = ParameterList()
        for (name, key, value) in try entry.entries() {
            guard let first = name.unicodeScalars.first, first.properties.isAlphabetic,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
            else { throw key.error("a parameter's name has letters and digits only, a letter first") }
            let known = ["type", "default", "allowed", "minimum", "maximum", "help"]
            let members = try value.members(allowed: known + (isGStreamer ? ["sets", "enables"] : []))
            let parameter = try parameter(name, value, members)
            list.parameters.append(parameter)
            if let enables = members["enables"] { list.enables.append((name, enables)) }
            if let sets = members["sets"] {
                try note(sets, of: name, in: &list)
            } else if isGStreamer, let complaint = complaintWithoutSets(parameter) {
                throw value.error(complaint)
            }
        }
        return list
    }

    /// Reads `sets: title.text`, or a list of such words.
    private static func note(
        _ sets: YAMLReader, of parameter: String, in list: inout ParameterList
    ) throws(YAMLFileError) {
        let entries = (try? sets.elements()) ?? [sets]
        guard !entries.isEmpty else { throw sets.error("the list is empty") }
        for entry in entries {
            let target = try entry.text()
            let words = target.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let isPlain = target.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                        || "-_.:".contains(Character($0)))
            }
            guard words.count == 2, words.allSatisfy({ !$0.isEmpty }), isPlain else {
                throw entry.error("an element's name and a property with a dot between is expected, like title.text")
            }
            guard list.setsPlaces[target] == nil else { throw entry.error("\"\(target)\" is set twice") }
            let place = entry.error("")
            list.sets[parameter, default: []].append(target)
            list.setsPlaces[target] = GStreamerBlueprint.SetsPlace(
                place: GStreamerBlueprint.Place(line: place.line, column: place.column), key: place.key ?? "")
        }
    }

    /// Two parameters are heard by the engine itself; any other must set something.
    private static func complaintWithoutSets(_ parameter: PipelineParameter) -> String? {
        switch parameter.name {
        case "loop": parameter.type == .boolean ? nil : "loop is heard by the engine itself and must be a boolean"
        case "video":
            parameter.type == .string
                && parameter.allowed.map { !$0.isEmpty && $0.allSatisfy { $0 == "vp8" || $0 == "h264" } } == true
                ? nil : "video is heard by the engine itself: a string with allowed: [vp8, h264] or one of them"
        default: "it sets nothing: say \"sets: element.property\""
        }
    }

    private static func parameter(
        _ name: String, _ entry: YAMLReader, _ members: [String: YAMLReader]
    ) throws(YAMLFileError) -> PipelineParameter {
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
