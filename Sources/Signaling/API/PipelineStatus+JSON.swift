import Base
import Control
import PipelineControl

extension IngestStatus {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id),
            "room": .string(room),
            "source": .string(source),
            "state": .string(state.rawValue),
            "durationSeconds": durationSeconds.map { .double($0) },
            "tracks": .array(tracks.map(\.json)),
            "progress": progress?.json,
            "interruption": interruption?.json,
            "failure": failure?.json,
        ])
    }
}

extension RecordingStatus {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id),
            "room": .string(room),
            "file": .string(file),
            "state": .string(state.rawValue),
            "seconds": .double(seconds),
            "bytes": JSONValue(bytes),
            "failure": failure?.json,
        ])
    }
}

extension SourceTrack {
    fileprivate var json: JSONValue {
        [
            "index": JSONValue(index),
            "kind": .string(kind.rawValue),
            "description": .string(description),
            "treatment": .string(treatment.rawValue),
            "reason": .string(reason),
            "codec": .string(codec.mimeType),
        ]
    }
}

extension PipelineProgress {
    fileprivate var json: JSONValue {
        ["seconds": .double(seconds), "tracks": .array(tracks.map(\.json))]
    }
}

extension PipelineProgress.Track {
    fileprivate var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id),
            "packets": JSONValue(packets),
            "bytes": JSONValue(bytes),
            "frames": JSONValue(frames),
            "bitrateBitsPerSecond": JSONValue(bitrateBitsPerSecond),
            "packetsLost": packetsLost.map { JSONValue($0) },
        ])
    }
}

extension SourceInterruption {
    fileprivate var json: JSONValue {
        .object(omittingAbsent: [
            "reason": .string(reason),
            "attempts": JSONValue(attempts),
            "retrySeconds": retrySeconds.map { .double($0) },
        ])
    }
}

extension PipelineFailure {
    fileprivate var json: JSONValue { ["code": .string(code.rawValue), "message": .string(message)] }
}
