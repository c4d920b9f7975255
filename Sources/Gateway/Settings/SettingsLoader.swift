import Base
import Glibc
import StrictYAML

/// Settings as they count: a flag beats a variable beats the file beats the default.
public struct LoadedSettings: Sendable {
    public var settings: GatewaySettings
    /// What a person should know, though it works.
    public var warnings: [SettingsProblem]
    /// Who said what: key → "ladle.yaml:3:7", "LADLE_LISTEN" or "--listen". Keys at their default are absent.
    public var places: [String: String]
    /// The file that was read; nil: none.
    public var file: String?
}

extension LoadedSettings {
    /// Where the file lies when nobody names one.
    public static let standardFile = "/etc/ladle/ladle.yaml"

    /// What flags said about one key; several for lists.
    public struct Flag: Sendable {
        public let key: String
        public let values: [String]

        public init(key: String, values: [String]) { (self.key, self.values) = (key, values) }
    }

    /// The file to read: the one that was named, else LADLE_CONFIG, else the standard one if it exists.
    public static func file(named: String?, environment: [String: String]) -> String? {
        if let named { return named }
        if let named = environment["LADLE_CONFIG"], !named.isEmpty { return named }
        return access(standardFile, F_OK) == 0 ? standardFile : nil
    }

    /// Reads everything, and complains of everything at once.
    /// - Parameters:
    ///   - file: Nil: none is read.
    ///   - folder: What relative paths are relative to; absolute.
    public static func load(
        file: String?, environment: [String: String], flags: [Flag] = [], folder: String
    ) throws(SettingsError) -> LoadedSettings {
        var settings = GatewaySettings()
        var reading = SettingsReading(credentialsFolder: environment["CREDENTIALS_DIRECTORY"], folder: folder)
        var places: [String: String] = [:]
        if let file {
            do throws(SettingRefusal) {
                SettingsFile.apply(try text(of: file), name: file, to: &settings, said: &places, &reading)
            } catch {
                reading.errors.append(SettingsProblem(place: file, message: error.message))
            }
        }
        read(environment, into: &settings, places: &places, &reading)
        for flag in flags { apply(flag, to: &settings, places: &places, &reading) }
        settings.resolvePaths(in: folder)
        settings.stateFolder = GatewaySettings.stateFolder(environment)
        readToken(into: &settings, places: &places, &reading)
        func place(_ key: String) -> (place: String, key: String?) {
            guard let place = places[key] else { return (key, nil) }
            // A variable or flag names its key by itself.
            return (place, place.contains(":") ? key : nil)
        }
        if settings.mediaFolders.isEmpty, reading.errors.isEmpty {
            let (place, key) = place("media")
            reading.errors.append(
                SettingsProblem(place: place, key: key, message: "no folder is named; leave the key out for \".\""))
        }
        // Whoever has mistyped the token's file should not be told to give a token.
        if reading.errors.isEmpty, let (key, message) = settings.contradiction {
            let (place, key) = place(key)
            reading.errors.append(SettingsProblem(place: place, key: key, message: message))
        }
        guard reading.errors.isEmpty else { throw SettingsError(problems: reading.errors) }
        if let (key, message) = settings.webRTCWarning {
            let (place, key) = place(key)
            reading.warnings.append(SettingsProblem(place: place, key: key, message: message))
        }
        return LoadedSettings(settings: settings, warnings: reading.warnings, places: places, file: file)
    }

    private static func text(of path: String) throws(SettingRefusal) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SettingRefusal("can't be read: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= SettingsFile.limit {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SettingRefusal("can't be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= SettingsFile.limit else {
            throw SettingRefusal("is longer than \(SettingsFile.limit / 1024) KiB, which settings never are")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SettingRefusal("is no UTF-8 text") }
        return text
    }

    // MARK: The environment

    /// Variables of other parts: of clients, of builds, of tests.
    private static let othersVariables: Set<String> = [
        "LADLE_CONFIG", "LADLE_URL", "LADLE_TLS_CA", "LADLE_FLOORS", "LADLE_ROOMS",
    ]

    private static func read(
        _ environment: [String: String], into settings: inout GatewaySettings, places: inout [String: String],
        _ reading: inout SettingsReading
    ) {
        var known: [String] = []
        for key in SettingsKey.all {
            guard case .one(let set) = key.read, let name = key.environmentName else { continue }
            known.append(name)
            // An empty variable is one that is not set, as scripts have it.
            guard let text = environment[name], !text.isEmpty else { continue }
            do throws(SettingRefusal) {
                try set(&settings, .text(text))
                places[key.path] = name
            } catch {
                reading.errors.append(SettingsProblem(place: name, message: error.message))
            }
        }
        for name in environment.keys.sorted() where name.hasPrefix("LADLE_") {
            guard !known.contains(name), !othersVariables.contains(name) else { continue }
            if let key = SettingsKey.all.first(where: { SettingsKey.environmentName(of: $0.path) == name }) {
                let flag = key.flag.map { " or by \($0)" } ?? ""
                reading.warnings.append(
                    SettingsProblem(place: name, message: "has no effect: \(key.path) is set in the file\(flag)"))
            } else if let meant = Suggestion.nearest(
                // Without what all have in common: it would make any two of them look alike.
                to: String(name.dropFirst("LADLE_".count)), among: known.map { String($0.dropFirst("LADLE_".count)) })
            {
                reading.warnings.append(
                    SettingsProblem(place: name, message: "is no setting; did you mean LADLE_\(meant)?"))
            }
        }
    }

    // MARK: Flags

    private static func apply(
        _ flag: Flag, to settings: inout GatewaySettings, places: inout [String: String],
        _ reading: inout SettingsReading
    ) {
        guard let key = SettingsKey[flag.key], let name = key.flag, !flag.values.isEmpty else { return }
        do throws(SettingRefusal) {
            switch key.read {
            case .one(let set): for value in flag.values { try set(&settings, .text(value)) }
            case .list(let check, let set):
                var values: [String] = []
                for value in flag.values { values.append(try check(.text(value))) }
                set(&settings, values)
            case .tree: return
            }
            places[flag.key] = name
        } catch {
            reading.errors.append(SettingsProblem(place: name, message: error.message))
        }
    }

    // MARK: The token

    /// The credential's name that systemd units use, see docs/service.md.
    private static let tokenCredential = "token"

    private static func readToken(
        into settings: inout GatewaySettings, places: inout [String: String], _ reading: inout SettingsReading
    ) {
        if settings.tokenFile == nil, let folder = reading.credentialsFolder,
            access("\(folder)/\(tokenCredential)", F_OK) == 0
        {
            settings.tokenFile = "\(folder)/\(tokenCredential)"
            places["tokenFile"] = "CREDENTIALS_DIRECTORY"
        }
        guard let path = settings.tokenFile else { return }
        let place = places["tokenFile"] ?? "tokenFile"
        let key = place.contains(":") ? "tokenFile" : nil
        do throws(SettingRefusal) {
            let secret = try Secret.read(path: path)
            guard secret.text.count >= GatewaySettings.shortestToken else {
                throw SettingRefusal("the token in \(path) is shorter than \(GatewaySettings.shortestToken) characters")
            }
            settings.token = secret.text
            if secret.isReadableByOthers {
                reading.warnings.append(SettingsProblem(place: place, key: key, message: secret.warning))
            }
        } catch {
            reading.errors.append(SettingsProblem(place: place, key: key, message: error.message))
        }
    }
}
