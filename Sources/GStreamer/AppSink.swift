import Base
import CGStreamer

/// Where frames leave a pipeline.
public final class AppSink {
    /// One coded frame.
    public struct Sample {
        public var bytes: [UInt8]
        public var caps: Caps?
        /// Since the pipeline's start; nil when the frame has no time.
        public var time: Duration?
        /// Zero when not known.
        public var duration: Duration
        public var isKey: Bool
        /// No frame but what comes before the first one.
        public var isHeader: Bool
    }

    public let element: Element
    private let pointer: UnsafeMutablePointer<GstAppSink>

    /// Nil when the element is of another kind. Hands over frames as soon as they are there, and loses none.
    public init?(_ element: Element, caps: Caps, buffers: Int) {
        guard let pointer = ladle_gst_app_sink(element.pointer) else { return nil }
        self.element = element
        self.pointer = pointer
        for (name, value): (String, JSONValue) in [
            ("sync", false), ("async", false), ("emit-signals", false), ("enable-last-sample", false), ("qos", false),
            ("wait-on-eos", false),
        ] { try? element.set(name, to: value) }
        gst_app_sink_set_caps(pointer, caps.pointer)
        hold(buffers, dropping: false)
    }

    /// How many frames wait here before the pipeline is held up, or the oldest are dropped.
    public func hold(_ buffers: Int, dropping: Bool) {
        gst_app_sink_set_max_buffers(pointer, guint(max(1, buffers)))
        gst_app_sink_set_drop(pointer, dropping ? 1 : 0)
    }

    /// Nothing will come any more, and everything was taken.
    public var hasEnded: Bool { gst_app_sink_is_eos(pointer) != 0 }

    /// The next frame; nil when none came in time.
    public func pull(waiting: Duration = .zero) -> Sample? {
        guard let sample = gst_app_sink_try_pull_sample(pointer, GstClockTime(max(0, waiting.nanoseconds))) else {
            return nil
        }
        defer { gst_sample_unref(sample) }
        guard let buffer = gst_sample_get_buffer(sample) else { return nil }
        let caps = gst_sample_get_caps(sample).map { caps in
            gst_caps_ref(caps)
            return Caps(owning: caps)
        }
        return Sample(
            bytes: Self.bytes(of: buffer), caps: caps, time: Self.time(of: buffer, gst_sample_get_segment(sample)),
            duration: Self.duration(ladle_gst_duration(buffer)) ?? .zero, isKey: ladle_gst_is_delta(buffer) == 0,
            isHeader: ladle_gst_is_header(buffer) != 0)
    }

    private static func bytes(of buffer: UnsafeMutablePointer<GstBuffer>) -> [UInt8] {
        let size = Int(gst_buffer_get_size(buffer))
        return [UInt8](unsafeUninitializedCapacity: size) { room, count in
            // Copies at most `size` bytes, also out of a buffer of several pieces of memory.
            count = Int(gst_buffer_extract(buffer, 0, room.baseAddress, gsize(size)))
        }
    }

    /// A buffer's time is one of its segment; only the running time is the same for all sinks.
    private static func time(
        of buffer: UnsafeMutablePointer<GstBuffer>, _ segment: UnsafeMutablePointer<GstSegment>?
    ) -> Duration? {
        let stamp = [ladle_gst_pts(buffer), ladle_gst_dts(buffer)].first { $0 != ladle_gst_no_time }
        guard let stamp else { return nil }
        guard let segment, segment.pointee.format == GST_FORMAT_TIME else { return duration(stamp) }
        var running: guint64 = 0
        let sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, stamp, &running)
        guard sign != 0, let time = duration(running) else { return nil }
        return sign < 0 ? .zero - time : time
    }

    private static func duration(_ time: GstClockTime) -> Duration? {
        time == ladle_gst_no_time ? nil : Int64(exactly: time).map { .nanoseconds($0) }
    }

    /// Asks the encoder upstream for a key frame.
    public func requestKeyFrame() { _ = ladle_gst_force_key_frame(element.pointer) }
}
