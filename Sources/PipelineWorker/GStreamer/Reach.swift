import GStreamer

/// What a pipeline may open by itself.
///
/// Decoders are plugged in by what a file is, and a file may say that it is a list of other files and addresses, or of
/// open descriptors (`fd://0`). So every element that opens addresses leaves the registry of this process once the
/// pipeline is built, unless the text names an address of its scheme. Elements that exist are not touched.
final class Reach {
    /// Bring their own HTTP client, past the registry.
    private static let plugins: Set<String> = ["adaptivedemux2"]
    /// Make elements by address inside themselves.
    private static let helpers: [String: Set<String>] = [
        "rtspsrc": ["udp"], "sdpsrc": ["udp"], "sdpdemux": ["udp"], "rtpsrc": ["udp"], "ristsrc": ["udp"],
    ]

    private var forgotten: [ElementFactory] = []

    /// - Parameter schemes: of addresses that the text or a value names.
    func limit(to pipeline: Pipeline, _ schemes: Set<String>) {
        let used = Set(pipeline.elements.compactMap { $0.factory?.name })
        var allowed = schemes
        for (element, needed) in Self.helpers where used.contains(element) { allowed.formUnion(needed) }
        if allowed.contains(where: { $0.hasPrefix("rtsp") }) { allowed.insert("udp") }
        for factory in ElementFactory.all {
            let isOwnClient = Self.plugins.contains(factory.plugin) && !used.contains(factory.name)
            guard isOwnClient || factory.isURISource else { continue }
            if factory.isURISource, factory.schemes.contains(where: allowed.contains) { continue }
            factory.forget()
            forgotten.append(factory)
        }
    }

    /// Before another pipeline is built, when none runs.
    func restore() {
        for factory in forgotten { factory.remember() }
        forgotten = []
    }
}
