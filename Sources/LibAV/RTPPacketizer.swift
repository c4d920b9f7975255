import CLibAV

/// The RTP packets of one frame, back to back.
public struct RTPPackets: Sendable, Hashable {
    public var bytes: [UInt8] = []
    /// Length of each packet in order; they add up to `bytes.count`.
    public var sizes: [Int] = []

    public init() {}
}

/// Coded packets to RTP: libavformat's `rtp` muxer, its sender reports dropped.
///
/// The muxer takes an NTP base of its own when it starts; reports for several tracks must come from one clock,
/// so the caller writes them and says each frame's timestamp.
public final class RTPPacketizer {
    public enum Codec: Sendable, Hashable {
        case vp8
        case vp9
        /// Annex B, packetization mode 1.
        case h264
        case opus

        var id: AVCodecID {
            switch self {
            case .vp8: AV_CODEC_ID_VP8
            case .vp9: AV_CODEC_ID_VP9
            case .h264: AV_CODEC_ID_H264
            case .opus: AV_CODEC_ID_OPUS
            }
        }
    }

    private let codec: Codec
    private let sink = Sink()
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var frames: Int64 = 0
    private var hasStarted = false

    /// - Parameter mtu: the largest RTP packet in bytes. 1200 leaves room for every tunnel and for SRTP.
    public init(
        codec: Codec, payloadType: UInt8, ssrc: UInt32, firstSequence: UInt16, mtu: Int = 1200
    ) throws(LibAVError) {
        self.codec = codec
        try check(avformat_alloc_output_context2(&context, nil, "rtp", nil), "open an RTP packetizer")
        guard let context, let stream = avformat_new_stream(context, nil) else {
            throw .outOfMemory("open an RTP packetizer")
        }
        let parameters = stream.pointee.codecpar
        parameters?.pointee.codec_id = codec.id
        if codec == .opus {
            parameters?.pointee.codec_type = AVMEDIA_TYPE_AUDIO
            parameters?.pointee.sample_rate = 48_000
            if let parameters { av_channel_layout_default(&parameters.pointee.ch_layout, 2) }
        } else {
            parameters?.pointee.codec_type = AVMEDIA_TYPE_VIDEO
            // Demanded by the muxer and read by nobody.
            parameters?.pointee.width = 16
            parameters?.pointee.height = 16
        }
        stream.pointee.time_base = AVRational(num: 1, den: codec == .opus ? 48_000 : 90_000)
        // With buffer and packet limit alike, each write is exactly one packet.
        let buffer = try allocated(av_malloc(mtu), "open an RTP packetizer")
        context.pointee.pb = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self), Int32(clamping: mtu), 1,
            Unmanaged.passUnretained(sink).toOpaque(), nil,
            { opaque, bytes, size in
                // The sink outlives its context: both belong to one packetizer.
                if let opaque {
                    Unmanaged<Sink>.fromOpaque(opaque).takeUnretainedValue().take(
                        UnsafeRawBufferPointer(start: bytes, count: Int(size)))
                }
                return size
            }, nil)
        guard let io = context.pointee.pb else {
            av_free(buffer)
            throw .outOfMemory("open an RTP packetizer")
        }
        io.pointee.max_packet_size = Int32(clamping: mtu)
        context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        // VP9's payload format was a draft when the muxer was written.
        context.pointee.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        av_dict_set(&options, "payload_type", "\(payloadType)", 0)
        av_dict_set(&options, "ssrc", "\(Int32(bitPattern: ssrc))", 0)
        av_dict_set(&options, "seq", "\(firstSequence)", 0)
        try check(avformat_write_header(context, &options), "start RTP packets")
        hasStarted = true
    }

    deinit {
        // This muxer frees its buffer nowhere else; it writes nothing here.
        if hasStarted { av_write_trailer(context) }
        if let io = context?.pointee.pb {
            av_freep(&io.pointee.buffer)
            var closing: UnsafeMutablePointer<AVIOContext>? = io
            avio_context_free(&closing)
            context?.pointee.pb = nil
        }
        avformat_free_context(context)
    }

    /// The packets of one frame, all with this RTP timestamp, the marker on the last one of a picture.
    public func packetize(_ packet: Packet, timestamp: UInt32) throws(LibAVError) -> RTPPackets {
        let sent = try packet.reference()
        // The muxer wants times that climb and would derive timestamps from them; they are overwritten below.
        sent.pointer.pointee.pts = frames
        sent.pointer.pointee.dts = frames
        sent.pointer.pointee.duration = 0
        sent.pointer.pointee.stream_index = 0
        frames += 1
        sink.packets = RTPPackets()
        try check(av_write_frame(context, sent.pointer), "cut a frame of \(packet.size) bytes into RTP packets")
        var packets = sink.packets
        sink.packets = RTPPackets()
        var start = 0
        for size in packets.sizes {
            for byte in 0..<4 {
                packets.bytes[start + 4 + byte] = UInt8(truncatingIfNeeded: timestamp >> (24 - 8 * byte))
            }
            // The muxer leaves P (inter-predicted, RFC 9628 §4.2) unset, and every frame would look like a key frame.
            if codec == .vp9, !packet.isKey, size > 12 { packets.bytes[start + 12] |= 0x40 }
            start += size
        }
        return packets
    }

    /// Collects what the muxer writes.
    private final class Sink {
        var packets = RTPPackets()

        func take(_ packet: UnsafeRawBufferPointer) {
            // RTCP (RFC 5761 §4) and what is too short to be RTP.
            guard packet.count >= 12, !(192...223).contains(packet[1]) else { return }
            packets.bytes.append(contentsOf: packet)
            packets.sizes.append(packet.count)
        }
    }
}
