import Base
import ORTC
import PipelineControl
import PipelineDescription
import Pipelines

/// From what somebody asked for to what a pipeline process is told: the description that runs it, its parameters, the
/// job. Pure: no file is opened, no process started.
public struct IngestJobs: Sendable {
    private let catalog: PipelineCatalog

    public init(catalog: PipelineCatalog) { self.catalog = catalog }

    /// What an ingest needs besides its place in a room.
    public struct Plan: Sendable, Hashable {
        /// Without the router's codecs: the room is not known yet.
        public var job: IngestJob
        /// The file that goes in; nil: none does.
        public var file: String?
        /// Whose secrets must not be shown.
        public var address: SourceAddress?
        /// What everybody may see: in the status, in events, in the log.
        public var shownSource: String
        /// What the room calls it when the request does not say. Everybody in the room sees it: no path of a URL, which
        /// may hold a stream key.
        public var displayName: String
    }

    /// Throws `invalid` with one line that names what does not fit and what would.
    public func plan(_ request: IngestRequest) throws(ControlError) -> Plan {
        let blueprint = try blueprint(for: request)
        let values = try blueprint.checked(try given(by: request))
        let job = IngestJob(
            source: try source(of: request, blueprint, values), loop: values["loop"]?.boolValue ?? false,
            videoCodec: values["video"]?.stringValue.flatMap(VideoTarget.init) ?? request.video ?? .vp8,
            routerCodecs: [], retry: try retry(of: request))
        let address = knowing(job, request.source.address)
        return Plan(
            job: job, file: request.source.path, address: address,
            shownSource: address?.description
                ?? (request.source == .pipeline ? blueprint.name : request.source.text),
            displayName: displayName(of: request, blueprint))
    }

    /// The address with the secrets that only its use makes secrets: a stream key of one who publishes to us.
    private func knowing(_ job: IngestJob, _ address: SourceAddress?) -> SourceAddress? {
        guard case .network(let source) = job.source, source.listens, let address else { return address }
        // It was read once already, so it can be again.
        return (try? SourceAddress(address.secretText, listens: true)) ?? address
    }

    /// What an ingest may send into a room with these capabilities.
    public static func routerCodecs(of capabilities: RTPCapabilities) -> [TrackCodec] { capabilities.trackCodecs }

    // MARK: The description

    /// The names of all that fit, for messages.
    private func names(_ fits: (PipelineBlueprint) -> Bool) -> String {
        let names = catalog.blueprints.filter { $0.kind == .ingest && fits($0) }.map(\.name)
        return names.isEmpty ? "there is none" : names.joined(separator: ", ")
    }

    private func blueprint(for request: IngestRequest) throws(ControlError) -> PipelineBlueprint {
        guard let name = request.pipeline ?? request.source.usualPipeline else {
            throw .type("name a source, or a pipeline that makes its own; possible: \(names { $0.takes(.pipeline) })")
        }
        guard let blueprint = catalog[name] else {
            guard request.pipeline != nil else { throw .unsupported("there is no description \"\(name)\"") }
            throw .type("there is no pipeline \"\(name)\"; possible: \(names { $0.takes(request.source) })")
        }
        guard blueprint.kind == .ingest else {
            throw .type(
                "pipeline \"\(name)\" records a room, it brings nothing into one; possible: "
                    + names { $0.takes(request.source) })
        }
        guard blueprint.takes(request.source) else {
            guard request.source != .pipeline else {
                throw .type("pipeline \"\(name)\" needs \(blueprint.takenSource) as its source")
            }
            throw .type(
                "pipeline \"\(name)\" takes \(blueprint.takenSource), not \(request.source.words); possible: "
                    + names { $0.takes(request.source) })
        }
        return blueprint
    }

    // MARK: Parameters

    /// Everything that the request chose, by whatever way.
    private func given(by request: IngestRequest) throws(ControlError) -> [String: JSONValue] {
        var given: [String: JSONValue] = [:]
        if let address = request.source.address, address.scheme.isDevice {
            given = address.query.mapValues { .string($0) }
            guard given["device"] ?? .string(address.place) == .string(address.place) else {
                throw .type("the parameter \"device\" is given twice, and differently")
            }
            given["device"] = .string(address.place)
        }
        if request.loop { given["loop"] = true }
        if let video = request.video { given["video"] = .string(video.rawValue) }
        for (name, value) in request.parameters {
            guard given[name] ?? value == value else {
                throw .type("the parameter \"\(name)\" is given twice, and differently")
            }
            given[name] = value
        }
        return given
    }

    // MARK: The job

    private func source(
        of request: IngestRequest, _ blueprint: PipelineBlueprint, _ values: [String: JSONValue]
    ) throws(ControlError) -> IngestJob.Source {
        switch (blueprint.engine, request.source) {
        case (.libav(.ingest(.test)), _): return .test(TestSource(values))
        case (.libav(.ingest(.file)), .file(let name)): return .file(name: name)
        case (.libav(.ingest(.network)), .address(let address)):
            try check(request.parameters, fit: address.scheme)
            return .network(NetworkSource(address, values))
        default:
            guard let plan = blueprint.plan(values: values) else {
                throw .unsupported("pipeline \"\(blueprint.name)\" can't be run")
            }
            let name = request.source == .pipeline ? blueprint.name : request.source.text
            return .gstreamer(plan, name: name)
        }
    }

    /// What was asked for and would not be heeded.
    private func check(_ given: [String: JSONValue], fit scheme: SourceAddress.Scheme) throws(ControlError) {
        if given["transport"] != nil, scheme != .rtsp, scheme != .rtsps {
            throw .type("transport is for rtsp, and the address is one of \(scheme.rawValue)")
        }
        guard let listen = given["listen"], listen == true || listen == "true", scheme != .rtmp else { return }
        throw .type(
            scheme == .srt
                ? "listen is for rtmp; an address of srt says it itself, with mode=listener behind its ?"
                : "listen is for rtmp, and the address is one of \(scheme.rawValue)")
    }

    private func retry(of request: IngestRequest) throws(ControlError) -> RetryPolicy {
        switch request.source {
        case .address: return request.retry ?? .onceOpened
        case .pipeline: return request.retry ?? .never
        case .file, .test:
            guard request.retry ?? .never == .never else {
                throw .type("\(request.source.words) is not tried again; retry is for addresses and for pipelines")
            }
            return .never
        }
    }

    private func displayName(of request: IngestRequest, _ blueprint: PipelineBlueprint) -> String {
        switch request.source {
        case .test: "Test source"
        case .file(let path): String(path.split(separator: "/").last ?? "")
        case .pipeline: blueprint.name
        case .address(let address):
            switch address.scheme {
            case .v4l2: "Camera \(address.place)"
            case .alsa: "Microphone \(address.place)"
            default: address.place
            }
        }
    }
}

extension IngestRequest.Source {
    fileprivate var path: String? { if case .file(let path) = self { path } else { nil } }
    fileprivate var address: SourceAddress? { if case .address(let address) = self { address } else { nil } }

    /// The description that runs it when the request names none.
    fileprivate var usualPipeline: String? {
        switch self {
        case .test: "ingest-test"
        case .file: "ingest-file"
        case .pipeline: nil
        case .address(let address):
            switch address.scheme {
            case .v4l2: "ingest-camera"
            case .alsa: "ingest-microphone"
            case .http, .https, .rtsp, .rtsps, .rtmp, .rtmps, .srt, .udp: "ingest-network"
            }
        }
    }

    fileprivate var words: String {
        switch self {
        case .test: "the test source"
        case .file: "a file"
        case .pipeline: "a pipeline"
        case .address(let address): address.scheme.isDevice ? "a device" : "a network address"
        }
    }
}

extension PipelineBlueprint {
    fileprivate func takes(_ source: IngestRequest.Source) -> Bool {
        switch (engine, source) {
        case (.libav(.ingest(.test)), .test), (.libav(.ingest(.test)), .pipeline): true
        case (.libav(.ingest(.file)), .file): true
        case (.libav(.ingest(.network)), .address(let address)): !address.scheme.isDevice
        case (.gstreamer(let plan), .file): plan.takesFile
        case (.gstreamer(let plan), .address(let address)): !plan.takesFile && address.scheme.isDevice && hasDevice
        case (.gstreamer(let plan), .pipeline): !plan.takesFile && (!hasDevice || deviceHasDefault)
        default: false
        }
    }

    private var device: PipelineParameter? { parameters.first { $0.name == "device" } }
    private var hasDevice: Bool { device != nil }
    private var deviceHasDefault: Bool { device?.defaultValue != nil }

    fileprivate var takenSource: String {
        switch engine {
        case .libav(.ingest(.test)): "the test source"
        case .libav(.ingest(.file)): "a file"
        case .libav(.ingest(.network)): "a network address"
        case .libav(.record): "nothing"
        case .gstreamer(let plan): plan.takesFile ? "a file" : hasDevice ? "a device" : "no source but its own"
        }
    }
}

extension TestSource {
    fileprivate init(_ values: [String: JSONValue]) {
        self.init()
        width = values["width"]?.integerValue.map(Int.init) ?? width
        height = values["height"]?.integerValue.map(Int.init) ?? height
        framesPerSecond = values["framesPerSecond"]?.integerValue.map(Int.init) ?? framesPerSecond
        seconds = values["seconds"]?.doubleValue
    }
}

extension NetworkSource {
    fileprivate init(_ address: SourceAddress, _ values: [String: JSONValue]) {
        self.init(url: address.secretText)
        transport = values["transport"]?.stringValue.flatMap(RTSPTransport.init) ?? transport
        listens = values["listen"]?.boolValue ?? listens
        patience = values["patience"]?.doubleValue ?? patience
    }
}
