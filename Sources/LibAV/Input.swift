import CLibAV
import Glibc

/// Media, demultiplexed: an `AVFormatContext` for reading a file or an address.
///
/// Of a file only the given descriptor is ever read. Files that name others (playlists, external references) find every
/// protocol refused, so nothing on this machine or beyond it can be reached through a file's content. Of an address only
/// the protocols and formats are used that its `InputAccess` lists.
public final class Input {
    /// Nil for an address.
    private let file: InputFile?
    /// Nil for a file.
    private let interrupt: InputInterrupt?
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private let name: String
    private let readPatience: Duration?
    /// Read while something was looked for; handed out first.
    private var pending: [Packet] = []

    /// libav's name of the container: `mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm` …
    public private(set) var formatName = "unknown"
    /// Nil when the file does not say.
    public private(set) var duration: Duration?
    public private(set) var streams: [InputStream] = []

    /// Opens a descriptor from its start and looks into its streams.
    /// - Parameters:
    ///   - descriptor: stays the caller's, who keeps it open as long as this lives.
    ///   - name: for messages only.
    public init(descriptor: Int32, name: String) throws(LibAVError) {
        self.name = name
        (interrupt, readPatience) = (nil, nil)
        _ = lseek(descriptor, 0, Int32(SEEK_SET))
        let file = try InputFile(descriptor: descriptor, name: name)
        self.file = file
        context = try allocated(avformat_alloc_context(), "open \(name)")
        if let context {
            context.pointee.pb = file.context
            context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
            ladle_av_refuse_opening(context)
        }
        var options: OpaquePointer?
        // No protocol has this name: what slips past the refusing callback is refused here.
        av_dict_set(&options, "protocol_whitelist", "none", 0)
        defer { av_dict_free(&options) }
        let format = try Self.format(of: file, name: name)
        try check(avformat_open_input(&context, nil, format, &options), "open \(name)")
        try findStreams()
    }

    /// Connects, and looks into the streams. Waits no longer than `access` allows, and no longer than until
    /// `interrupt` is stopped.
    public init(_ access: InputAccess, interrupt: InputInterrupt) throws(LibAVError) {
        name = access.name
        file = nil
        self.interrupt = interrupt
        readPatience = access.readPatience
        context = try allocated(avformat_alloc_context(), "open \(name)")
        context?.pointee.interrupt_callback = interrupt.callback
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        for (name, value) in access.options { av_dict_set(&options, name, value, 0) }
        av_dict_set(&options, "protocol_whitelist", access.protocols.joined(separator: ","), 0)
        av_dict_set(&options, "format_whitelist", access.formats.joined(separator: ","), 0)
        av_dict_set(&options, "probesize", "\(access.probeBytes)", 0)
        av_dict_set(&options, "formatprobesize", "\(access.probeBytes)", 0)
        av_dict_set(&options, "analyzeduration", "\(AVRational.microsecond.ticks(in: access.analysis))", 0)
        av_dict_set(&options, "fpsprobesize", "\(access.frameRatePictures)", 0)
        var format: UnsafePointer<AVInputFormat>?
        if let wanted = access.format { format = av_find_input_format(wanted) }
        interrupt.allow(access.openPatience)
        try check(avformat_open_input(&context, access.url, format, &options), "open \(name)")
        // Media has begun: from here on it comes, or it is not there.
        interrupt.allow(access.analysisPatience)
        try findStreams()
    }

    private func findStreams() throws(LibAVError) {
        guard let context else { throw .outOfMemory("open \(name)") }
        do throws(LibAVError) {
            try check(avformat_find_stream_info(context, nil), "find streams in \(name)")
            if let interrupt { pending = try awaitIncompleteStreams(of: context, interrupt: interrupt) }
            try noteStreams(of: context)
        } catch {
            close()
            throw error
        }
    }

    private func noteStreams(of context: UnsafeMutablePointer<AVFormatContext>) throws(LibAVError) {
        formatName = context.pointee.iformat.map { String(cString: $0.pointee.name) } ?? "unknown"
        duration = AVRational.microsecond.duration(ofTicks: context.pointee.duration)
        var streams: [InputStream] = []
        for index in 0..<Int(context.pointee.nb_streams) {
            if let stream = context.pointee.streams?[index] { streams.append(try InputStream(context, stream)) }
        }
        self.streams = streams
    }

    deinit { close() }

    /// Says goodbye to a server, for at most a moment.
    private func close() {
        guard context != nil else { return }
        if let interrupt {
            interrupt.withClosing { avformat_close_input(&context) }
        } else {
            avformat_close_input(&context)
        }
    }

    /// Formats that are no media but say where to find some; by libav's names.
    private static let references: Set<String> = [
        "hls", "dash", "concat", "sdp", "rtsp", "webm_dash_manifest", "imf", "lavfi", "tty",
    ]

    /// What the content is. The file's name is kept from libav: an extension must not decide that.
    private static func format(
        of file: InputFile, name: String
    ) throws(LibAVError) -> UnsafePointer<AVInputFormat>? {
        var format: UnsafePointer<AVInputFormat>?
        try check(av_probe_input_buffer2(file.context, &format, "", nil, 0, 0), "open \(name)")
        if let format, case let found = String(cString: format.pointee.name), references.contains(found) {
            throw LibAVError(
                code: ladle_averror(EPERM), action: "open \(name), which is \(found) and only names other files")
        }
        return format
    }

    /// The container's clock may begin anew in the middle.
    public var allowsJumps: Bool { (context?.pointee.iformat.pointee.flags ?? 0) & AVFMT_TS_DISCONT != 0 }

    /// Only packets of these streams come from now on.
    public func select(_ indices: Set<Int>) {
        guard let context else { return }
        for index in 0..<Int(context.pointee.nb_streams) {
            context.pointee.streams?[index]?.pointee.discard =
                indices.contains(index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL
        }
    }

    /// How many bytes it has; nil when a server does not say.
    public var size: Int64? {
        guard let io = context?.pointee.pb else { return nil }
        let size = avio_size(io)
        return size > 0 ? size : nil
    }

    /// Whether reading can go on at another place.
    public var isSeekable: Bool { (context?.pointee.pb?.pointee.seekable ?? 0) & AVIO_SEEKABLE_NORMAL != 0 }

    /// Goes to the last place before `time`, by the source's own times, from where everything can be decoded.
    public func seek(to time: Duration) throws(LibAVError) {
        interrupt?.allow(readPatience)
        let ticks = AVRational.microsecond.ticks(in: time)
        try check(av_seek_frame(context, -1, ticks, AVSEEK_FLAG_BACKWARD), "seek in \(name)")
    }

    /// The next packet in the file's order; nil at the end.
    public func read() throws(LibAVError) -> Packet? {
        if !pending.isEmpty { return pending.removeFirst() }
        let packet = try Packet()
        interrupt?.allow(readPatience)
        let result = av_read_frame(context, packet.pointer)
        if result == ladle_averror_eof {
            // Demuxers take whatever ends their bytes for the end of the file.
            if interrupt != nil, let failure = context?.pointee.pb?.pointee.error, failure < 0,
                failure != ladle_averror_eof
            {
                throw LibAVError(code: failure, action: "read \(name)")
            }
            return nil
        }
        try check(result, "read \(name)")
        // When its time is over libav first gives back the picture that its parser still held, and would go on waiting
        // at the next call as if something had come.
        if let interrupt, interrupt.isOverdue {
            throw LibAVError(code: ladle_averror(ETIMEDOUT), action: "read \(name)")
        }
        if let stream = context?.pointee.streams?[packet.streamIndex] {
            packet.pointer.pointee.time_base = stream.pointee.time_base
        }
        return packet
    }
}

/// One stream of an `Input`, as its header and its first packets tell.
public struct InputStream {
    public let index: Int
    public let parameters: CodecParameters
    /// Frames a second on average; nil when not known.
    public let frameRate: Double?
    /// A cover or thumbnail, no moving picture.
    public let isAttachedPicture: Bool
    /// The container marks it as the one to play.
    public let isDefault: Bool
    /// Degrees clockwise to turn the picture for display: 0, 90, 180 or 270.
    public let rotation: Int
    let timeBase: AVRational

    init(
        _ context: UnsafeMutablePointer<AVFormatContext>, _ stream: UnsafeMutablePointer<AVStream>
    ) throws(LibAVError) {
        index = Int(stream.pointee.index)
        parameters = try CodecParameters(copying: stream.pointee.codecpar)
        timeBase = stream.pointee.time_base
        frameRate = stream.pointee.avg_frame_rate.value ?? av_guess_frame_rate(context, stream, nil).value
        isAttachedPicture = stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC != 0
        isDefault = stream.pointee.disposition & AV_DISPOSITION_DEFAULT != 0
        if parameters.pointer.pointee.sample_aspect_ratio.num <= 0 {
            parameters.pointer.pointee.sample_aspect_ratio = stream.pointee.sample_aspect_ratio
        }
        rotation = Self.rotation(of: stream)
    }

    private static func rotation(of stream: UnsafeMutablePointer<AVStream>) -> Int {
        var size = 0
        guard let data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size), size >= 36 else { return 0 }
        // Nine 32-bit integers, checked by the size above.
        let degrees = data.withMemoryRebound(to: Int32.self, capacity: 9) { av_display_rotation_get($0) }
        guard degrees.isFinite else { return 0 }
        // libav counts counter-clockwise.
        let quarter = Int((-degrees / 90).rounded()) % 4
        return (quarter + 4) % 4 * 90
    }
}
