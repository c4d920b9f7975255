import Base
import Control
import PipelineControl
import StrictYAML

extension SettingsFile {
    private static let sourceKeys = [
        "room", "source", "pipeline", "name", "parameters", "video", "loop", "retry", "record", "credentials",
    ]

    /// What shall go into rooms from the start; those that are right.
    static func sources(_ reader: YAMLReader, _ reading: inout SettingsReading) -> [StandingSource] {
        let elements = reading.noting { () throws(YAMLFileError) in try reader.elements() } ?? []
        var recorded: Set<String> = []
        return elements.compactMap { element in
            guard let source = source(element, &reading) else { return nil }
            if source.record != nil, !recorded.insert(source.ingest.room).inserted {
                // It would be the same recording twice.
                reading.add(
                    element.error(
                        "record: room \"\(source.ingest.room)\" is recorded by an entry above; say it once for a room"))
                return nil
            }
            return source
        }
    }

    private static func source(_ reader: YAMLReader, _ reading: inout SettingsReading) -> StandingSource? {
        let members = members(reader, allowed: sourceKeys, secretsIn: "credentials", &reading)
        guard let members else { return nil }
        let before = reading.errors.count
        if members["room"] == nil { reading.add(reader.error("room is missing: where it shall go")) }
        if ["source", "pipeline", "credentials"].allSatisfy({ members[$0] == nil }) {
            reading.add(reader.error("source is missing: a file, an address, test, or a pipeline that makes its own"))
        }
        let room = members["room"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in try roomName(input) }
        }
        let context = reading
        let secret = members["credentials"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in
                try Secret.read(
                    input.text("the name of a systemd credential, or the path of a file"), context)
            }
        }
        if let secret, let entry = members["credentials"], secret.isReadableByOthers {
            reading.warnings.append(SettingsProblem(entry.error(secret.warning)))
        }
        let parameters = members["parameters"].map { values($0, &reading) } ?? [:]
        // A path of rtmp ends in a stream key then.
        let listens = parameters["listen"] == .bool(true)
        let source = members["source"].flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in try self.source(input, secret, listens: listens) }
        }
        var request = IngestRequest(room: room ?? "", source: source ?? .pipeline)
        if members["source"] == nil, let secret, let entry = members["credentials"] {
            // The whole address is the secret.
            do throws(SourceAddress.Refusal) {
                request.source = .address(try SourceAddress(secret.text, listens: listens))
            } catch {
                reading.add(entry.error("source is missing, and the file holds no address: \(error)"))
            }
        }
        func read<Value>(
            _ key: String, _ body: (SettingInput) throws(SettingRefusal) -> Value
        ) -> Value? {
            members[key].flatMap { reading.noting($0, body) }
        }
        request.pipeline = read("pipeline") { input throws(SettingRefusal) in
            try input.text("the name of a pipeline description", limit: 128)
        }
        request.displayName = read("name") { input throws(SettingRefusal) in
            try input.text("a name for people", limit: 1024)
        }
        request.video = read("video") { input throws(SettingRefusal) in try input.word() }
        request.loop = read("loop") { input throws(SettingRefusal) in try input.bool() } ?? false
        request.retry = read("retry") { input throws(SettingRefusal) in
            let retry: RetryPolicy = try input.word()
            if retry != .never, !request.source.isTriedAgain {
                throw SettingRefusal("a file or the test source is not tried again; leave it out")
            }
            return retry
        }
        // What the settings want is wanted for as long as the gateway runs.
        if request.retry == nil, request.source.isTriedAgain { request.retry = .always }
        request.parameters = parameters
        let record: StandingSource.Recording? = read("record") { input throws(SettingRefusal) in try input.word() }
        return reading.errors.count == before ? StandingSource(request, record: record) : nil
    }

    private static func source(
        _ input: SettingInput, _ secret: Secret?, listens: Bool
    ) throws(SettingRefusal) -> IngestRequest.Source {
        let text = try input.text("a file, an address or test")
        if text == "test" { return .test }
        guard SourceAddress.looksLikeAddress(text) else { return .file(text) }
        let address: SourceAddress
        do throws(SourceAddress.Refusal) { address = try SourceAddress(text, listens: listens) } catch {
            throw SettingRefusal(error.description)
        }
        guard address.secrets.isEmpty else {
            throw SettingRefusal(
                "\(address) holds a secret, which does not belong into this file; write user:password, or the whole "
                    + "address, into a file that only ladle can read (chmod 600), or a systemd credential, and name "
                    + "that with credentials")
        }
        guard let secret else { return .address(address) }
        do throws(SourceAddress.Refusal) {
            return .address(try address.with(secret: secret.text, listens: listens))
        } catch {
            throw SettingRefusal("with its credentials: \(error.description)")
        }
    }

    private static func roomName(_ input: SettingInput) throws(SettingRefusal) -> String {
        let text = try input.text("the name of a room", limit: 512)
        guard text.count <= 128 else { throw SettingRefusal("is longer than 128 characters") }
        guard !text.contains("/"), text != ".", !text.contains("..") else {
            throw input.refusal("the name of a room: no slashes, and no dots that name folders")
        }
        return text
    }
}

extension SourceAddress {
    /// The address with who asks: `secret` is "user:password", or the password alone when the address names the user,
    /// or a whole address.
    func with(secret: String, listens: Bool = false) throws(Refusal) -> SourceAddress {
        if Self.looksLikeAddress(secret) { return try SourceAddress(secret, listens: listens) }
        guard !scheme.isDevice, let start = secretText.firstRange(of: "://")?.upperBound else { return self }
        let rest = secretText[start...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let user = authority.lastIndex(of: "@").map { String(authority[..<$0]) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let behind = rest[authority.endIndex...]
        let name: String
        let password: Substring
        if let user {
            (name, password) = (user, secret[...])
        } else {
            let written = secret.prefix { $0 != ":" }
            (name, password) = (Self.encoded(written), secret[written.endIndex...].dropFirst())
        }
        return try SourceAddress("\(secretText[..<start])\(name):\(Self.encoded(password))@\(host)\(behind)")
    }

    /// RFC 3986 §2.3: everything but unreserved characters as %XX.
    private static func encoded(_ text: Substring) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 128,
                Character(scalar).isLetter || Character(scalar).isNumber || "-._~".contains(Character(scalar))
            {
                encoded.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }
}

extension IngestRequest.Source {
    /// Whether it can come back when it has failed.
    fileprivate var isTriedAgain: Bool {
        switch self {
        case .address, .pipeline: true
        case .test, .file: false
        }
    }
}

extension StandingSource {
    /// As the settings file has it, without secrets.
    var settingsValue: JSONValue { ingest.settingsValue(record: record?.rawValue) }
}

extension IngestRequest {
    fileprivate func settingsValue(record: String?) -> JSONValue {
        .object(omittingAbsent: [
            "room": .string(room), "source": source == .pipeline ? nil : .string(source.text),
            "pipeline": pipeline.map { .string($0) }, "name": displayName.map { .string($0) },
            "parameters": parameters.isEmpty ? nil : .object(parameters), "video": video.map { .string($0.rawValue) },
            "loop": .bool(loop), "retry": retry.map { .string($0.rawValue) },
            "record": record.map { .string($0) },
        ])
    }
}
