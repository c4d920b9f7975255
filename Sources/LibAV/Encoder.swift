import CLibAV

/// How a picture is encoded for live viewers.
public struct VideoSettings: Sendable, Hashable {
    public enum Codec: Sendable, Hashable {
        case vp8
        /// Constrained baseline.
        case h264
    }

    public var codec: Codec
    /// Even, in pixels.
    public var width: Int
    public var height: Int
    public var framesPerSecond: Double
    public var bitrateBitsPerSecond: Int
    /// The longest way to the next key frame.
    public var keyFrameInterval: Duration = .seconds(2)
    /// A small picture costs a second thread more in waiting than it gains. libvpx's threads spin while they wait for each
    /// other's rows: where other programs want the processors too, two of them bring a picture a second.
    public var threads: Int { codec == .h264 && width * height > 640 * 480 ? 2 : 1 }

    public init(codec: Codec, width: Int, height: Int, framesPerSecond: Double, bitrateBitsPerSecond: Int) {
        (self.codec, self.width, self.height) = (codec, width, height)
        (self.framesPerSecond, self.bitrateBitsPerSecond) = (framesPerSecond, bitrateBitsPerSecond)
    }
}

/// Frames to coded packets, without delay: an `AVCodecContext` that encodes.
public final class Encoder {
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private let name: String
    private let timeBase: AVRational

    /// Samples that one packet of the audio encoder takes; 0 for pictures.
    public var frameSize: Int { context.map { Int($0.pointee.frame_size) } ?? 0 }

    private init(
        _ encoder: String, timeBase: AVRational, options: [(String, String)],
        configure: (inout AVCodecContext) -> Void
    ) throws(LibAVError) {
        name = encoder
        self.timeBase = timeBase
        guard let codec = avcodec_find_encoder_by_name(encoder) else {
            throw LibAVError(code: ladle_averror_encoder_not_found, action: "encode with \(encoder)")
        }
        let context = try allocated(avcodec_alloc_context3(codec), "open the \(encoder) encoder")
        self.context = context
        context.pointee.time_base = timeBase
        configure(&context.pointee)
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options { av_dict_set(&dictionary, key, value, 0) }
        try check(avcodec_open2(context, codec, &dictionary), "open the \(encoder) encoder")
    }

    /// Whether this libav was built with the encoder.
    public static func isAvailable(_ codec: VideoSettings.Codec) -> Bool {
        avcodec_find_encoder_by_name(codec == .vp8 ? "libvpx" : "libx264") != nil
    }

    public convenience init(_ settings: VideoSettings) throws(LibAVError) {
        let options: [(String, String)] =
            switch settings.codec {
            case .vp8:
                // Below zero the speed is fixed; above, libvpx looks at the clock and takes what time there is.
                [
                    ("deadline", "realtime"), ("cpu-used", "-8"), ("lag-in-frames", "0"), ("auto-alt-ref", "0"),
                    ("static-thresh", "0"), ("error-resilient", "0"),
                ]
            case .h264:
                [
                    ("preset", "veryfast"), ("tune", "zerolatency"), ("profile", "baseline"), ("forced-idr", "1"),
                    ("sc_threshold", "0"),
                ]
            }
        let codec = settings.codec
        try self.init(
            codec == .vp8 ? "libvpx" : "libx264", timeBase: AVRational(num: 1, den: 90_000), options: options
        ) { context in
            let rate = settings.framesPerSecond.isFinite ? max(1, min(settings.framesPerSecond, 240)) : 30
            context.width = Int32(clamping: settings.width)
            context.height = Int32(clamping: settings.height)
            context.pix_fmt = AV_PIX_FMT_YUV420P
            context.framerate = av_d2q(rate, 100_000)
            context.bit_rate = Int64(settings.bitrateBitsPerSecond)
            // One second of rate: a key frame may take its share, a viewer's downlink still sees a steady flow.
            context.rc_max_rate = context.bit_rate * (codec == .vp8 ? 1 : 5) / (codec == .vp8 ? 1 : 4)
            context.rc_buffer_size = Int32(clamping: settings.bitrateBitsPerSecond)
            context.gop_size = Int32(max(1, rate * settings.keyFrameInterval.inSeconds))
            context.max_b_frames = 0
            context.qmin = codec == .vp8 ? 4 : 10
            context.qmax = codec == .vp8 ? 56 : 51
            context.thread_count = Int32(clamping: settings.threads)
            context.color_range = AVCOL_RANGE_MPEG
        }
    }

    /// Opus, 48 kHz stereo, 20 ms a packet.
    public convenience init(opusBitrateBitsPerSecond bitrate: Int) throws(LibAVError) {
        try self.init(
            "libopus", timeBase: AVRational(num: 1, den: 48_000),
            options: [("frame_duration", "20"), ("application", "audio"), ("vbr", "on")]
        ) { context in
            context.sample_rate = 48_000
            context.sample_fmt = AV_SAMPLE_FMT_FLT
            av_channel_layout_default(&context.ch_layout, 2)
            context.bit_rate = Int64(bitrate)
        }
    }

    deinit { avcodec_free_context(&context) }

    /// Takes one frame, whose presentation must be later than the last one's, or nil at the end.
    /// - Parameter asKeyFrame: the packet of this frame shall be a key frame.
    public func send(_ frame: Frame?, asKeyFrame: Bool = false) throws(LibAVError) {
        if let frame {
            guard let presentation = frame.presentation else {
                throw LibAVError(code: ladle_averror(EINVAL), action: "encode a frame without a time with \(name)")
            }
            frame.pointer.pointee.pts = timeBase.ticks(in: presentation)
            frame.timeBase = timeBase
            frame.pointer.pointee.best_effort_timestamp = frame.pointer.pointee.pts
            frame.pointer.pointee.pict_type = asKeyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
        }
        try check(avcodec_send_frame(context, frame?.pointer), "encode with \(name)")
    }

    /// The next packet; nil when the encoder wants another frame or has given everything.
    public func receive() throws(LibAVError) -> Packet? {
        let packet = try Packet()
        let result = avcodec_receive_packet(context, packet.pointer)
        if result == ladle_averror_eagain || result == ladle_averror_eof { return nil }
        try check(result, "encode with \(name)")
        packet.pointer.pointee.time_base = timeBase
        return packet
    }
}
