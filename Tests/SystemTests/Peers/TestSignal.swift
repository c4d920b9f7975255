import Foundation

/// A clip with the test source's marks (numbered pictures, a flash and a beep each second), made by the ffmpeg tool
/// alone: 30 pictures a second, 320x180, a key frame each half second, no B-frames.
actor TestSignal {
    enum Codecs: String {
        /// Also what RTMP, MPEG-TS and HLS can carry.
        case h264AAC = "mp4"
        case vp8Opus = "webm"
    }

    static let shared = TestSignal()
    static let seconds = 20.0
    private let scratch = try? Scratch("ladle-signal")
    private var made: [Codecs: String] = [:]

    func clip(_ codecs: Codecs) async throws -> String {
        if let path = made[codecs] { return path }
        guard let path = scratch?.path("signal.\(codecs.rawValue)") else {
            throw DeadlinePassed(what: "a scratch folder")
        }
        try await Tool.run(
            "ffmpeg",
            ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", Self.picture, "-f", "lavfi", "-i", Self.sound]
                + Self.options(codecs) + ["-g", "15", "-ac", "2", path])
        made[codecs] = path
        return path
    }

    /// 20 blocks of 8 pixels along the lower sixth, most significant bit first; the flash in the top left quarter.
    private static let picture = """
        color=size=160x90:rate=30:duration=\(seconds),format=gray,geq=lum='if(gte(Y,75),\
        if(mod(floor(N/pow(2,19-floor(X/8))),2),235,16),if(lt(X,80)*lt(Y,45),if(lt(mod(N,30),3),235,16),64))',\
        scale=320:180:flags=neighbor,format=yuv420p
        """
    private static let sound = "aevalsrc='if(lt(mod(t,1),0.1),0.5*sin(2*PI*1000*t),0)':s=48000:d=\(seconds)"

    private static func options(_ codecs: Codecs) -> [String] {
        switch codecs {
        case .h264AAC:
            [
                "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-c:a",
                "aac",
            ]
        case .vp8Opus:
            ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k", "-c:a", "libopus"]
        }
    }
}
