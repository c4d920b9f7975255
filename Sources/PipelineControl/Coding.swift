import Base
import FoundationEssentials

// Both directions look alike on the wire: {"type":"send", …members of the payload or "value"…}.

private enum Member: String, CodingKey { case type, value }

/// Why a line of the control channel can't be understood.
public struct PipelineControlError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
}

extension PipelineCommand {
    /// One line without its end.
    public var line: [UInt8] { get throws { try encodeLine(self) } }
    public init(line: some Sequence<UInt8>) throws(PipelineControlError) { self = try decodeLine(line) }
}

extension PipelineReport {
    /// One line without its end.
    public var line: [UInt8] { get throws { try encodeLine(self) } }
    public init(line: some Sequence<UInt8>) throws(PipelineControlError) { self = try decodeLine(line) }
}

private func encodeLine(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(value))
}

private func decodeLine<Value: Decodable>(_ line: some Sequence<UInt8>) throws(PipelineControlError) -> Value {
    do {
        return try JSONDecoder().decode(Value.self, from: Data(line))
    } catch {
        throw PipelineControlError(description: "not a \(Value.self): \(error)")
    }
}

extension PipelineCommand: Codable {
    private enum Kind: String, Codable {
        case ingest, record, send, play, receive, endTrack, finish, check
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        switch try members.decode(Kind.self, forKey: .type) {
        case .ingest: self = .ingest(try IngestJob(from: decoder))
        case .record: self = .record(try RecordJob(from: decoder))
        case .send: self = .send(try members.decode([SendTrack].self, forKey: .value))
        case .play: self = .play
        case .receive: self = .receive(try ReceivePlan(from: decoder))
        case .endTrack: self = .endTrack(try members.decode(String.self, forKey: .value))
        case .finish: self = .finish
        case .check: self = .check(try GStreamerPlan(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Member.self)
        switch self {
        case .ingest(let job):
            try members.encode(Kind.ingest, forKey: .type)
            try job.encode(to: encoder)
        case .record(let job):
            try members.encode(Kind.record, forKey: .type)
            try job.encode(to: encoder)
        case .send(let tracks):
            try members.encode(Kind.send, forKey: .type)
            try members.encode(tracks, forKey: .value)
        case .play: try members.encode(Kind.play, forKey: .type)
        case .receive(let plan):
            try members.encode(Kind.receive, forKey: .type)
            try plan.encode(to: encoder)
        case .endTrack(let id):
            try members.encode(Kind.endTrack, forKey: .type)
            try members.encode(id, forKey: .value)
        case .finish: try members.encode(Kind.finish, forKey: .type)
        case .check(let plan):
            try members.encode(Kind.check, forKey: .type)
            try plan.encode(to: encoder)
        }
    }
}

extension PipelineReport: Codable {
    private enum Kind: String, Codable {
        case opened, listening, ready, running, progress, interrupted, resumed, checked, finished, failed
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        switch try members.decode(Kind.self, forKey: .type) {
        case .opened: self = .opened(try OpenedSource(from: decoder))
        case .listening: self = .listening(port: try members.decode(UInt16.self, forKey: .value))
        case .ready: self = .ready
        case .running: self = .running
        case .progress: self = .progress(try PipelineProgress(from: decoder))
        case .interrupted: self = .interrupted(try SourceInterruption(from: decoder))
        case .resumed: self = .resumed
        case .checked: self = .checked(try members.decode([PlanComplaint].self, forKey: .value))
        case .finished: self = .finished(try PipelineProgress(from: decoder))
        case .failed: self = .failed(try PipelineFailure(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Member.self)
        switch self {
        case .opened(let source):
            try members.encode(Kind.opened, forKey: .type)
            try source.encode(to: encoder)
        case .listening(let port):
            try members.encode(Kind.listening, forKey: .type)
            try members.encode(port, forKey: .value)
        case .ready: try members.encode(Kind.ready, forKey: .type)
        case .running: try members.encode(Kind.running, forKey: .type)
        case .progress(let progress):
            try members.encode(Kind.progress, forKey: .type)
            try progress.encode(to: encoder)
        case .interrupted(let interruption):
            try members.encode(Kind.interrupted, forKey: .type)
            try interruption.encode(to: encoder)
        case .resumed: try members.encode(Kind.resumed, forKey: .type)
        case .checked(let complaints):
            try members.encode(Kind.checked, forKey: .type)
            try members.encode(complaints, forKey: .value)
        case .finished(let progress):
            try members.encode(Kind.finished, forKey: .type)
            try progress.encode(to: encoder)
        case .failed(let failure):
            try members.encode(Kind.failed, forKey: .type)
            try failure.encode(to: encoder)
        }
    }
}
