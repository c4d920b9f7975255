import CLibAV

/// The containers that can be written.
public enum ContainerFormat: String, Sendable, Hashable, CaseIterable {
    case matroska, webm, mp4

    /// As people call it.
    var title: String {
        switch self {
        case .matroska: "Matroska"
        case .webm: "WebM"
        case .mp4: "MP4"
        }
    }
}

/// One track of a container.
public struct ContainerTrack: Sendable, Hashable {
    public enum Codec: Sendable, Hashable {
        case vp8
        case vp9
        /// Set-up: SPS and PPS in Annex B. Frames are Annex B too, each key frame with its sets.
        case h264
        /// Set-up: an OpusHead (RFC 7845 §5.1).
        case opus
    }

    public var codec: Codec
    /// Pictures only. Zero: not known yet, which Matroska and WebM can bear with VP8 and VP9: see
    /// `ContainerWriter.setSize`.
    public var width = 0
    public var height = 0
    /// Pictures only: bits of a sample; more than 8 in VP9's profile 2 alone.
    public var bitDepth = 8
    /// Sound only.
    public var channels = 2
    public var setup: [UInt8] = []

    public init(video codec: Codec, width: Int, height: Int, bitDepth: Int = 8, setup: [UInt8] = []) {
        (self.codec, self.width, self.height, self.bitDepth, self.setup) = (codec, width, height, bitDepth, setup)
    }

    /// Opus as RTP carries it: no priming left to skip, since the sender's timestamps already count it.
    public init(opusChannels channels: Int) {
        codec = .opus
        self.channels = channels
        // Version 1, no pre-skip, 48 kHz, no gain, mapping family 0.
        setup = Array("OpusHead".utf8) + [1, UInt8(clamping: channels), 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]
    }

    var isVideo: Bool { codec != .opus }
    var isSizeKnown: Bool { !isVideo || width > 0 }

    /// What stands in the header until the size is known. Two bytes each, as every size needs.
    static let guessedSize = (width: 1280, height: 720)

    /// Adds this track to a muxer.
    func add(to context: UnsafeMutablePointer<AVFormatContext>, name: String) throws(LibAVError) {
        let stream = try allocated(avformat_new_stream(context, nil), "add a track to \(name)")
        let parameters = try CodecParameters()
        let values = parameters.pointer
        switch codec {
        case .vp8: values.pointee.codec_id = AV_CODEC_ID_VP8
        case .vp9: values.pointee.codec_id = AV_CODEC_ID_VP9
        case .h264: values.pointee.codec_id = AV_CODEC_ID_H264
        case .opus: values.pointee.codec_id = AV_CODEC_ID_OPUS
        }
        if isVideo {
            values.pointee.codec_type = AVMEDIA_TYPE_VIDEO
            values.pointee.width = Int32(clamping: isSizeKnown ? width : Self.guessedSize.width)
            values.pointee.height = Int32(clamping: isSizeKnown ? height : Self.guessedSize.height)
            // MP4's vpcC tells depth and subsampling, which libav reads out of the format.
            if codec == .vp9 { values.pointee.format = pixelFormat.rawValue }
            stream.pointee.time_base = AVRational(num: 1, den: 90_000)
        } else {
            values.pointee.codec_type = AVMEDIA_TYPE_AUDIO
            values.pointee.sample_rate = 48_000
            av_channel_layout_default(&values.pointee.ch_layout, Int32(clamping: channels))
            stream.pointee.time_base = AVRational(num: 1, den: 48_000)
        }
        try parameters.setExtradata(setup)
        try check(avcodec_parameters_copy(stream.pointee.codecpar, values), "add a track to \(name)")
    }

    private var pixelFormat: AVPixelFormat {
        switch bitDepth {
        case 10: AV_PIX_FMT_YUV420P10LE
        case 12: AV_PIX_FMT_YUV420P12LE
        default: AV_PIX_FMT_YUV420P
        }
    }
}
