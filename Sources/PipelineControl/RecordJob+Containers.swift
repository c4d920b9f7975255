// What each container is, for names, for refusals, and for those who write it.

extension RecordJob.Container {
    public static let all: [RecordJob.Container] = [.matroska, .webm, .mp4]

    /// As people call it.
    public var title: String {
        switch self {
        case .matroska: "Matroska"
        case .webm: "WebM"
        case .mp4: "MP4"
        }
    }

    /// Of file names, without the dot.
    public var fileExtension: String {
        switch self {
        case .matroska: "mkv"
        case .webm: "webm"
        case .mp4: "mp4"
        }
    }

    /// - Parameter fileExtension: in any case; nil for one that stands for nothing here.
    public init?(fileExtension: String) {
        let wanted = fileExtension.lowercased()
        guard let container = Self.all.first(where: { $0.fileExtension == wanted }) else { return nil }
        self = container
    }

    /// What it holds, of what a recorder can take out of RTP: MIME types in small letters.
    public var codecs: Set<String> {
        switch self {
        case .matroska: ["audio/opus", "video/vp8", "video/vp9", "video/h264"]
        // WebM's guidelines name no H264; players refuse it.
        case .webm: ["audio/opus", "video/vp8", "video/vp9"]
        // A binding of VP8 exists ("vp08"), but neither libav nor browsers know it.
        case .mp4: ["audio/opus", "video/vp9", "video/h264"]
        }
    }
}
