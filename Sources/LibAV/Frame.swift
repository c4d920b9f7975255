import CLibAV

/// One decoded picture or run of samples: an `AVFrame`.
public final class Frame {
    let pointer: UnsafeMutablePointer<AVFrame>
    var timeBase = AVRational.nanosecond

    init() throws(LibAVError) {
        pointer = try allocated(av_frame_alloc(), "allocate a frame")
    }

    /// A picture of 8-bit 4:2:0 with undefined content.
    public convenience init(width: Int, height: Int) throws(LibAVError) {
        try self.init()
        pointer.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        pointer.pointee.width = Int32(clamping: width)
        pointer.pointee.height = Int32(clamping: height)
        try check(av_frame_get_buffer(pointer, 0), "allocate a picture of \(width)x\(height)")
    }

    /// 48 kHz stereo samples as the Opus encoder takes them.
    /// - Parameter interleaved: left and right in turn, −1…1.
    public convenience init(interleaved: some Collection<Float>) throws(LibAVError) {
        try self.init()
        pointer.pointee.format = AV_SAMPLE_FMT_FLT.rawValue
        pointer.pointee.nb_samples = Int32(clamping: interleaved.count / 2)
        pointer.pointee.sample_rate = 48_000
        av_channel_layout_default(&pointer.pointee.ch_layout, 2)
        try check(av_frame_get_buffer(pointer, 0), "allocate \(interleaved.count / 2) samples")
        // The buffer just allocated holds two floats a sample.
        let samples = UnsafeMutableRawBufferPointer(
            start: pointer.pointee.data.0, count: interleaved.count / 2 * 2 * MemoryLayout<Float>.stride)
        samples.withMemoryRebound(to: Float.self) { _ = $0.update(fromContentsOf: interleaved.prefix($0.count)) }
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&pointer)
    }

    public var width: Int { Int(pointer.pointee.width) }
    public var height: Int { Int(pointer.pointee.height) }
    public var sampleCount: Int { Int(pointer.pointee.nb_samples) }
    public var sampleRate: Int { Int(pointer.pointee.sample_rate) }
    public var channels: Int { Int(pointer.pointee.ch_layout.nb_channels) }

    /// When it shall be shown or heard; nil when neither container nor decoder knows.
    public var presentation: Duration? {
        get {
            let best = pointer.pointee.best_effort_timestamp
            return timeBase.duration(ofTicks: best == ladle_av_nopts_value ? pointer.pointee.pts : best)
        }
        set {
            timeBase = .nanosecond
            pointer.pointee.pts = newValue.map(timeBase.ticks(in:)) ?? ladle_av_nopts_value
            pointer.pointee.best_effort_timestamp = pointer.pointee.pts
        }
    }

    /// How long it stands, by the container; zero when not known.
    public var duration: Duration { timeBase.duration(ofTicks: pointer.pointee.pkt_duration) ?? .zero }

    /// The decoder hid damage in it.
    public var isDamaged: Bool {
        pointer.pointee.decode_error_flags != 0 || pointer.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0
    }

    /// Gives one plane of an 8-bit 4:2:0 picture for drawing: rows × stride bytes.
    public func withPlane<Result>(
        _ plane: Int, _ body: (_ bytes: UnsafeMutableRawBufferPointer, _ stride: Int) -> Result
    ) -> Result? {
        guard pointer.pointee.format == AV_PIX_FMT_YUV420P.rawValue, av_frame_make_writable(pointer) >= 0 else {
            return nil
        }
        let data = pointer.pointee.data
        let strides = pointer.pointee.linesize
        let planes = [(data.0, strides.0), (data.1, strides.1), (data.2, strides.2)]
        guard planes.indices.contains(plane), let start = planes[plane].0, planes[plane].1 > 0 else { return nil }
        let stride = Int(planes[plane].1)
        let rows = plane == 0 ? height : (height + 1) / 2
        // libav allocated stride × rows bytes for this plane; the frame outlives the call.
        return body(UnsafeMutableRawBufferPointer(start: start, count: stride * rows), stride)
    }
}
