import CLibAV

/// Coded packets to frames: an `AVCodecContext` that decodes.
public final class Decoder {
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private let name: String
    private let timeBase: AVRational

    /// - Parameter threads: for pictures; libav decides how to use them.
    public init(_ stream: InputStream, threads: Int = 2) throws(LibAVError) {
        name = stream.parameters.codecName
        timeBase = stream.timeBase
        guard let codec = avcodec_find_decoder(stream.parameters.pointer.pointee.codec_id) else {
            throw LibAVError(code: ladle_averror_decoder_not_found, action: "decode \(name)")
        }
        let context = try allocated(avcodec_alloc_context3(codec), "open the \(name) decoder")
        self.context = context
        try check(avcodec_parameters_to_context(context, stream.parameters.pointer), "set up the \(name) decoder")
        // Without it the decoder can't shift times when it drops priming samples.
        context.pointee.pkt_timebase = timeBase
        context.pointee.thread_count = Int32(clamping: threads)
        try check(avcodec_open2(context, codec, nil), "open the \(name) decoder")
    }

    deinit { avcodec_free_context(&context) }

    /// Takes one packet, or nil at the end of the stream. All frames must have been received before.
    public func send(_ packet: Packet?) throws(LibAVError) {
        try check(avcodec_send_packet(context, packet?.pointer), "decode \(name)")
    }

    /// The next frame; nil when the decoder wants another packet or has given everything.
    public func receive() throws(LibAVError) -> Frame? {
        let frame = try Frame()
        let result = avcodec_receive_frame(context, frame.pointer)
        if result == ladle_averror_eagain || result == ladle_averror_eof { return nil }
        try check(result, "decode \(name)")
        frame.timeBase = timeBase
        return frame
    }

    /// Forgets what it holds, to go on somewhere else (also after the end).
    public func flush() { avcodec_flush_buffers(context) }
}
