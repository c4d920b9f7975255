import CLibAV

/// One coded frame (or a run of coded samples) with its times: an `AVPacket`.
public final class Packet {
    let pointer: UnsafeMutablePointer<AVPacket>

    public init() throws(LibAVError) {
        pointer = try allocated(av_packet_alloc(), "allocate a packet")
    }

    /// A packet with a copy of these bytes.
    /// - Parameter presentation: nil when not known.
    public convenience init(
        copying bytes: some Collection<UInt8>, presentation: Duration?, duration: Duration = .zero, isKey: Bool
    ) throws(LibAVError) {
        try self.init()
        try check(av_new_packet(pointer, Int32(clamping: bytes.count)), "allocate a packet of \(bytes.count) bytes")
        UnsafeMutableRawBufferPointer(start: pointer.pointee.data, count: bytes.count).copyBytes(from: bytes)
        pointer.pointee.time_base = .nanosecond
        pointer.pointee.pts = presentation.map(AVRational.nanosecond.ticks(in:)) ?? ladle_av_nopts_value
        pointer.pointee.dts = pointer.pointee.pts
        pointer.pointee.duration = AVRational.nanosecond.ticks(in: duration)
        self.isKey = isKey
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&pointer)
    }

    public var streamIndex: Int { Int(pointer.pointee.stream_index) }

    public var presentation: Duration? { pointer.pointee.time_base.duration(ofTicks: pointer.pointee.pts) }

    public var decoding: Duration? { pointer.pointee.time_base.duration(ofTicks: pointer.pointee.dts) }

    /// Zero when not known.
    public var duration: Duration { pointer.pointee.time_base.duration(ofTicks: pointer.pointee.duration) ?? .zero }

    public var isKey: Bool {
        get { pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 }
        set {
            if newValue {
                pointer.pointee.flags |= AV_PKT_FLAG_KEY
            } else {
                pointer.pointee.flags &= ~AV_PKT_FLAG_KEY
            }
        }
    }

    /// The demuxer knows that bytes are missing or wrong.
    public var isCorrupt: Bool { pointer.pointee.flags & AV_PKT_FLAG_CORRUPT != 0 }

    /// To be decoded but not shown: an edit list begins behind it.
    public var isDiscarded: Bool { pointer.pointee.flags & AV_PKT_FLAG_DISCARD != 0 }

    public var size: Int { Int(pointer.pointee.size) }

    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The packet owns these bytes, and nothing can replace them while `body` runs.
        let bytes = UnsafeRawBufferPointer(start: pointer.pointee.data, count: max(0, size))
        return try body(bytes.bytes)
    }

    public var bytes: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: pointer.pointee.data, count: max(0, size)))
    }

    /// Samples at the start that a decoder drops: priming that the container tells.
    public var skippedSamples: Int {
        var size = 0
        guard let data = av_packet_get_side_data(pointer, AV_PKT_DATA_SKIP_SAMPLES, &size), size >= 4 else { return 0 }
        return Int(UnsafeRawPointer(data).loadUnaligned(as: UInt32.self).littleEndian)
    }

    /// Another packet that shares these bytes.
    public func reference() throws(LibAVError) -> Packet {
        let other = try Packet()
        try check(av_packet_ref(other.pointer, pointer), "share a packet")
        return other
    }

    func clear() { av_packet_unref(pointer) }
}
