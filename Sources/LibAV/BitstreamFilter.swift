import CLibAV

/// Rewrites coded packets without decoding: an `AVBSFContext`.
public final class BitstreamFilter {
    private var context: UnsafeMutablePointer<AVBSFContext>?
    private let name: String

    /// - Parameter name: libav's name: `h264_mp4toannexb` …
    public init(_ name: String, for stream: InputStream) throws(LibAVError) {
        self.name = name
        guard let filter = av_bsf_get_by_name(name) else {
            throw LibAVError(code: ladle_averror(ENOSYS), action: "find the bitstream filter \(name)")
        }
        try check(av_bsf_alloc(filter, &context), "open the bitstream filter \(name)")
        guard let context else { throw .outOfMemory("open the bitstream filter \(name)") }
        try check(avcodec_parameters_copy(context.pointee.par_in, stream.parameters.pointer), "set up \(name)")
        context.pointee.time_base_in = stream.timeBase
        try check(av_bsf_init(context), "set up the bitstream filter \(name)")
    }

    deinit { av_bsf_free(&context) }

    /// What the packet becomes; the packet is empty afterwards. Nil asks for what is left at the end.
    public func filter(_ packet: Packet?) throws(LibAVError) -> [Packet] {
        try check(av_bsf_send_packet(context, packet?.pointer), "filter a packet by \(name)")
        var filtered: [Packet] = []
        while true {
            let next = try Packet()
            let result = av_bsf_receive_packet(context, next.pointer)
            if result == ladle_averror_eagain || result == ladle_averror_eof { return filtered }
            try check(result, "filter a packet by \(name)")
            if let context { next.pointer.pointee.time_base = context.pointee.time_base_out }
            filtered.append(next)
        }
    }
}
