import Control
import Gateway
import Testing

@Suite struct `Secrets of settings` {
    @Test(arguments: ["token", "password", "bearerToken", "api-key"])
    func `are refused in the file itself, with advice`(_ key: String) throws {
        let line = try SettingsFolder().problems("\(key): hunter22").first ?? ""
        #expect(line.hasPrefix("ladle.yaml:1:1: \(key): ") && line.contains("tokenFile"), "\(line)")
        #expect(!line.contains("hunter22"), "\(line)")
    }

    @Test(arguments: [
        "{room: a, source: 'rtsp://me:hunter22@camera/1'}", "{room: a, source: 'srt://h:1?passphrase=hunter22'}",
        "{room: a, source: 'rtsp://camera/1', password: hunter22}",
        "{room: a, source: 'rtsp://camera/1', user: hunter22}",
        "{room: a, source: 'rtmp://0.0.0.0/live/hunter22', parameters: {listen: true}}",
    ])
    func `are refused in a source, with advice`(_ source: String) throws {
        let problems = try SettingsFolder().problems("sources: [\(source)]")
        #expect(problems.count == 1)
        let line = problems.first ?? ""
        #expect(line.contains("credentials") && line.contains("systemd credential"), "\(line)")
        #expect(!line.contains("hunter22"), "\(line)")
    }

    @Test(arguments: [
        ("rtsp://camera/1", "me:p@ss:w/rd", "rtsp://me:p%40ss%3Aw%2Frd@camera/1"),
        ("rtsp://me@camera:8554/1?x=1", "hunter22", "rtsp://me:hunter22@camera:8554/1?x=1"),
        ("rtsp://camera/1", "rtsp://me:hunter22@other/1", "rtsp://me:hunter22@other/1"),
    ])
    func `reach the source out of a file`(_ address: String, _ secret: String, _ result: String) throws {
        let folder = try SettingsFolder()
        try folder.write("camera", secret + "\n")
        let loaded = try folder.load(
            "sources: [{room: a, source: '\(address)', credentials: camera}]",
            environment: ["CREDENTIALS_DIRECTORY": folder.path])
        guard case .address(let full) = loaded.settings.sources.first?.ingest.source else {
            Issue.record("no address")
            return
        }
        #expect(full.secretText == result)
        #expect(!loaded.text.contains("hunter22") && loaded.text.contains("•••"), "\(loaded.text)")
        #expect(loaded.warnings == [])
    }

    @Test func `may be a whole address in a file`() throws {
        let folder = try SettingsFolder()
        let file = try folder.write("stream", "srt://host:9000?passphrase=hunter22hunter", mode: 0o644)
        let loaded = try folder.load("sources: [{room: a, credentials: \(file)}]")
        #expect(loaded.settings.sources.first?.ingest.source.text == "srt://host:9000?passphrase=•••")
        #expect(loaded.warnings.map(\.message) == ["every user of this machine can read \(file); chmod 600 it"])
    }

    @Test func `may be the stream key of one who publishes, in an address in a file`() throws {
        let folder = try SettingsFolder()
        try folder.write("stream", "rtmp://0.0.0.0:1935/live/hunter22")
        let loaded = try folder.load("sources: [{room: a, credentials: ./stream, parameters: {listen: true}}]")
        #expect(loaded.settings.sources.first?.ingest.source.text == "rtmp://0.0.0.0:1935/live/•••")
        #expect(!loaded.text.contains("hunter22"), "\(loaded.text)")
    }

    @Test func `that are missing, empty or short are told without being shown`() throws {
        let folder = try SettingsFolder()
        try folder.write("empty", "\n")
        try folder.write("short", "abc")
        #expect(
            try folder.problems("tokenFile: hunter22")
                == ["ladle.yaml:1:12: tokenFile: the file that it names does not exist"])
        #expect(try folder.problems("tokenFile: empty").first?.contains("first line of empty is empty") == true)
        #expect(try folder.problems("tokenFile: short").first?.contains("shorter than 8") == true)
        #expect(try folder.problems("tokenFile: .").first?.contains("is no file") == true)
    }

    @Test func `include the credential "token" of a systemd service`() throws {
        let folder = try SettingsFolder()
        try folder.write("token", "from systemd", mode: 0o400)
        let loaded = try folder.load("listen: 0.0.0.0:1", environment: ["CREDENTIALS_DIRECTORY": folder.path])
        #expect(loaded.settings.token == "from systemd")
        #expect(loaded.text.contains("•••") && !loaded.text.contains("from systemd"))
        let other = try folder.write("other", "from a file")
        let named = try folder.load("tokenFile: \(other)", environment: ["CREDENTIALS_DIRECTORY": folder.path])
        #expect(named.settings.token == "from a file")
    }
}
