import CGStreamer
import Glibc

/// The library itself: started once in a process, before anything else of it is used.
public enum GStreamerRuntime {
    private static let start: String? = {
        // Our signals are the worker's own affair.
        var failure: UnsafeMutablePointer<GError>?
        guard gst_init_check(nil, nil, &failure) == 0 else { return nil }
        defer { if let failure { g_error_free(failure) } }
        return failure.map { String(cString: $0.pointee.message) } ?? "no reason was given"
    }()

    /// Reads the registry of plugins, and makes it anew when it is old or missing, which takes seconds then.
    public static func ensureStarted() throws(GStreamerError) {
        if let cause = start { throw GStreamerError(element: nil, cause: "GStreamer can't start: \(cause)") }
    }

    /// "1.22.0"
    public static var version: String {
        var (major, minor, micro, nano): (guint, guint, guint, guint) = (0, 0, 0, 0)
        gst_version(&major, &minor, &micro, &nano)
        return "\(major).\(minor).\(micro)"
    }
}
