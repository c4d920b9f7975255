import Foundation

/// Media files made with the ffmpeg tool, for one test each.
enum Clips {
    /// A picture and a tone; the codec options say what it becomes.
    static func make(_ path: String, seconds: Double = 4, size: String = "640x360", rate: Int = 30, _ codecs: [String])
        async throws
    {
        try await Tool.run(
            "ffmpeg",
            [
                "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=\(size):rate=\(rate):duration=\(seconds)",
                "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=\(seconds)",
            ] + codecs + [path])
    }

    static let h264AAC = [
        "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "aac", "-ac", "2",
    ]
    static let h264WithBFrames = [
        "-c:v", "libx264", "-profile:v", "high", "-bf", "2", "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "aac",
    ]
    static let vp8Opus = [
        "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "800k", "-pix_fmt", "yuv420p", "-g", "30",
        "-c:a", "libopus",
    ]
}
