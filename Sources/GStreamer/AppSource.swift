import Base
import CGStreamer

/// Where frames enter a pipeline.
public final class AppSource {
    private let element: Element
    private let pointer: UnsafeMutablePointer<GstAppSrc>

    /// Nil when the element is of another kind. Takes everything at once and holds nobody up.
    public init?(_ element: Element, caps: Caps) {
        guard let pointer = ladle_gst_app_source(element.pointer) else { return nil }
        self.element = element
        self.pointer = pointer
        for (name, value): (String, JSONValue) in [
            ("format", "time"), ("is-live", false), ("block", false), ("max-bytes", 0), ("emit-signals", false),
            ("do-timestamp", false),
        ] { try? element.set(name, to: value) }
        gst_app_src_set_caps(pointer, caps.pointer)
    }

    /// Waiting to be taken by the pipeline.
    public var bytesWaiting: Int { Int(clamping: gst_app_src_get_current_level_bytes(pointer)) }

    /// Appends a frame. False: the pipeline takes nothing any more; its bus says why.
    public func push(_ bytes: [UInt8], at time: Duration, duration: Duration, isKey: Bool) -> Bool {
        guard let buffer = gst_buffer_new_allocate(nil, gsize(bytes.count), nil) else { return false }
        let copied = bytes.withUnsafeBytes { gst_buffer_fill(buffer, 0, $0.baseAddress, gsize($0.count)) }
        guard copied == gsize(bytes.count) else {
            gst_buffer_unref(buffer)
            return false
        }
        ladle_gst_set_times(
            buffer, GstClockTime(max(0, time.nanoseconds)), GstClockTime(max(0, duration.nanoseconds)), isKey ? 1 : 0)
        return gst_app_src_push_buffer(pointer, buffer) == GST_FLOW_OK
    }

    /// Nothing more will come.
    public func end() { _ = gst_app_src_end_of_stream(pointer) }
}
