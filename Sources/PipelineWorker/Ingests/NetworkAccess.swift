import LibAV
import PipelineControl

/// How each scheme is opened: which protocols and formats may be used, with which options, and how long it may take.
///
/// The lists are fixed: neither an address nor what is found there can add to them. So a playlist can't name a file of
/// this machine, and a redirection can't leave for another scheme.
public struct NetworkAccess: Sendable {
    /// What waits on what.
    public enum Flow: Sendable, Hashable {
        /// Comes when it comes: never held up.
        case live
        /// Is fetched as it is needed.
        case pulled
    }

    public static let userAgent = "Ladle"
    /// For a connection and the first answer.
    public static let connectPatience = Duration.seconds(10)
    /// HLS brings a segment at a time, and servers list one only when it is whole.
    public static let playlistPatience = Duration.seconds(30)

    public let source: NetworkSource
    public let address: SourceAddress

    public init(_ source: NetworkSource) throws(SourceAddress.Refusal) {
        self.source = source
        address = try SourceAddress(source.url, listens: source.listens)
        if address.scheme.isDevice {
            throw SourceAddress.Refusal(description: "\(address) is a device, no network source")
        }
        if source.listens, address.scheme != .rtmp {
            throw SourceAddress.Refusal(
                description: address.scheme == .srt
                    ? "an srt source that listens says so in its address: srt://…?mode=listener"
                    : "\(address.scheme.rawValue) sources can't listen; rtmp and srt can")
        }
    }

    public var flow: Flow {
        switch address.scheme {
        case .http, .https: .pulled
        default: .live
        }
    }

    /// Somebody else begins: nobody can be called.
    public var isAwaited: Bool {
        switch address.scheme {
        case .rtmp: source.listens
        case .srt: address.query["mode"] == "listener" || address.query["mode"] == "1"
        case .udp: true
        default: false
        }
    }

    /// Without media for so long, the source counts as failed.
    public var patience: Duration { .nanoseconds(Int64(min(max(source.patience, 0.5), 3600) * 1e9)) }

    public var protocols: [String] {
        switch address.scheme {
        // Keys of encrypted HLS come by what libav calls `crypto`, which in turn uses only what is listed.
        case .http: ["http", "tcp", "crypto"]
        case .https: ["https", "http", "tls", "tcp", "crypto"]
        case .rtsp: ["rtsp", "rtp", "udp", "tcp"]
        case .rtsps: ["rtsps", "rtsp", "rtp", "udp", "tls", "tcp"]
        case .rtmp: ["rtmp", "tcp"]
        case .rtmps: ["rtmps", "rtmp", "tls", "tcp"]
        case .srt: ["srt"]
        case .udp: ["udp"]
        case .v4l2, .alsa: []
        }
    }

    /// Media alone: nothing that lists files, describes sessions or makes pictures up. HLS opens its segments as one of
    /// the others.
    private static let webFormats = [
        "hls", "mov", "mp4", "matroska", "webm", "mpegts", "mpeg", "flv", "live_flv", "avi", "asf", "ogg", "wav", "w64",
        "aiff", "au", "caf", "mp3", "aac", "flac", "ac3", "eac3", "amr", "ivf", "h264", "mpjpeg", "webvtt",
    ]

    public var formats: [String] {
        switch address.scheme {
        case .http, .https: Self.webFormats
        // What a session description can carry inside RTP: `rtp` itself, and MPEG-TS.
        case .rtsp, .rtsps: ["rtsp", "rtp", "mpegts"]
        case .rtmp, .rtmps: ["flv", "live_flv"]
        case .srt, .udp: ["mpegts"]
        case .v4l2, .alsa: []
        }
    }

    private var options: [String: String] {
        let microseconds = "\(Self.connectPatience.components.seconds * 1_000_000)"
        switch address.scheme {
        case .http, .https:
            // An empty proxy is none, whatever the environment says.
            return [
                "user_agent": Self.userAgent, "http_proxy": "", "icy": "0", "timeout": microseconds, "tls_verify": "1",
                // A list that is not renewed for half a minute is over, not worth a thousand looks.
                "m3u8_hold_counters": "30",
            ]
        case .rtsp, .rtsps:
            return [
                "user_agent": Self.userAgent, "rtsp_transport": source.transport.rawValue, "timeout": microseconds,
                "allowed_media_types": "video+audio", "tls_verify": "1",
                // A picture of some hundred packets arrives at once, and the usual 200 KiB are full before we look.
                "buffer_size": "4194304",
            ]
        case .rtmp, .rtmps:
            var options = ["rtmp_buffer": "200", "tcp_nodelay": "1", "tls_verify": "1"]
            if source.listens {
                options["listen"] = "1"
                // For each read of one who has come: a caller that says nothing shall not keep others out.
                options["rw_timeout"] = microseconds
            }
            return options
        case .srt:
            var options = [
                "connect_timeout": "\(Self.connectPatience.components.seconds * 1000)", "timeout": microseconds,
            ]
            // By option they may hold any character, and libav does not repeat them in its messages.
            for (name, value) in address.query where Self.secretSRTMembers.contains(name) { options[name] = value }
            return options
        case .udp:
            return ["overrun_nonfatal": "1", "buffer_size": "4194304", "reuse": "1"]
        case .v4l2, .alsa:
            return [:]
        }
    }

    private static let secretSRTMembers: Set<String> = ["passphrase", "streamid"]

    private var format: String? {
        switch address.scheme {
        case .rtmp, .rtmps: "flv"
        case .srt, .udp: "mpegts"
        default: nil
        }
    }

    /// - Parameters:
    ///   - isReturn: the source has been open before; a first guess is enough.
    ///   - patience: for connecting, and again for the first packets.
    public func input(isReturn: Bool = false, patience open: Duration = connectPatience) -> InputAccess {
        let isPulled = flow == .pulled
        return InputAccess(
            url: address.scheme == .srt
                ? address.secretText(without: Self.secretSRTMembers) : address.secretText,
            name: address.description, protocols: protocols, formats: formats, format: format,
            options: options, probeBytes: isPulled ? 5_000_000 : 1_000_000,
            analysis: isPulled ? .seconds(5) : .seconds(1), frameRatePictures: isPulled && !isReturn ? 20 : 0,
            openPatience: isAwaited ? nil : open, analysisPatience: isAwaited ? Self.connectPatience : open,
            readPatience: readPatience)
    }

    /// Without a packet for so long, the source counts as failed.
    public var readPatience: Duration { flow == .pulled ? max(patience, Self.playlistPatience) : patience }

    /// For one more try of a source that was open before. A try that waits for an answer to something that was lost
    /// hides the source's return: it is given up soon while the source is not away for long.
    /// - Parameter usual: what the last opening took.
    public static func retryPatience(usual: Duration, away: Duration) -> Duration {
        min(max(usual * 3, .seconds(1), away / 10), connectPatience)
    }
}
