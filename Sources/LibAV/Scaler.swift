import CLibAV

/// Any picture to 8-bit 4:2:0 of one size: an `SwsContext`, made anew when the source changes.
public final class Scaler {
    private var context: OpaquePointer?
    private var source = Source()
    public let width: Int
    public let height: Int

    private struct Source: Equatable {
        var width: Int32 = 0
        var height: Int32 = 0
        var format: Int32 = -1
        var isFullRange = false
        var colours: UInt32 = 0
    }

    /// - Parameters: the size that comes out, even and positive.
    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    deinit { sws_freeContext(context) }

    /// The picture in the scaler's size and format with the source's times; the same one when nothing changes.
    public func scale(_ frame: Frame) throws(LibAVError) -> Frame {
        let picture = frame.pointer.pointee
        let isFullRange =
            picture.color_range == AVCOL_RANGE_JPEG || picture.format == AV_PIX_FMT_YUVJ420P.rawValue
            || picture.format == AV_PIX_FMT_YUVJ422P.rawValue || picture.format == AV_PIX_FMT_YUVJ444P.rawValue
        if picture.format == AV_PIX_FMT_YUV420P.rawValue, !isFullRange, frame.width == width, frame.height == height {
            return frame
        }
        let now = Source(
            width: picture.width, height: picture.height, format: picture.format, isFullRange: isFullRange,
            colours: picture.colorspace.rawValue)
        if now != source || context == nil { try prepare(for: now) }
        let scaled = try Frame(width: width, height: height)
        try check(
            sws_scale_frame(context, scaled.pointer, frame.pointer),
            "scale a picture of \(frame.width)x\(frame.height) to \(width)x\(height)")
        scaled.presentation = frame.presentation
        return scaled
    }

    private func prepare(for new: Source) throws(LibAVError) {
        sws_freeContext(context)
        context = nil
        let action = "scale pictures of \(new.width)x\(new.height) to \(width)x\(height)"
        // Unknown numbers of a file must not become enum values that libav trusts.
        guard av_pix_fmt_desc_get(AVPixelFormat(rawValue: new.format)) != nil, new.width > 0, new.height > 0 else {
            throw LibAVError(code: ladle_averror(EINVAL), action: action)
        }
        context = try allocated(
            sws_getContext(
                new.width, new.height, AVPixelFormat(rawValue: new.format), Int32(clamping: width),
                Int32(clamping: height), AV_PIX_FMT_YUV420P, SWS_BILINEAR, nil, nil, nil),
            action)
        // Refused for RGB sources on some builds, which then keep libav's defaults: right as well.
        sws_setColorspaceDetails(
            context, sws_getCoefficients(Int32(clamping: new.colours)), new.isFullRange ? 1 : 0,
            sws_getCoefficients(SWS_CS_DEFAULT), 0, 0, 1 << 16, 1 << 16)
        source = new
    }
}
