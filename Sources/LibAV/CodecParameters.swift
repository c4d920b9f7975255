import CLibAV

/// What a coded stream is: an `AVCodecParameters`.
public final class CodecParameters {
    let pointer: UnsafeMutablePointer<AVCodecParameters>

    init() throws(LibAVError) {
        pointer = try allocated(avcodec_parameters_alloc(), "allocate codec parameters")
    }

    convenience init(copying other: UnsafePointer<AVCodecParameters>) throws(LibAVError) {
        try self.init()
        try check(avcodec_parameters_copy(pointer, other), "copy codec parameters")
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVCodecParameters>? = pointer
        avcodec_parameters_free(&pointer)
    }

    public enum Kind: Sendable, Hashable { case audio, video, other }

    public var kind: Kind {
        switch pointer.pointee.codec_type {
        case AVMEDIA_TYPE_AUDIO: .audio
        case AVMEDIA_TYPE_VIDEO: .video
        default: .other
        }
    }

    /// libav's name of the codec: `h264`, `vp8`, `opus`, `aac` …
    public var codecName: String { String(cString: avcodec_get_name(pointer.pointee.codec_id)) }

    /// `Main`, `High` …; nil when not known.
    public var profileName: String? {
        avcodec_profile_name(pointer.pointee.codec_id, pointer.pointee.profile).map { String(cString: $0) }
    }

    /// libav has a decoder for it.
    public var isDecodable: Bool { avcodec_find_decoder(pointer.pointee.codec_id) != nil }

    public var width: Int { Int(pointer.pointee.width) }
    public var height: Int { Int(pointer.pointee.height) }
    public var sampleRate: Int { Int(pointer.pointee.sample_rate) }
    public var channels: Int { Int(pointer.pointee.ch_layout.nb_channels) }

    /// Pictures that the decoder holds back to bring them into order, by the stream's header.
    public var reorderDelay: Int { Int(pointer.pointee.video_delay) }

    /// Width of a pixel by its height; 1 when not known.
    public var pixelAspect: Double { pointer.pointee.sample_aspect_ratio.value ?? 1 }

    /// Codec set-up as the container holds it: avcC or Annex B for H264, OpusHead for Opus.
    public var extradata: [UInt8] {
        guard let start = pointer.pointee.extradata, pointer.pointee.extradata_size > 0 else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(pointer.pointee.extradata_size)))
    }

    func setExtradata(_ bytes: [UInt8]) throws(LibAVError) {
        av_freep(&pointer.pointee.extradata)
        pointer.pointee.extradata_size = 0
        if bytes.isEmpty { return }
        let room = try allocated(
            av_mallocz(bytes.count + Int(AV_INPUT_BUFFER_PADDING_SIZE)), "allocate \(bytes.count) bytes of extradata")
        room.copyMemory(from: bytes, byteCount: bytes.count)
        pointer.pointee.extradata = room.assumingMemoryBound(to: UInt8.self)
        pointer.pointee.extradata_size = Int32(clamping: bytes.count)
    }
}
