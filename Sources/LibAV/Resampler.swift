import CLibAV

/// Any sound to 48 kHz stereo: an `SwrContext`, made anew when the source changes.
public final class Resampler {
    private var context: OpaquePointer?
    private var source = Source()

    private struct Source: Equatable {
        var rate: Int32 = 0
        var format: Int32 = -1
        var channels: Int32 = 0
        var mask: UInt64 = 0
    }

    public init() {}

    deinit { swr_free(&context) }

    /// Samples that went in and have not come out, in 48 kHz samples.
    public var delay: Int { context == nil ? 0 : Int(swr_get_delay(context, 48_000)) }

    /// The samples of a frame, left and right in turn; nil drains what is left at the end.
    public func resample(_ frame: Frame?) throws(LibAVError) -> [Float] {
        var drained: [Float] = []
        if let frame {
            let now = Source(
                rate: frame.pointer.pointee.sample_rate, format: frame.pointer.pointee.format,
                channels: frame.pointer.pointee.ch_layout.nb_channels, mask: frame.pointer.pointee.ch_layout.u.mask)
            if now != source || context == nil {
                if context != nil { drained = try convert(nil) }
                try prepare(for: now, frame: frame)
            }
        }
        guard context != nil else { return [] }
        return drained + (try convert(frame))
    }

    private func convert(_ frame: Frame?) throws(LibAVError) -> [Float] {
        let room = Int(swr_get_out_samples(context, frame?.pointer.pointee.nb_samples ?? 0))
        guard room > 0 else { return [] }
        var result: Int32 = 0
        let samples = [Float](unsafeUninitializedCapacity: room * 2) { buffer, count in
            // `room` samples of two interleaved floats: what libav was told and what it keeps to.
            var out: UnsafeMutablePointer<UInt8>? = UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(
                to: UInt8.self)
            if let frame {
                let planes = frame.pointer.pointee.extended_data
                result =
                    planes.map { planes in
                        planes.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 1) {
                            swr_convert(context, &out, Int32(room), $0, frame.pointer.pointee.nb_samples)
                        }
                    } ?? ladle_averror(EINVAL)
            } else {
                result = swr_convert(context, &out, Int32(room), nil, 0)
            }
            count = max(0, Int(result)) * 2
        }
        try check(result, "resample sound")
        return samples
    }

    private func prepare(for new: Source, frame: Frame) throws(LibAVError) {
        swr_free(&context)
        let action = "resample sound of \(new.rate) Hz in \(new.channels) channels"
        guard new.rate > 0, new.channels > 0, (0..<AV_SAMPLE_FMT_NB.rawValue).contains(new.format) else {
            throw LibAVError(code: ladle_averror(EINVAL), action: action)
        }
        var stereo = AVChannelLayout()
        av_channel_layout_default(&stereo, 2)
        var layout = AVChannelLayout()
        defer { av_channel_layout_uninit(&layout) }
        if frame.pointer.pointee.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC {
            av_channel_layout_default(&layout, new.channels)
        } else {
            try check(av_channel_layout_copy(&layout, &frame.pointer.pointee.ch_layout), action)
        }
        try check(
            swr_alloc_set_opts2(
                &context, &stereo, AV_SAMPLE_FMT_FLT, 48_000, &layout, AVSampleFormat(rawValue: new.format), new.rate,
                0,
                nil), action)
        try check(swr_init(context), action)
        source = new
    }
}
