import CGStreamer

/// The library itself: started once in a process, before anything else of it is used.
public enum GStreamerRuntime {
    /// "1.22.0"
    public static var version: String {
        var (major, minor, micro, nano): (guint, guint, guint, guint) = (0, 0, 0, 0)
        gst_version(&major, &minor, &micro, &nano)
        return "\(major).\(minor).\(micro)"
    }
}
