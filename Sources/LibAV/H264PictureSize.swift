import CLibAV

/// The size of the picture in H264 access units, read by libav's parser.
public enum H264PictureSize {
    /// - Parameter accessUnit: Annex B with parameter sets and a picture.
    /// - Returns: nil when libav finds no size in it.
    public static func of(_ accessUnit: [UInt8]) -> (width: Int, height: Int)? {
        guard let parser = av_parser_init(Int32(bitPattern: AV_CODEC_ID_H264.rawValue)) else { return nil }
        defer { av_parser_close(parser) }
        var context = avcodec_alloc_context3(nil)
        defer { avcodec_free_context(&context) }
        guard let context else { return nil }
        context.pointee.codec_id = AV_CODEC_ID_H264
        context.pointee.codec_type = AVMEDIA_TYPE_VIDEO
        // One whole access unit is given, and libav may read a little beyond its end.
        parser.pointee.flags |= PARSER_FLAG_COMPLETE_FRAMES
        let padded = accessUnit + [UInt8](repeating: 0, count: Int(AV_INPUT_BUFFER_PADDING_SIZE))
        var out: UnsafeMutablePointer<UInt8>?
        var size: Int32 = 0
        _ = av_parser_parse2(
            parser, context, &out, &size, padded, Int32(clamping: accessUnit.count), ladle_av_nopts_value,
            ladle_av_nopts_value, 0)
        let (width, height) = (Int(parser.pointee.width), Int(parser.pointee.height))
        return width > 0 && height > 0 ? (width, height) : nil
    }
}
