import CLibAV

extension Input {
    /// A distance of key frames that live sources have at most, and a little.
    private static let searchPatience = Duration.seconds(12)
    /// What a source brings in that time.
    private static let mostSearched = 32 << 20

    /// Waits for streams that have a codec but say no more than that yet: who comes into the middle of MPEG-TS learns
    /// a picture's size with its next key frame only.
    ///
    /// libav's own search can't be told to end when it has found everything (some demuxers always look to its end), and
    /// must not be called twice: here a decoder of each such stream looks at the packets until it knows.
    /// - Returns: the packets that were read, from the one on with which the last stream was found.
    func awaitIncompleteStreams(
        of context: UnsafeMutablePointer<AVFormatContext>, interrupt: InputInterrupt
    ) throws(LibAVError) -> [Packet] {
        var searches: [Int: StreamSearch] = [:]
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams?[index] else { continue }
            searches[index] = StreamSearch(stream)
        }
        var packets: [Packet] = []
        var bytes = 0
        if !searches.isEmpty { interrupt.allow(Self.searchPatience) }
        while !searches.isEmpty, bytes < Self.mostSearched {
            let packet = try Packet()
            // What ends it is met again by who reads on.
            guard av_read_frame(context, packet.pointer) >= 0 else { break }
            packets.append(packet)
            bytes += packet.size
            guard let stream = context.pointee.streams?[packet.streamIndex] else { continue }
            packet.pointer.pointee.time_base = stream.pointee.time_base
            guard let search = searches[packet.streamIndex], search.isDone(with: packet, stream) else { continue }
            searches[packet.streamIndex] = nil
            // Nobody can decode what lies before the key frame that told, and sound alone is not waited with.
            let first = packets.lastIndex { $0.streamIndex == packet.streamIndex && $0.isKey }
            packets.removeFirst(first ?? packets.count - 1)
        }
        return packets
    }
}

/// A decoder that is fed until it knows what its stream is.
private final class StreamSearch {
    private var context: UnsafeMutablePointer<AVCodecContext>?

    /// Nil for a stream that is known, or that can't be found out about.
    init?(_ stream: UnsafeMutablePointer<AVStream>) {
        guard let parameters = stream.pointee.codecpar, !Self.isKnown(parameters.pointee),
            let codec = avcodec_find_decoder(parameters.pointee.codec_id)
        else { return nil }
        context = avcodec_alloc_context3(codec)
        guard let context, avcodec_parameters_to_context(context, parameters) >= 0 else { return nil }
        // Several threads would answer later.
        context.pointee.thread_count = 1
        guard avcodec_open2(context, codec, nil) >= 0 else { return nil }
    }

    deinit { avcodec_free_context(&context) }

    private static func isKnown(_ parameters: AVCodecParameters) -> Bool {
        switch parameters.codec_type {
        case AVMEDIA_TYPE_VIDEO: parameters.codec_id == AV_CODEC_ID_NONE || parameters.width > 0
        case AVMEDIA_TYPE_AUDIO: parameters.codec_id == AV_CODEC_ID_NONE || parameters.sample_rate > 0
        default: true
        }
    }

    /// Whether the stream is known with this packet; its parameters say it then.
    func isDone(with packet: Packet, _ stream: UnsafeMutablePointer<AVStream>) -> Bool {
        guard let context, let frame = try? Frame() else { return false }
        // A decoder that has seen damage may hold a packet back: what it answers is taken until it wants another one.
        for _ in 0..<4 {
            let result = avcodec_send_packet(context, packet.pointer)
            var answers = 0
            while avcodec_receive_frame(context, frame.pointer) != ladle_averror_eagain, answers < 8 { answers += 1 }
            if result != ladle_averror_eagain { break }
        }
        guard context.pointee.width > 0 || context.pointee.sample_rate > 0 else { return false }
        guard let parameters = stream.pointee.codecpar else { return false }
        return avcodec_parameters_from_context(parameters, context) >= 0
    }
}
