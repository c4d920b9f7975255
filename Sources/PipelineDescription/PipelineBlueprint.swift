import Base

/// Into a room, or out of one.
public enum PipelineKind: String, Sendable, Hashable, CaseIterable {
    case ingest, record
}

/// What one file of `pipelines/` describes: a pipeline that can be started, before anything of it exists.
public struct PipelineBlueprint: Sendable, Hashable {
    /// What runs it, with what only that engine needs. Each engine has keys of its own in the file.
    public enum Engine: Sendable, Hashable {
        case libav(LibAVPlan)
        case gstreamer(GStreamerBlueprint)

        /// As the file names it.
        public var name: String {
            switch self {
            case .libav: "libav"
            case .gstreamer: "gstreamer"
            }
        }

        static let names = ["libav", "gstreamer"]
    }

    public enum LibAVPlan: Sendable, Hashable {
        case ingest(Source)
        case record(Container)
    }

    public enum Source: String, Sendable, Hashable, CaseIterable { case file, test, network }
    public enum Container: String, Sendable, Hashable, CaseIterable { case matroska, webm, mp4 }

    /// What the daemon fills in when it starts the pipeline.
    public enum Slot: String, Sendable, Hashable, CaseIterable {
        /// The source's open file.
        case input
        /// Where a network source is found.
        case address
        /// What the room's router can carry.
        case codecs
        /// Address, SSRC and payload type for each track.
        case endpoints
        /// The recording's open file.
        case output
        /// The address to hear at.
        case listen
        /// Codec, SSRC and payload type of what will arrive.
        case tracks
    }

    /// Unique among all descriptions.
    public var name: String
    public var kind: PipelineKind
    public var engine: Engine
    /// One sentence for lists.
    public var help: String
    /// In the order of the file.
    public var parameters: [PipelineParameter]
    public var slots: [Slot]
    /// Where it was read from, for messages.
    public var file: String

    public init(
        name: String, kind: PipelineKind, engine: Engine, help: String, parameters: [PipelineParameter] = [],
        slots: [Slot], file: String
    ) {
        self.name = name
        self.kind = kind
        self.engine = engine
        self.help = help
        self.parameters = parameters
        self.slots = slots
        self.file = file
    }

    /// The slots that a pipeline of this kind and engine needs, all of them.
    static func neededSlots(_ engine: Engine) -> [Slot] {
        switch engine {
        case .libav(.ingest(.file)): [.input, .codecs, .endpoints]
        case .libav(.ingest(.network)): [.address, .codecs, .endpoints]
        case .libav(.ingest(.test)): [.codecs, .endpoints]
        case .libav(.record): [.output, .listen, .tracks]
        case .gstreamer(let plan):
            if plan.container != nil {
                [.output, .listen, .tracks]
            } else {
                plan.takesFile ? [.input, .codecs, .endpoints] : [.codecs, .endpoints]
            }
        }
    }
}

/// One thing that a request may choose.
public struct PipelineParameter: Sendable, Hashable {
    public enum ValueType: String, Sendable, Hashable, CaseIterable {
        case boolean, integer, number, string
    }

    public var name: String
    public var type: ValueType
    /// Nil: may be left out, and then has no value.
    public var defaultValue: JSONValue?
    /// Nil: every value of the type, within the limits.
    public var allowed: [JSONValue]?
    public var minimum: Double?
    public var maximum: Double?
    public var help: String

    public init(
        name: String, type: ValueType, defaultValue: JSONValue? = nil, allowed: [JSONValue]? = nil,
        minimum: Double? = nil, maximum: Double? = nil, help: String
    ) {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.allowed = allowed
        self.minimum = minimum
        self.maximum = maximum
        self.help = help
    }

    /// What is wrong with a value, in words that say what would be right; nil: nothing.
    public func complaint(about value: JSONValue) -> String? {
        guard type.fits(value) else { return "\(value.text) is no \(type.rawValue)" }
        if let allowed, !allowed.contains(value) {
            return "\(value.text) is not one of \(allowed.map(\.text).joined(separator: ", "))"
        }
        guard let number = value.doubleValue else { return nil }
        if let minimum, number < minimum { return "\(value.text) is less than \(JSONValue(minimum).text)" }
        if let maximum, number > maximum { return "\(value.text) is more than \(JSONValue(maximum).text)" }
        return nil
    }
}

extension PipelineParameter.ValueType {
    func fits(_ value: JSONValue) -> Bool {
        switch self {
        case .boolean: value.boolValue != nil
        case .integer: value.integerValue != nil
        case .number: value.doubleValue?.isFinite == true
        case .string: value.stringValue != nil
        }
    }
}

/// Why given parameters don't fit a blueprint: one line that names the parameter and what is allowed.
public struct PipelineParameterError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
}

extension PipelineBlueprint {
    /// All parameters with the given values and, for the rest, the defaults; those without either are absent.
    public func values(_ given: [String: JSONValue]) throws(PipelineParameterError) -> [String: JSONValue] {
        let known = Set(parameters.map(\.name))
        if let unknown = given.keys.filter({ !known.contains($0) }).min() {
            let list = parameters.map(\.name).joined(separator: ", ")
            throw PipelineParameterError(
                description: "\(name) has no parameter \"\(unknown)\"; it has \(list.isEmpty ? "none" : list)")
        }
        var values: [String: JSONValue] = [:]
        for parameter in parameters {
            guard let value = given[parameter.name] ?? parameter.defaultValue else { continue }
            if let complaint = parameter.complaint(about: value) {
                throw PipelineParameterError(description: "parameter \(parameter.name) of \(name): \(complaint)")
            }
            values[parameter.name] = value
        }
        return values
    }
}
