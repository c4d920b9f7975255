import Base
import MediaPlane
import ORTC
import SRTP
import StrictYAML

/// One setting: its key in the file, its variable, its flag, and what it does. The file's reader, the environment, the
/// commented example and docs/settings.md all follow this table.
public struct SettingsKey: Sendable {
    /// "rtp.ports": a member of a member.
    public let path: String
    /// What stands there, in words.
    public let type: String
    /// "--rtp-ports"; nil: it has none.
    public let flag: String?
    /// One sentence.
    public let help: String
    let read: Read
    /// The value that settings have for it; null when it is not set.
    let value: @Sendable (GatewaySettings) -> JSONValue

    enum Read: Sendable {
        /// One value.
        case one(@Sendable (inout GatewaySettings, SettingInput) throws(SettingRefusal) -> Void)
        /// A list of values; each is checked by itself.
        case list(
            check: @Sendable (SettingInput) throws(SettingRefusal) -> String,
            set: @Sendable (inout GatewaySettings, [String]) -> Void)
        /// Something with members, which only the file can hold.
        case tree(@Sendable (inout GatewaySettings, YAMLReader, inout SettingsReading) -> Void)
    }

    /// Its value when nobody says anything; null: it is not set.
    public var standard: JSONValue { value(GatewaySettings()) }

    /// Its default as a person reads it; nil: there is none.
    public var standardText: String? {
        let value = standard
        if value.isNull || value == [] { return nil }
        if case .array(let elements) = value { return elements.map(SettingsText.inline).joined(separator: ", ") }
        return SettingsText.inline(value)
    }

    /// `rtp.announcedAddress` is LADLE_RTP_ANNOUNCED_ADDRESS; nil: lists and trees have none.
    public var environmentName: String? {
        guard case .one = read else { return nil }
        return Self.environmentName(of: path)
    }

    /// Capitals, with "_" for each dot and before each capital.
    static func environmentName(of path: String) -> String {
        var name = "LADLE_"
        for character in path {
            if character == "." {
                name += "_"
            } else {
                name += character.isUppercase ? "_\(character)" : character.uppercased()
            }
        }
        return name
    }

    public static subscript(path: String) -> SettingsKey? { all.first { $0.path == path } }
}

extension SettingsKey {
    /// In the order in which the example and the documentation have them.
    public static let all: [SettingsKey] = http + tls + media + webRTC + rooms + operation

    static func one(
        _ path: String, _ type: String, flag: String?, _ help: String,
        value: @escaping @Sendable (GatewaySettings) -> JSONValue,
        set: @escaping @Sendable (inout GatewaySettings, SettingInput) throws(SettingRefusal) -> Void
    ) -> SettingsKey {
        SettingsKey(path: path, type: type, flag: flag, help: help, read: .one(set), value: value)
    }

    private static func list(
        _ path: String, _ type: String, flag: String?, _ help: String,
        _ member: WritableKeyPath<GatewaySettings, [String]> & Sendable,
        check: @escaping @Sendable (SettingInput) throws(SettingRefusal) -> String
    ) -> SettingsKey {
        SettingsKey(
            path: path, type: type, flag: flag, help: help,
            read: .list(check: check) { $0[keyPath: member] = $1 },
            value: { .array($0[keyPath: member].map { JSONValue($0) }) })
    }

    // MARK: Who may talk to it

    private static let http: [SettingsKey] = [
        one(
            "listen", "ADDRESS:PORT", flag: "--listen", "Where HTTP is served.",
            value: { JSONValue($0.listenText) }
        ) { settings, input throws(SettingRefusal) in
            (settings.listenIP, settings.listenPort) = try input.listenAddress()
        },
        list(
            "hosts", "list of host names", flag: "--host", "Further names by which clients call this gateway.",
            \.hosts
        ) { input throws(SettingRefusal) in try input.host() },
        list(
            "origins", "list of web origins", flag: "--origin", "Web origins whose pages may use this gateway.",
            \.origins
        ) { input throws(SettingRefusal) in try input.origin() },
        one(
            "tokenFile", "path", flag: "--token-file", "The file with the bearer token that clients must show.",
            value: { JSONValue($0.tokenFile) }
        ) { settings, input throws(SettingRefusal) in settings.tokenFile = try input.path() },
        one(
            "noAuth", "true or false", flag: "--no-auth", "Serve other machines without a token.",
            value: { JSONValue($0.noAuth) }
        ) { settings, input throws(SettingRefusal) in settings.noAuth = try input.bool() },
    ]

    // MARK: How media flows

    private static let media: [SettingsKey] = [
        one(
            "rtp.address", "address", flag: "--rtp-address", "The address that RTP is received on.",
            value: { JSONValue($0.rtpIP) }
        ) { settings, input throws(SettingRefusal) in settings.rtpIP = try input.address() },
        one(
            "rtp.announcedAddress", "address or host name", flag: "--announced-address",
            "The address that clients are told to send RTP to.",
            value: { JSONValue($0.announcedAddress) }
        ) { settings, input throws(SettingRefusal) in settings.announcedAddress = try input.host() },
        one(
            "rtp.ports", "MIN-MAX", flag: "--rtp-ports", "The UDP ports for RTP.",
            value: { JSONValue("\($0.rtpPorts.lowerBound)-\($0.rtpPorts.upperBound)") }
        ) { settings, input throws(SettingRefusal) in settings.rtpPorts = try input.ports() },
        one(
            "rtp.portQuarantine", "seconds, 0 to 3600", flag: nil,
            "How long a UDP port rests before another transport gets it.",
            value: { JSONValue($0.portQuarantine.components.seconds) }
        ) { settings, input throws(SettingRefusal) in
            settings.portQuarantine = .seconds(try input.integer(in: 0...3600, unit: " seconds"))
        },
        one(
            "rtp.workers", "1 to 64", flag: "--rtp-workers", "Threads that forward media; null: one per core.",
            value: { $0.mediaWorkers.map { JSONValue($0) } ?? .null }
        ) { settings, input throws(SettingRefusal) in
            settings.mediaWorkers = try input.integer(in: MediaPlaneConfiguration.workerCounts)
        },
        one(
            "rtp.coalescing", "true or false", flag: nil,
            "Under load, hold packets for up to 1 ms so that runs of them leave together.",
            value: { JSONValue($0.coalescing) }
        ) { settings, input throws(SettingRefusal) in settings.coalescing = try input.bool() },
        one(
            "rtp.srtpBackend", "openssl or libsrtp", flag: nil, "The library that encrypts and decrypts SRTP.",
            value: { JSONValue($0.srtpBackend.rawValue) }
        ) { settings, input throws(SettingRefusal) in settings.srtpBackend = try input.word() },
    ]

    // MARK: How browsers are reached

    private static let webRTC: [SettingsKey] = [
        one(
            "webrtc.port", "0 to 65535, or perTransport", flag: "--webrtc-port",
            "The UDP and TCP port of all WebRTC clients; each further worker has the next one.",
            value: { settings in settings.webRTCPort.map { JSONValue(Int($0)) } ?? "perTransport" }
        ) { settings, input throws(SettingRefusal) in settings.webRTCPort = try input.webRTCPort() },
        list(
            "webrtc.addresses", "list of addresses", flag: "--webrtc-address",
            "The addresses that WebRTC clients reach; without one, rtp.address.", \.webRTCAddresses
        ) { input throws(SettingRefusal) in try input.address() },
        list(
            "webrtc.announcedAddresses", "list of addresses or host names", flag: "--webrtc-announced-address",
            "What WebRTC clients are told instead, one for each address.", \.webRTCAnnouncedAddresses
        ) { input throws(SettingRefusal) in try input.host() },
        one(
            "webrtc.certificate", "path", flag: nil,
            "The file with the certificate for DTLS; without one it is made at each start.",
            value: { JSONValue($0.webRTCCertificate) }
        ) { settings, input throws(SettingRefusal) in settings.webRTCCertificate = try input.path() },
        one(
            "webrtc.key", "path", flag: nil, "The file with its key; without one it is in the certificate's file.",
            value: { JSONValue($0.webRTCKey) }
        ) { settings, input throws(SettingRefusal) in settings.webRTCKey = try input.path() },
        SettingsKey(
            path: "webrtc.iceServers", type: "list of ICE servers", flag: nil,
            help: "STUN and TURN servers that WHIP and WHEP clients are told of.",
            read: .tree { settings, reader, reading in
                settings.iceServers = SettingsFile.iceServers(reader, &reading)
            },
            value: { .array($0.iceServers.map { ["urls": .string($0.url)] }) }),
    ]

    // MARK: What goes in and out

    private static let rooms: [SettingsKey] = [
        SettingsKey(
            path: "codecs", type: "list of codecs", flag: nil,
            help: "What rooms can carry, in the order of preference.",
            read: .tree { settings, reader, reading in
                if let codecs = SettingsFile.codecs(reader, &reading) { settings.codecs = codecs }
            },
            value: { .array($0.codecs.map(\.settingsValue)) }),
        list(
            "media", "list of folders", flag: "--media", "The folders whose files may be ingested.", \.mediaFolders
        ) { input throws(SettingRefusal) in try input.path() },
        one(
            "recordings", "folder", flag: "--recordings", "Where recordings are written.",
            value: { JSONValue($0.recordingsFolder) }
        ) { settings, input throws(SettingRefusal) in settings.recordingsFolder = try input.path() },
        list(
            "pipelines", "list of folders", flag: "--pipelines", "Further folders of pipeline descriptions.",
            \.furtherPipelines
        ) { input throws(SettingRefusal) in try input.path() },
        one(
            "idleRoom", "seconds, 0 to 86400", flag: "--idle-room",
            "Close an empty room after so many seconds; 0: never.",
            value: { JSONValue($0.idleRoom.components.seconds) }
        ) { settings, input throws(SettingRefusal) in
            settings.idleRoom = .seconds(try input.integer(in: 0...86_400, unit: " seconds"))
        },
        SettingsKey(
            path: "sources", type: "list of sources", flag: nil,
            help: "What goes into rooms as soon as the gateway runs.",
            read: .tree { settings, reader, reading in
                settings.sources = SettingsFile.sources(reader, &reading)
            },
            value: { .array($0.sources.map(\.settingsValue)) }),
    ]

    // MARK: How it is run

    private static let operation: [SettingsKey] = [
        one(
            "log.level", LogLevel.allCases.map(\.rawValue).joined(separator: ", "), flag: "--log-level",
            "What is worth a line.",
            value: { JSONValue($0.logLevel.rawValue) }
        ) { settings, input throws(SettingRefusal) in settings.logLevel = try input.word() },
        one(
            "log.format", LogFormat.allCases.map(\.rawValue).joined(separator: ", "), flag: "--log-format",
            "Lines for people, or a JSON object a line.",
            value: { JSONValue($0.logFormat.rawValue) }
        ) { settings, input throws(SettingRefusal) in settings.logFormat = try input.word() },
        one(
            "limits.pipelines", "1 to 1000", flag: "--pipeline-limit",
            "How many ingests and recordings may run at once.",
            value: { JSONValue($0.pipelineLimit) }
        ) { settings, input throws(SettingRefusal) in settings.pipelineLimit = try input.integer(in: 1...1000) },
    ]
}

extension GatewaySettings {
    /// As `listen` is written.
    var listenText: String { listenIP.contains(":") ? "[\(listenIP)]:\(listenPort)" : "\(listenIP):\(listenPort)" }
}
