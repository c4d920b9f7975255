import Base
import ORTC
import StrictYAML

extension SettingsFile {
    private static let codecKeys = ["kind", "mimeType", "clockRate", "channels", "parameters"]

    /// The router's codecs; nil when one of them is wrong.
    static func codecs(_ reader: YAMLReader, _ reading: inout SettingsReading) -> [RTPCodecCapability]? {
        guard let elements = reading.noting({ () throws(YAMLFileError) in try reader.elements() }) else { return nil }
        guard !elements.isEmpty else {
            reading.add(
                reader.error("a room without codecs can carry nothing; name at least one, or leave the key out"))
            return nil
        }
        let before = reading.errors.count
        var codecs: [RTPCodecCapability] = []
        for element in elements {
            guard let codec = codec(element, &reading) else { continue }
            // One after another, so that the complaint stands at the codec that does not fit with those before it.
            do throws(ORTCError) {
                _ = try RouterCapabilities.make(mediaCodecs: codecs + [codec])
                codecs.append(codec)
            } catch {
                reading.add(element.error(error.message))
            }
        }
        return reading.errors.count == before ? codecs : nil
    }

    private static func codec(_ reader: YAMLReader, _ reading: inout SettingsReading) -> RTPCodecCapability? {
        guard let members = members(reader, allowed: codecKeys, &reading) else { return nil }
        let before = reading.errors.count
        for key in ["kind", "mimeType", "clockRate"] where members[key] == nil {
            reading.add(reader.error("\(key) is missing"))
        }
        let kind: MediaKind? = members["kind"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in try input.word() as CodecKind }
        }.flatMap { MediaKind(rawValue: $0.rawValue) }
        let mimeType = members["mimeType"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in
                let text = try input.text("a mime type, for instance video/VP8", limit: 64)
                if let kind, !text.lowercased().hasPrefix(kind.rawValue + "/") {
                    throw input.refusal("of the kind \(kind.rawValue)")
                }
                return text
            }
        }
        let clockRate = members["clockRate"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in
                try input.integer(in: 8000...192_000, unit: " Hz, for instance 90000 for video and 48000 for Opus")
            }
        }
        let channels = members["channels"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in
                if kind == .video { throw SettingRefusal("video has no channels; leave it out") }
                return try input.integer(in: 1...8)
            }
        }
        let parameters = members["parameters"].map { Self.values($0, &reading) } ?? [:]
        guard reading.errors.count == before, let kind, let mimeType, let clockRate else { return nil }
        do throws(ORTCError) {
            // Through the validation that codecs of clients go through, which also fills in what is absent.
            return try RTPCodecCapability(
                json: .object(omittingAbsent: [
                    "kind": .string(kind.rawValue), "mimeType": .string(mimeType), "clockRate": JSONValue(clockRate),
                    "channels": channels.map { JSONValue($0) }, "parameters": .object(parameters),
                ]))
        } catch {
            reading.add(reader.error(error.message))
            return nil
        }
    }

    /// The known members of a mapping; the unknown ones are noted.
    static func members(
        _ reader: YAMLReader, allowed: [String], secretsIn key: String? = nil, _ reading: inout SettingsReading
    ) -> [String: YAMLReader]? {
        guard let entries = reading.noting({ () throws(YAMLFileError) in try reader.entries() }) else { return nil }
        var members: [String: YAMLReader] = [:]
        for entry in entries {
            if allowed.contains(entry.name) {
                members[entry.name] = entry.value
            } else if let key, SecretWords.contains(entry.name) {
                reading.add(entry.key.error(SecretWords.advice(for: key)))
            } else {
                reading.add(entry.key.unknownKey(entry.name, allowed: allowed))
            }
        }
        return members
    }

    /// A mapping of plain values.
    static func values(_ reader: YAMLReader, _ reading: inout SettingsReading) -> [String: JSONValue] {
        let entries = reading.noting { () throws(YAMLFileError) in try reader.entries() } ?? []
        var values: [String: JSONValue] = [:]
        for entry in entries {
            values[entry.name] = reading.noting { () throws(YAMLFileError) in try entry.value.value() }
        }
        return values
    }
}

private enum CodecKind: String, CaseIterable { case audio, video }

extension RTPCodecCapability {
    /// As the settings file has it.
    var settingsValue: JSONValue {
        .object(omittingAbsent: [
            "kind": .string(kind.rawValue), "mimeType": .string(mimeType), "clockRate": JSONValue(clockRate),
            "channels": kind == .audio ? channels.map { JSONValue($0) } : nil,
            "parameters": parameters.isEmpty ? nil : .object(parameters),
        ])
    }
}
