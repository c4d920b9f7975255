import CLibAV

/// One track of a Matroska file.
public struct ContainerTrack: Sendable, Hashable {
    public enum Codec: Sendable, Hashable {
        case vp8
        case vp9
        /// Set-up: SPS and PPS in Annex B.
        case h264
        /// Set-up: an OpusHead (RFC 7845 §5.1).
        case opus
    }

    public var codec: Codec
    /// Pictures only.
    public var width = 0
    public var height = 0
    /// Sound only.
    public var channels = 2
    public var setup: [UInt8] = []

    public init(video codec: Codec, width: Int, height: Int, setup: [UInt8] = []) {
        (self.codec, self.width, self.height, self.setup) = (codec, width, height, setup)
    }

    /// Opus as RTP carries it: no priming left to skip, since the sender's timestamps already count it.
    public init(opusChannels channels: Int) {
        codec = .opus
        self.channels = channels
        // Version 1, no pre-skip, 48 kHz, no gain, mapping family 0.
        setup = Array("OpusHead".utf8) + [1, UInt8(clamping: channels), 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]
    }
}

/// A Matroska file that can be played up to its last cluster while it is written.
public final class ContainerWriter {
    private let file: OutputFile
    private let name: String
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var last: [Int64]
    private var isFinished = false

    /// Writes the header.
    /// - Parameters:
    ///   - descriptor: empty and open for writing; stays the caller's, who keeps it open as long as this lives.
    ///   - name: for messages only.
    public init(descriptor: Int32, name: String, tracks: [ContainerTrack]) throws(LibAVError) {
        self.name = name
        file = try OutputFile(descriptor: descriptor, name: name)
        last = Array(repeating: 0, count: tracks.count)
        try check(avformat_alloc_output_context2(&context, nil, "matroska", nil), "open \(name) as Matroska")
        guard let context else { throw .outOfMemory("open \(name) as Matroska") }
        context.pointee.pb = file.context
        context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        for track in tracks { try Self.add(track, to: context, name: name) }
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        // A cluster reaches the file when it ends: short ones keep the loss of a killed process well under a second.
        av_dict_set(&options, "cluster_time_limit", "300", 0)
        av_dict_set(&options, "flush_packets", "1", 0)
        try check(avformat_write_header(context, &options), "write the header of \(name)")
        avio_flush(context.pointee.pb)
        try checkFile("write the header of")
    }

    deinit {
        // The descriptor and its context are the file's.
        context?.pointee.pb = nil
        avformat_free_context(context)
    }

    private static func add(
        _ track: ContainerTrack, to context: UnsafeMutablePointer<AVFormatContext>, name: String
    ) throws(LibAVError) {
        let stream = try allocated(avformat_new_stream(context, nil), "add a track to \(name)")
        let parameters = try CodecParameters()
        let values = parameters.pointer
        switch track.codec {
        case .vp8: values.pointee.codec_id = AV_CODEC_ID_VP8
        case .vp9: values.pointee.codec_id = AV_CODEC_ID_VP9
        case .h264: values.pointee.codec_id = AV_CODEC_ID_H264
        case .opus: values.pointee.codec_id = AV_CODEC_ID_OPUS
        }
        if track.codec == .opus {
            values.pointee.codec_type = AVMEDIA_TYPE_AUDIO
            values.pointee.sample_rate = 48_000
            av_channel_layout_default(&values.pointee.ch_layout, Int32(clamping: track.channels))
        } else {
            values.pointee.codec_type = AVMEDIA_TYPE_VIDEO
            values.pointee.width = Int32(clamping: track.width)
            values.pointee.height = Int32(clamping: track.height)
        }
        try parameters.setExtradata(track.setup)
        try check(avcodec_parameters_copy(stream.pointee.codecpar, values), "add a track to \(name)")
        stream.pointee.time_base = AVRational(num: 1, den: 1000)
    }

    /// Bytes in the file so far.
    public var size: Int { Int(file.size) }

    /// Appends one frame. A time that is below zero or below the last one of its track is lifted to that.
    public func write(_ packet: Packet, track: Int) throws(LibAVError) {
        guard let context, last.indices.contains(track), let stream = context.pointee.streams?[track] else { return }
        let sent = try packet.reference()
        let base = stream.pointee.time_base
        let time = max(packet.presentation.map(base.ticks(in:)) ?? 0, last[track])
        last[track] = time
        sent.pointer.pointee.pts = time
        sent.pointer.pointee.dts = time
        sent.pointer.pointee.duration = base.ticks(in: packet.duration)
        sent.pointer.pointee.time_base = base
        sent.pointer.pointee.stream_index = Int32(clamping: track)
        try check(av_write_frame(context, sent.pointer), "write to \(name)")
        try checkFile("write to")
    }

    /// Ends the current cluster, so that everything written so far is in the file.
    public func flush() throws(LibAVError) {
        guard !isFinished else { return }
        try check(av_write_frame(context, nil), "write to \(name)")
        if let context { avio_flush(context.pointee.pb) }
        try checkFile("write to")
    }

    /// Ends the last cluster, writes the index and the duration.
    public func finish() throws(LibAVError) {
        guard !isFinished else { return }
        isFinished = true
        try check(av_write_trailer(context), "finish \(name)")
        if let context { avio_flush(context.pointee.pb) }
        try checkFile("finish")
    }

    /// The muxer does not look at what its writes came to.
    private func checkFile(_ verb: String) throws(LibAVError) {
        try check(file.context?.pointee.error ?? 0, "\(verb) \(name)")
    }
}
