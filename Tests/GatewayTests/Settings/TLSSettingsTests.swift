import Foundation
import Gateway
import Signaling
import Testing

@Suite struct `Settings of HTTPS` {
    @Test func `take paths from the file, variables and flags, and the key from the certificate's file`() throws {
        let folder = try SettingsFolder()
        let loaded = try folder.load(
            "tls: {certificate: a.pem}", environment: ["LADLE_TLS_KEY": "/k/key.pem"],
            flags: [LoadedSettings.Flag(key: "tls.certificate", values: ["b.pem"])])
        #expect(loaded.settings.tlsCertificate == "\(folder.path)/b.pem" && loaded.settings.tlsKey == "/k/key.pem")
        #expect(loaded.places["tls.certificate"] == "--tls-cert" && loaded.places["tls.key"] == "LADLE_TLS_KEY")
    }

    @Test(arguments: [
        (["STATE_DIRECTORY": "/var/lib/ladle:/var/lib/ladle/recordings", "HOME": "/h"], "/var/lib/ladle"),
        (["XDG_STATE_HOME": "/h/state", "HOME": "/h"], "/h/state/ladle"),
        (["XDG_STATE_HOME": "state", "HOME": "/h"], "/h/.local/state/ladle"),
        (["HOME": ""], nil),
    ])
    func `keep what was made where the service manager or the user keeps such things`(
        environment: [String: String], folder: String?
    ) throws {
        #expect(GatewaySettings.stateFolder(environment) == folder)
        #expect(try SettingsFolder().load(environment: environment).settings.stateFolder == folder)
    }

    @Test func `are checked before the start, with warnings of what works but won't for long`() throws {
        let folder = try SettingsFolder()
        let settings = try folder.load("tls: {certificate: none.pem}").settings
        #expect(
            MachineCheck(settings).problems.contains(
                "tls.certificate: \(folder.path)/none.pem: No such file or directory; check the path"))
        #expect(MachineCheck(settings).warnings == [])
    }

    @Test func `ICE servers have addresses and, from files of their own, names and passwords`() throws {
        let folder = try SettingsFolder()
        try folder.write("turn", "user:pass:word\n")
        let loaded = try folder.load(
            """
            webrtc:
              iceServers:
                - urls: stun:stun.example.org
                - urls: ["turn:turn.example.org:3478", "turns:[2001:db8::1]:443?transport=tcp"]
                  credentials: ./turn
            """)
        #expect(
            loaded.settings.iceServers == [
                ICEServer(url: "stun:stun.example.org"),
                ICEServer(url: "turn:turn.example.org:3478", account: .password(name: "user", "pass:word")),
                ICEServer(
                    url: "turns:[2001:db8::1]:443?transport=tcp", account: .password(name: "user", "pass:word")),
            ])
        #expect(loaded.text.contains("turn:turn.example.org:3478") && !loaded.text.contains("word"))
    }

    @Test func `ICE servers share a secret with us, which is shown nowhere; not beside a password`() throws {
        let folder = try SettingsFolder()
        try folder.write("turn", "n0rth:\"wind\n")
        let servers = "webrtc: {iceServers: [{urls: ['turn:a', 'stun:a'], secret: ./turn"
        let loaded = try folder.load("\(servers)}]}")
        #expect(
            loaded.settings.iceServers
                == ["turn:a", "stun:a"].map { ICEServer(url: $0, account: .secret("n0rth:\"wind")) })
        #expect(!loaded.text.contains("wind"))
        #expect(
            try folder.problems("\(servers), credentials: ./turn}]}")
                .contains { $0.contains("a server has credentials or a secret, not both") })
    }

    @Test(arguments: ["no-colon", ":word", "name:", "na\"me:word", "name:wörd"])
    func `of a TURN server that can't be used are refused without being shown`(_ secret: String) throws {
        let folder = try SettingsFolder()
        try folder.write("turn", secret)
        let problems = try folder.problems("webrtc: {iceServers: [{urls: 'turn:a', credentials: ./turn}]}")
        #expect(problems.count == 1 && problems.first?.contains("the file that it names") == true, "\(problems)")
        #expect(problems.first?.contains(secret) == false)
    }
}
