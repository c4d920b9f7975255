import Gateway
import Testing

@Suite struct `Settings from several places` {
    @Test func `are those of the flag, then the variable, then the file, then the default`() throws {
        let folder = try SettingsFolder()
        let yaml = "idleRoom: 2\nlog: {level: error}\nmedia: [/file]\nrtp: {ports: 2000-3000}"
        let environment = ["LADLE_IDLE_ROOM": "3", "LADLE_LOG_LEVEL": "debug"]
        let flags = [
            LoadedSettings.Flag(key: "idleRoom", values: ["4"]),
            LoadedSettings.Flag(key: "media", values: ["/a", "/b"]),
        ]
        let loaded = try folder.load(yaml, environment: environment, flags: flags)
        #expect(loaded.settings.idleRoom == .seconds(4))
        #expect(loaded.settings.logLevel == .debug)
        #expect(loaded.settings.mediaFolders == ["/a", "/b"])
        #expect(loaded.settings.rtpPorts == 2000...3000)
        #expect(loaded.settings.logFormat == .text)
        #expect(loaded.places["idleRoom"] == "--idle-room" && loaded.places["log.level"] == "LADLE_LOG_LEVEL")
        #expect(loaded.places["rtp.ports"] == "\(folder.path)/ladle.yaml:4:14")
        #expect(loaded.places["log.format"] == nil)
    }

    @Test func `have a variable for each key with one value, named by one rule`() {
        let names = SettingsKey.all.compactMap(\.environmentName)
        #expect(names.contains("LADLE_RTP_ANNOUNCED_ADDRESS") && names.contains("LADLE_NO_AUTH"))
        #expect(Set(names).count == names.count)
        #expect(SettingsKey["media"]?.environmentName == nil && SettingsKey["codecs"]?.environmentName == nil)
    }

    @Test(arguments: SettingsKey.all.compactMap(\.environmentName))
    func `name the variable whose value is wrong`(_ name: String) throws {
        // A control character is wrong for all of them.
        let problems = try SettingsFolder().problems(environment: [name: "\u{7}"])
        #expect(problems.count == 1 && problems.first?.hasPrefix("\(name): ") == true, "\(problems)")
    }

    @Test func `name the flag whose value is wrong, together with what else is wrong`() throws {
        let problems = try SettingsFolder().problems(
            "idleRoom: x", environment: ["LADLE_RTP_PORTS": "1-2"],
            flags: [LoadedSettings.Flag(key: "listen", values: ["nowhere"])])
        #expect(
            problems.map { String($0.prefix { $0 != " " }) } == ["ladle.yaml:1:11:", "LADLE_RTP_PORTS:", "--listen:"])
    }

    @Test func `warn of variables that look like a mistyped setting`() throws {
        let environment = [
            "LADLE_LISTN": "1", "LADLE_MEDIA": "/x", "LADLE_URL": "http://a", "LADLE_CONFIG": "x",
            "LADLE_TASTE": "soup",
            "LADLE_LOG_LEVEL": "",
        ]
        let warnings = try SettingsFolder().load(environment: environment).warnings.map(\.description)
        #expect(
            warnings == [
                "LADLE_LISTN: is no setting; did you mean LADLE_LISTEN?",
                "LADLE_MEDIA: has no effect: media is set in the file or by --media",
            ])
    }

    @Test func `need a token beyond loopback, and say where the address stands`() throws {
        let folder = try SettingsFolder()
        let problems = try folder.problems("# one\nlisten: 0.0.0.0:4443")
        #expect(problems.first?.hasPrefix("ladle.yaml:2:9: listen: 0.0.0.0:4443 can be reached") == true, "\(problems)")
        #expect(try folder.problems("listen: 0.0.0.0:4443\nnoAuth: true") == [])
    }

    @Test func `come from LADLE_CONFIG unless a file is named`() {
        #expect(LoadedSettings.file(named: "a", environment: ["LADLE_CONFIG": "b"]) == "a")
        #expect(LoadedSettings.file(named: nil, environment: ["LADLE_CONFIG": "b"]) == "b")
    }
}
