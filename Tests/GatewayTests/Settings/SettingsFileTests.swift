import Gateway
import Testing

@Suite struct `A settings file` {
    /// A wrong value of every key, where it is found, and words of the complaint.
    static let wrong: [(key: String, yaml: String, place: String, words: [String])] = [
        ("listen", "listen: everywhere", "1:9", ["\"everywhere\"", "ADDRESS:PORT"]),
        ("listen", "listen: 127.0.0.1:70000", "1:9", ["ADDRESS:PORT"]),
        ("listen", "listen: 70000", "1:9", ["70000", "0 to 65535"]),
        ("listen", "listen: ::1:4443", "1:9", ["brackets"]),
        ("listen", "listen: [a]", "1:9", ["one value"]),
        ("hosts", "hosts: media.example.org", "1:8", ["a list"]),
        ("hosts", "hosts: [a, 'no name']", "1:12", ["\"no name\"", "host name"]),
        ("hosts", "hosts: [10.0.0]", "1:9", ["host name"]),
        ("origins", "origins: [https://a.example, 'ftp://b.example']", "1:30", ["ftp://b.example", "https://"]),
        ("tokenFile", "tokenFile: 5", "1:12", ["a path"]),
        ("noAuth", "noAuth: yes", "1:9", ["\"yes\"", "true or false"]),
        ("tls.certificate", "tls: {certificate: 5}", "1:20", ["a path"]),
        ("tls.key", "tls: {key: k.pem}", "1:12", ["needs tls.certificate", "--tls-cert"]),
        ("tls.selfSigned", "tls: {selfSigned: 1}", "1:19", ["true or false"]),
        ("tls.selfSigned", "tls: {selfSigned: true}", "1:19", ["HOME", "STATE_DIRECTORY"]),
        ("tls.selfSigned", "tls: {selfSigned: true, certificate: a.pem}", "1:19", ["tls.certificate", "leave one"]),
        ("rtp.address", "rtp:\n  address: localhost", "2:12", ["literal"]),
        ("rtp.announcedAddress", "rtp: {announcedAddress: 'a b'}", "1:25", ["host name"]),
        ("rtp.ports", "rtp:\n  ports: 5000-4000", "2:10", ["MIN-MAX", "1024-65535"]),
        ("rtp.ports", "rtp:\n  ports: 80-90", "2:10", ["MIN-MAX"]),
        ("rtp.ports", "rtp:\n  ports: 40000-70000", "2:10", ["MIN-MAX"]),
        ("rtp.ports", "rtp:\n  ports: 40000", "2:10", ["MIN-MAX"]),
        ("codecs", "codecs: []", "1:9", ["at least one"]),
        ("codecs", "codecs: {kind: video}", "1:9", ["a list"]),
        ("codecs", "codecs: [{kind: video, mimeType: video/VP8}]", "1:10", ["clockRate is missing"]),
        ("codecs", "codecs: [{kind: smell, mimeType: video/VP8, clockRate: 90000}]", "1:17", ["audio, video"]),
        ("codecs", "codecs: [{kind: audio, mimeType: video/VP8, clockRate: 90000}]", "1:34", ["kind audio"]),
        ("codecs", "codecs: [{kind: video, mimeType: video/AV2, clockRate: 90000}]", "1:10", ["video/AV2"]),
        ("rtp.portQuarantine", "rtp: {portQuarantine: 3601}", "1:23", ["0 to 3600 seconds"]),
        ("rtp.workers", "rtp: {workers: 0}", "1:16", ["1 to 64"]),
        ("rtp.coalescing", "rtp: {coalescing: sometimes}", "1:19", ["true or false"]),
        (
            "rtp.srtpBackend", "rtp: {srtpBackend: openSSL}", "1:20",
            ["one of openssl, libsrtp", "did you mean openssl?"]
        ),
        ("webrtc.port", "webrtc: {port: 70000}", "1:16", ["0 to 65535, or perTransport"]),
        ("webrtc.port", "webrtc:\n  port: 65535\nrtp: {workers: 2}", "2:9", ["2 workers", "beyond 65535"]),
        ("webrtc.addresses", "webrtc: {addresses: [localhost]}", "1:22", ["literal"]),
        ("webrtc.addresses", "webrtc:\n  addresses: [0.0.0.0]", "2:14", ["webrtc.announcedAddresses"]),
        (
            "webrtc.announcedAddresses", "webrtc:\n  announcedAddresses: [a.example, b.example]", "2:23",
            ["2 for 1", "one for each"]
        ),
        ("webrtc.certificate", "webrtc: {certificate: 5}", "1:23", ["a path"]),
        ("webrtc.key", "webrtc: {key: k.pem}", "1:15", ["webrtc.certificate"]),
        ("webrtc.iceServers", "webrtc: {iceServers: 'stun:a'}", "1:22", ["a list"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{credentials: ./a}]}", "1:23", ["urls is missing"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: ['http://a']}]}", "1:31", ["\"http://a\"", "stun:"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: 'stun:a:0'}]}", "1:30", ["\"stun:a:0\""]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: 'stun:a?transport=udp'}]}", "1:30", ["stun:"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: 'stun:2001:db8::1'}]}", "1:30", ["stun:"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: 'turn:a'}]}", "1:30", ["password", "credentials"]),
        ("webrtc.iceServers", "webrtc: {iceServers: [{urls: 'stun:a', password: x}]}", "1:40", ["credentials"]),
        (
            "webrtc.iceServers", "webrtc: {iceServers: [{urls: 'turn:a', credentials: ./none}]}", "1:53",
            ["does not exist"]
        ),
        ("codecs", "codecs: [{kind: video, mimeType: video/VP8, clockRate: 9}]", "1:56", ["8000 to 192000"]),
        (
            "codecs", "codecs: [{kind: video, mimeType: video/VP8, clockRate: 90000, channels: 2}]", "1:73",
            ["no channels"]
        ),
        (
            "codecs", "codecs: [{kind: audio, mimeType: audio/opus, clockRate: 48000, channels: 2, paramters: {}}]",
            "1:77", ["\"parameters\""]
        ),
        ("media", "media: []", "1:8", ["no folder"]),
        ("media", "media: [3]", "1:9", ["a path"]),
        ("recordings", "recordings: ''", "1:13", ["empty"]),
        ("pipelines", "pipelines: /a", "1:12", ["a list"]),
        ("idleRoom", "idleRoom: soon", "1:11", ["0 to 86400 seconds"]),
        ("idleRoom", "idleRoom: 1.5", "1:11", ["1.5", "whole number"]),
        ("idleRoom", "idleRoom: -1", "1:11", ["-1"]),
        ("sources", "sources: lobby", "1:10", ["a list"]),
        ("sources", "sources: [{source: test}]", "1:11", ["room is missing"]),
        ("sources", "sources: [{room: a}]", "1:11", ["source is missing"]),
        ("sources", "sources: [{room: a/b, source: test}]", "1:18", ["no slashes"]),
        ("sources", "sources: [{room: a, source: 'gopher://x'}]", "1:29", ["gopher", "possible"]),
        ("sources", "sources: [{room: a, source: test, video: av1}]", "1:42", ["vp8, h264"]),
        ("sources", "sources: [{room: a, source: 'udp://h:1', retry: alway}]", "1:49", ["did you mean always?"]),
        ("sources", "sources: [{room: a, source: film.mp4, retry: always}]", "1:46", ["not tried again"]),
        (
            "sources", "sources: [{room: a, source: test, record: mpv}]", "1:43",
            ["mkv, webm, mp4", "did you mean mkv?"]
        ),
        ("sources", "sources: [{room: a, source: test, record: true}]", "1:43", ["one of mkv, webm, mp4"]),
        ("sources", "sources: [{room: a, source: test, record: a.mkv}]", "1:43", ["one of mkv, webm, mp4"]),
        (
            "sources", "sources: [{room: a, source: test, record: mkv}, {room: a, source: test, record: mp4}]", "1:49",
            ["room \"a\" is recorded", "once"]
        ),
        (
            "sources", "limits: {pipelines: 1}\nsources: [{room: a, source: test, record: mkv}]", "2:10",
            ["they are 2", "limits.pipelines"]
        ),
        ("sources", "sources: [{room: a, source: test, loop: 1}]", "1:41", ["true or false"]),
        ("sources", "sources: [{room: a, source: test, parameters: 1}]", "1:47", ["a mapping"]),
        ("sources", "sources: [{room: a, source: test, nmae: x}]", "1:35", ["did you mean \"name\"?"]),
        (
            "sources", "sources: [{room: a, source: 'rtsp://h/1', credentials: camera}]", "1:56",
            ["CREDENTIALS_DIRECTORY"]
        ),
        ("log.level", "log: {level: loud}", "1:14", ["trace, debug, info"]),
        ("log.format", "log:\n  format: jsn", "2:11", ["did you mean json?"]),
        ("limits.pipelines", "limits: {pipelines: 0}", "1:21", ["1 to 1000"]),
        ("limits.pipelines", "limits: {pipelines: '5'}", "1:21", ["1 to 1000"]),
    ]

    @Test(arguments: wrong.indices)
    func `names place, key and what is allowed for each wrong value`(_ index: Int) throws {
        let (key, yaml, place, words) = Self.wrong[index]
        let problems = try SettingsFolder().problems(yaml)
        #expect(problems.count == 1, "\(problems)")
        let line = problems.first ?? ""
        #expect(line.hasPrefix("ladle.yaml:\(place): \(key)"), "\(line)")
        for word in words { #expect(line.contains(word), "\(line)") }
    }

    @Test func `has a wrong value of every key in these tests`() {
        #expect(Set(Self.wrong.map(\.key)) == Set(SettingsKey.all.map(\.path)))
    }

    @Test func `is told all its mistakes at once`() throws {
        let problems = try SettingsFolder().problems(
            """
            lisen: 1
            rtp:
              adress: 127.0.0.1
              ports: x
            log: 7
            idleRoom:
            """)
        #expect(problems.count == 5, "\(problems)")
        #expect(problems[0].hasPrefix("ladle.yaml:1:1: lisen: unknown key; did you mean \"listen\"? allowed: listen, "))
        #expect(
            problems[1]
                == "ladle.yaml:3:3: rtp.adress: unknown key; did you mean \"address\"? allowed: address, "
                + "announcedAddress, ports, portQuarantine, workers, coalescing, srtpBackend"
        )
        #expect(problems[2].hasPrefix("ladle.yaml:4:10: rtp.ports: "))
        #expect(problems[3] == "ladle.yaml:5:6: log: a mapping (key: value) is expected")
        #expect(problems[4].contains("idleRoom: a value is missing"))
    }

    @Test(arguments: [
        ("listen: [", "no YAML"), ("listen: 1\nlisten: 2", "twice"), ("- a", "a mapping"), ("\u{0}", "ladle.yaml"),
        (String(repeating: "[", count: 5000), "levels deep"), ("listen: 1\n\tlog: 2", "no YAML"),
    ])
    func `that is no YAML is refused with its place`(_ text: String, _ words: String) throws {
        let problems = try SettingsFolder().problems(text)
        #expect(problems.count == 1 && problems.first?.contains(words) == true, "\(problems)")
        #expect(problems.first?.hasPrefix("ladle.yaml:") == true, "\(problems)")
    }

    @Test(arguments: ["", "# nothing\n", "rtp:\nlog:\n", "tokenFile: null\nrtp: {announcedAddress: ~}\n"])
    func `may say nothing`(_ text: String) throws {
        let folder = try SettingsFolder()
        var expected = GatewaySettings()
        expected.resolvePaths(in: folder.path)
        #expect(try folder.load(text).settings == expected)
    }

    @Test func `that is missing, binary or huge is refused`() throws {
        let folder = try SettingsFolder()
        let missing = #expect(throws: SettingsError.self) {
            try LoadedSettings.load(file: "/nowhere/ladle.yaml", environment: [:], folder: "/")
        }
        #expect(missing?.description == "/nowhere/ladle.yaml: can't be read: No such file or directory")
        #expect(try folder.problems(String(repeating: "#", count: 300_000)).first?.contains("256 KiB") == true)
    }

    @Test func `sets everything that it names`() throws {
        let folder = try SettingsFolder()
        let token = try folder.write("token", "a long token\n")
        let loaded = try folder.load(
            """
            listen: "[::1]:8080"
            hosts: [media.example.org]
            origins: ["https://example.org"]
            tokenFile: token
            rtp: {address: 0.0.0.0, announcedAddress: media.example.org, ports: 50000-50100}
            webrtc: {port: 0, addresses: ["::"], announcedAddresses: [media.example.org], certificate: a.pem, key: /k.pem}
            codecs: [{kind: audio, mimeType: audio/opus, clockRate: 48000, channels: 2}]
            media: [/srv/media, films]
            recordings: /srv/recordings
            pipelines: [mine]
            idleRoom: 0
            sources:
              - {room: a, source: test, name: A test, loop: true, video: h264, retry: never, record: webm}
              - {room: b, pipeline: overlay, parameters: {text: hello, width: 640}}
            log: {level: debug, format: json}
            limits: {pipelines: 5}
            """)
        let settings = loaded.settings
        #expect(settings.listenIP == "::1" && settings.listenPort == 8080)
        #expect(settings.hosts == ["media.example.org"] && settings.origins == ["https://example.org"])
        #expect(settings.tokenFile == token && settings.token == "a long token")
        #expect(settings.rtpIP == "0.0.0.0" && settings.announcedAddress == "media.example.org")
        #expect(settings.rtpPorts == 50_000...50_100)
        #expect(settings.webRTCPort == 0 && settings.webRTCAddresses == ["::"])
        #expect(settings.webRTCAnnouncedAddresses == ["media.example.org"])
        #expect(settings.webRTCCertificate == "\(folder.path)/a.pem" && settings.webRTCKey == "/k.pem")
        #expect(settings.codecs.map(\.mimeType) == ["audio/opus"])
        #expect(settings.mediaFolders == ["/srv/media", "\(folder.path)/films"])
        #expect(settings.recordingsFolder == "/srv/recordings" && settings.furtherPipelines == ["\(folder.path)/mine"])
        #expect(settings.idleRoom == .zero && settings.pipelineLimit == 5)
        #expect(settings.logLevel == .debug && settings.logFormat == .json)
        let (test, overlay) = (settings.sources[0].ingest, settings.sources[1].ingest)
        #expect(settings.sources.map(\.ingest.room) == ["a", "b"])
        #expect(test.source == .test && test.loop && test.video == .h264)
        #expect(test.retry == .never && test.displayName == "A test")
        #expect(overlay.source == .pipeline && overlay.pipeline == "overlay")
        #expect(overlay.parameters == ["text": "hello", "width": 640])
        #expect(overlay.retry == .always)
        #expect(settings.sources.map(\.record) == [.webm, nil])
        // What `ladle check --show` prints says the same again.
        #expect(try folder.load(loaded.text).settings == settings)
    }
}
