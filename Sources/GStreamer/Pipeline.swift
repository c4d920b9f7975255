import Base
import CGStreamer

/// A pipeline made of a text in gst-launch's language, with its bus. Belongs to one thread; ends with its object.
public final class Pipeline {
    /// What the bus said.
    public enum Message: Sendable {
        case error(GStreamerError)
        case warning(GStreamerError)
        /// Every sink has got the end.
        case end
    }

    /// How fast frames come.
    public enum Start: Sendable, Hashable {
        /// As fast as they are taken.
        case asTaken
        /// In real time, by a device or a network.
        case live
    }

    let pointer: UnsafeMutablePointer<GstElement>
    private let bin: UnsafeMutablePointer<GstBin>
    private let bus: UnsafeMutablePointer<GstBus>

    /// - Parameter launch: in gst-launch's language; never made of anything from outside.
    public init(launch: String) throws(GStreamerError) {
        try GStreamerRuntime.ensureStarted()
        var failure: UnsafeMutablePointer<GError>?
        let context = gst_parse_context_new()
        defer { gst_parse_context_free(context) }
        let made = gst_parse_launch_full(launch, context, GST_PARSE_FLAG_FATAL_ERRORS, &failure)
        if let failure {
            // There may be a half-made pipeline besides.
            if let made {
                gst_object_ref_sink(made)
                gst_object_unref(made)
            }
            throw GStreamerError(failure)
        }
        guard let made else { throw GStreamerError(element: nil, cause: "nothing came of the text", kind: .syntax) }
        gst_object_ref_sink(made)
        // A single element comes without a pipeline around it.
        if ladle_gst_pipeline(made) == nil {
            guard let around = gst_pipeline_new(nil) else {
                gst_object_unref(made)
                throw GStreamerError(element: nil, cause: "no pipeline could be made")
            }
            gst_object_ref_sink(around)
            if let bin = ladle_gst_bin(around) { gst_bin_add(bin, made) }
            gst_object_unref(made)
            pointer = around
        } else {
            pointer = made
        }
        guard let bin = ladle_gst_bin(pointer), let bus = gst_element_get_bus(pointer) else {
            gst_object_unref(pointer)
            throw GStreamerError(element: nil, cause: "no pipeline could be made")
        }
        (self.bin, self.bus) = (bin, bus)
    }

    deinit {
        gst_element_set_state(pointer, GST_STATE_NULL)
        gst_object_unref(bus)
        gst_object_unref(pointer)
    }

    // MARK: Elements

    /// By the name that `name=` gave it.
    public func element(named name: String) -> Element? { gst_bin_get_by_name(bin, name).map { Element(owning: $0) } }

    /// All of them, those within bins too.
    public var elements: [Element] {
        objects(of: gst_bin_iterate_recurse(bin)).map { Element(owning: $0.assumingMemoryBound(to: GstElement.self)) }
    }

    /// Gives every output that goes nowhere a sink that drops.
    public func capOutputs() { for element in elements { element.capOutputs(in: bin) } }

    // MARK: Running

    /// Lets it run, by the system's monotonic clock: no device's clock can run away from the one that we send by.
    public func play() throws(GStreamerError) -> Start {
        if let pipeline = ladle_gst_pipeline(pointer), let clock = gst_system_clock_obtain() {
            gst_pipeline_use_clock(pipeline, clock)
            gst_object_unref(clock)
        }
        let paused = gst_element_set_state(pointer, GST_STATE_PAUSED)
        let played = paused == GST_STATE_CHANGE_FAILURE ? paused : gst_element_set_state(pointer, GST_STATE_PLAYING)
        guard played != GST_STATE_CHANGE_FAILURE else {
            while let message = nextMessage() { if case .error(let error) = message { throw error } }
            throw GStreamerError(element: nil, cause: "it can't be started, and no element says why")
        }
        return paused == GST_STATE_CHANGE_NO_PREROLL ? .live : .asTaken
    }

    /// Stops everything; may take as long as a device takes.
    public func stop() { gst_element_set_state(pointer, GST_STATE_NULL) }

    /// Whether something in it brings media in real time; known for sure once media has come.
    public var isLive: Bool {
        guard let query = gst_query_new_latency() else { return false }
        defer { gst_query_unref(query) }
        guard gst_element_query(pointer, query) != 0 else { return false }
        var isLive: gboolean = 0
        gst_query_parse_latency(query, &isLive, nil, nil)
        return isLive != 0
    }

    /// Nil when it has no end or does not say.
    public var duration: Duration? {
        var nanoseconds: gint64 = 0
        guard gst_element_query_duration(pointer, GST_FORMAT_TIME, &nanoseconds) != 0, nanoseconds > 0 else {
            return nil
        }
        return .nanoseconds(nanoseconds)
    }

    // MARK: The bus

    /// The next thing of interest that was said; nil when nothing (more) came.
    /// - Parameter timeout: how long to wait for it.
    public func nextMessage(waiting timeout: Duration = .zero) -> Message? {
        let types = GstMessageType(
            rawValue: GST_MESSAGE_ERROR.rawValue | GST_MESSAGE_WARNING.rawValue | GST_MESSAGE_EOS.rawValue
                | GST_MESSAGE_LATENCY.rawValue)
        while true {
            // Everything else is dropped on the way.
            let waited = GstClockTime(max(0, timeout.nanoseconds))
            guard let message = gst_bus_timed_pop_filtered(bus, waited, types) else { return nil }
            defer { gst_message_unref(message) }
            switch ladle_gst_message_type(message) {
            case GST_MESSAGE_ERROR: return .error(error(of: message, parse: gst_message_parse_error))
            case GST_MESSAGE_WARNING: return .warning(error(of: message, parse: gst_message_parse_warning))
            case GST_MESSAGE_EOS: return .end
            default: gst_bin_recalculate_latency(bin)
            }
        }
    }

    private typealias Parse = (
        UnsafeMutablePointer<GstMessage>?, UnsafeMutablePointer<UnsafeMutablePointer<GError>?>?,
        UnsafeMutablePointer<UnsafeMutablePointer<gchar>?>?
    ) -> Void

    private func error(of message: UnsafeMutablePointer<GstMessage>, parse: Parse) -> GStreamerError {
        var failure: UnsafeMutablePointer<GError>?
        var debug: UnsafeMutablePointer<gchar>?
        parse(message, &failure, &debug)
        defer { g_free(debug) }
        var source: String?
        if let element = ladle_gst_element(ladle_gst_message_source(message)), element != pointer {
            gst_object_ref(element)
            source = Element(owning: element).name
        }
        guard let failure else { return GStreamerError(element: source, cause: "no reason was given") }
        return GStreamerError(failure, element: source, debug: debug.map { String(cString: $0) })
    }
}
