import Base
import StrictYAML

/// Reads the settings file into settings; everything that is wrong is collected, nothing stops at the first.
enum SettingsFile {
    /// Settings are some kilobytes; more is another file.
    static let limit = 256 * 1024

    /// - Parameters:
    ///   - name: What places in messages begin with.
    ///   - said: The keys that the file sets, and where; filled.
    static func apply(
        _ text: String, name: String, to settings: inout GatewaySettings, said: inout [String: String],
        _ reading: inout SettingsReading
    ) {
        let top = reading.noting { () throws(YAMLFileError) in
            try YAMLReader(yaml: text, file: name, orNilIfEmpty: ())
        }
        guard let top = top ?? nil else { return }
        apply(top, below: "", to: &settings, said: &said, &reading)
    }

    private static func apply(
        _ reader: YAMLReader, below prefix: String, to settings: inout GatewaySettings, said: inout [String: String],
        _ reading: inout SettingsReading
    ) {
        guard let entries = reading.noting({ () throws(YAMLFileError) in try reader.entries() }) else { return }
        // "rtp" and "rtp.ports" alike: a word of this level.
        let words = SettingsKey.all.map(\.path).filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count).prefix { $0 != "." }) }
        let allowed = words.enumerated().filter { !words[..<$0.offset].contains($0.element) }.map(\.element)
        for entry in entries {
            let path = prefix + entry.name
            if let key = SettingsKey[path] {
                said[path] = SettingsProblem(entry.value.error("")).place
                apply(key, entry.value, to: &settings, &reading)
            } else if allowed.contains(entry.name) {
                // `rtp:` with nothing below it says nothing.
                if !entry.value.isNull {
                    apply(entry.value, below: path + ".", to: &settings, said: &said, &reading)
                }
            } else if SecretWords.contains(entry.name) {
                reading.add(entry.key.error(SecretWords.advice(for: "tokenFile")))
            } else {
                reading.add(entry.key.unknownKey(entry.name, allowed: allowed))
            }
        }
    }

    private static func apply(
        _ key: SettingsKey, _ reader: YAMLReader, to settings: inout GatewaySettings,
        _ reading: inout SettingsReading
    ) {
        switch key.read {
        case .one(let set):
            // What is not set by default can be said to be not set.
            if reader.isNull, key.standard.isNull { return }
            var changed = settings
            if reading.noting(reader, { input throws(SettingRefusal) in try set(&changed, input) }) != nil {
                settings = changed
            }
        case .list(let check, let set):
            guard let elements = reading.noting({ () throws(YAMLFileError) in try reader.elements() }) else { return }
            set(
                &settings,
                elements.compactMap { element in
                    reading.noting(element) { input throws(SettingRefusal) in try check(input) }
                })
        case .tree(let apply): apply(&settings, reader, &reading)
        }
    }
}

/// Keys that ask for a secret in the file itself, where backups, copies and colleagues find it.
enum SecretWords {
    private static let words: Set<String> = [
        "token", "authtoken", "bearer", "bearertoken", "password", "passwd", "passphrase", "secret", "apikey", "key",
        "streamkey", "username", "user",
    ]

    static func contains(_ key: String) -> Bool {
        words.contains(key.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// - Parameter key: The setting that names the file instead.
    static func advice(for key: String) -> String {
        "secrets don't belong into this file; write it into a file of its own that only ladle can read (chmod 600), or "
            + "a systemd credential, and name that with \(key)"
    }
}
