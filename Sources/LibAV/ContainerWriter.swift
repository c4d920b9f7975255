import CLibAV

/// A file that can be played up to its last cluster or fragment while it is written, and when its writer was killed.
///
/// Matroska and WebM consist of clusters, MP4 of fragments (ISO/IEC 14496-12 §8.8), each complete in itself.
public final class ContainerWriter {
    private let file: OutputFile
    private let name: String
    private let tracks: [ContainerTrack]
    private var context: UnsafeMutablePointer<AVFormatContext>?
    /// MP4 only.
    private var fragments: FragmentedMP4?
    /// By track, where its next frame may stand.
    private var earliest: [Int64]
    private let step: Int64
    /// Of the picture whose size was not known at first; the muxer writes its own header once more at the end.
    private var lateSize: (width: Int, height: Int)?
    private var isFinished = false

    /// Writes the header.
    /// - Parameters:
    ///   - descriptor: empty and open for writing; stays the caller's, who keeps it open as long as this lives.
    ///   - name: for messages only.
    public init(
        descriptor: Int32, name: String, format: ContainerFormat = .matroska, tracks: [ContainerTrack]
    ) throws(LibAVError) {
        self.name = name
        self.tracks = tracks
        file = try OutputFile(descriptor: descriptor, name: name)
        // Matroska takes two frames at one time, MP4 doesn't.
        earliest = Array(repeating: 0, count: tracks.count)
        step = format == .mp4 ? 1 : 0
        try check(
            avformat_alloc_output_context2(&context, nil, format.rawValue, nil), "open \(name) as \(format.title)")
        guard let context else { throw .outOfMemory("open \(name) as \(format.title)") }
        context.pointee.pb = file.context
        context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        // Our times begin at zero; a track that begins later shall stay where it is.
        context.pointee.avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED
        for track in tracks { try track.add(to: context, name: name) }
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        av_dict_set(&options, "flush_packets", "1", 0)
        switch format {
        case .matroska, .webm:
            // A cluster reaches the file when it ends: short ones keep the loss of a killed process well under a second.
            av_dict_set(&options, "cluster_time_limit", "300", 0)
            // A size that is put in later would belie the header's checksum.
            if !tracks.allSatisfy(\.isSizeKnown) { av_dict_set(&options, "write_crc32", "0", 0) }
            try check(avformat_write_header(context, &options), "write the header of \(name)")
        case .mp4:
            for (key, value) in FragmentedMP4.options { av_dict_set(&options, key, value, 0) }
            var fragments = FragmentedMP4(tracks: tracks)
            let header = try file.captured(for: context) { () throws(LibAVError) in
                try check(avformat_write_header(context, &options), "write the header of \(name)")
            }
            file.append(fragments.header(header))
            self.fragments = fragments
        }
        avio_flush(context.pointee.pb)
        try checkFile("write the header of")
    }

    deinit {
        // The descriptor and its context are the file's.
        context?.pointee.pb = nil
        avformat_free_context(context)
    }

    /// Bytes in the file so far.
    public var size: Int { Int(file.size) }

    /// Appends one frame. A time that is below zero or below the last one of its track is lifted to that.
    ///
    /// MP4 holds the last frame of each track back until the next one tells how long it stands.
    public func write(_ packet: Packet, track: Int) throws(LibAVError) {
        guard !isFinished, let context, earliest.indices.contains(track), let stream = context.pointee.streams?[track]
        else { return }
        let sent = try packet.reference()
        let base = stream.pointee.time_base
        let time = max(packet.presentation.map(base.ticks(in:)) ?? 0, earliest[track])
        earliest[track] = time + step
        sent.pointer.pointee.pts = time
        sent.pointer.pointee.dts = time
        sent.pointer.pointee.duration = base.ticks(in: packet.duration)
        sent.pointer.pointee.time_base = base
        sent.pointer.pointee.stream_index = Int32(clamping: track)
        guard fragments != nil else { return try append(sent) }
        if let ready = fragments?.exchange(sent, track: track) { try appendToFragment(ready, track: track) }
    }

    /// Ends the current cluster or fragment, so that everything written so far is in the file.
    public func flush() throws(LibAVError) {
        guard !isFinished else { return }
        if fragments != nil {
            for (track, packet) in fragments?.takeStale() ?? [] { try appendToFragment(packet, track: track) }
            try cut()
        } else {
            try check(av_write_frame(context, nil), "write to \(name)")
        }
        try flushFile("write to")
    }

    /// Ends the last cluster or fragment, writes the index and the duration.
    public func finish() throws(LibAVError) {
        guard !isFinished else { return }
        isFinished = true
        for (track, packet) in fragments?.takeAll() ?? [] { try appendToFragment(packet, track: track) }
        if fragments != nil { try cut() }
        try check(av_write_trailer(context), "finish \(name)")
        if let fragments {
            // Behind what is still in libav's buffer.
            if let context { avio_flush(context.pointee.pb) }
            file.append(fragments.index())
            if let (position, bytes) = fragments.duration() { file.replace(bytes, at: position) }
        }
        try flushFile("finish")
        if let lateSize { putSize(lateSize) }
    }

    /// Puts the size of the picture into the header of Matroska or WebM, once it is known.
    public func setSize(width: Int, height: Int) {
        guard lateSize == nil, !tracks.allSatisfy(\.isSizeKnown) else { return }
        lateSize = (width, height)
        putSize((width, height))
    }

    // MARK: Helpers

    /// PixelWidth and PixelHeight stand side by side (RFC 9559 §5.1.4.1.28.6): B0 82 width, BA 82 height.
    private func putSize(_ size: (width: Int, height: Int)) {
        func elements(_ size: (width: Int, height: Int)) -> [UInt8] {
            [0xB0, 0x82, UInt8(size.width >> 8 & 0xFF), UInt8(size.width & 0xFF)]
                + [0xBA, 0x82, UInt8(size.height >> 8 & 0xFF), UInt8(size.height & 0xFF)]
        }
        file.replaceInHead(elements(ContainerTrack.guessedSize), with: elements(size))
    }

    private func append(_ packet: Packet) throws(LibAVError) {
        try check(av_write_frame(context, packet.pointer), "write to \(name)")
        try checkFile("write to")
    }

    private func appendToFragment(_ packet: Packet, track: Int) throws(LibAVError) {
        guard let time = packet.presentation else { return }
        let isKeyPicture = tracks[track].isVideo && packet.isKey
        if fragments?.isDue(at: time, isKeyPicture: isKeyPicture) == true { try cut() }
        fragments?.note(packet, at: time, track: track, isKeyPicture: isKeyPicture)
        try append(packet)
    }

    /// Ends the fragment and puts it into the file.
    private func cut() throws(LibAVError) {
        guard fragments?.isEmpty == false else { return }
        let start = Int(file.size)
        try check(av_write_frame(context, nil), "write to \(name)")
        try flushFile("write to")
        fragments?.wasCut(at: start)
    }

    private func flushFile(_ verb: String) throws(LibAVError) {
        if let context { avio_flush(context.pointee.pb) }
        try checkFile(verb)
    }

    /// The muxer does not look at what its writes came to.
    private func checkFile(_ verb: String) throws(LibAVError) {
        try check(file.context?.pointee.error ?? 0, "\(verb) \(name)")
    }
}
