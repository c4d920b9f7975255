import Base
import CGStreamer

/// One element of a pipeline.
public final class Element {
    let pointer: UnsafeMutablePointer<GstElement>

    /// - Parameter pointer: its reference becomes this object's.
    init(owning pointer: UnsafeMutablePointer<GstElement>) { self.pointer = pointer }

    deinit { gst_object_unref(pointer) }

    /// An element in no pipeline, to look at; nil when there is no such factory or it makes none.
    public convenience init?(factory name: String) {
        guard let pointer = gst_element_factory_make(name, nil) else { return nil }
        gst_object_ref_sink(pointer)
        self.init(owning: pointer)
    }

    public var name: String {
        guard let name = ladle_gst_object_name(pointer) else { return "?" }
        defer { g_free(name) }
        return String(cString: name)
    }

    /// What it is made by: "vp8enc". Bins that were written with brackets have none of interest.
    public var factory: ElementFactory? {
        gst_element_get_factory(pointer).map { ElementFactory(referencing: $0) }
    }

    // MARK: Neighbours

    /// The elements that feed it directly; through the walls of bins too.
    public var upstream: [Element] {
        pads { gst_element_iterate_sink_pads($0) }.compactMap { pad in
            guard let peer = gst_pad_get_peer(pad.pointer) else { return nil }
            return Pad(owning: peer).owner
        }
    }

    /// Everything that feeds it, nearest first, itself left out.
    public var allUpstream: [Element] {
        var found: [Element] = []
        var waiting = upstream
        while let next = waiting.first {
            waiting.removeFirst()
            if found.contains(where: { $0.pointer == next.pointer }) || next.pointer == pointer { continue }
            found.append(next)
            waiting += next.upstream
            if let bin = ladle_gst_bin(next.pointer) {
                waiting += objects(of: gst_bin_iterate_recurse(bin)).map {
                    Element(owning: $0.assumingMemoryBound(to: GstElement.self))
                }
            }
        }
        return found
    }

    /// Whether a pad that stands from the start has nobody behind it.
    public var hasUnlinkedInput: Bool {
        pads { gst_element_iterate_sink_pads($0) }.contains { gst_pad_is_linked($0.pointer) == 0 }
    }

    /// Links every output that goes nowhere to a sink that drops: an unlinked output stops the whole pipeline.
    func capOutputs(in bin: UnsafeMutablePointer<GstBin>) {
        for pad in pads({ gst_element_iterate_src_pads($0) }) where gst_pad_is_linked(pad.pointer) == 0 {
            guard let sink = gst_element_factory_make("fakesink", nil) else { continue }
            let element = Element(owning: gst_object_ref(sink).assumingMemoryBound(to: GstElement.self))
            gst_bin_add(bin, sink)
            // In real time, so that a source that is not wanted does not run wild; without holding the start up.
            try? element.set("sync", to: true)
            try? element.set("async", to: false)
            guard let input = gst_element_get_static_pad(sink, "sink") else { continue }
            _ = gst_pad_link(pad.pointer, input)
            gst_object_unref(input)
        }
    }

    private func pads(
        _ iterate: (UnsafeMutablePointer<GstElement>?) -> UnsafeMutablePointer<GstIterator>?
    ) -> [Pad] {
        objects(of: iterate(pointer)).map { Pad(owning: $0.assumingMemoryBound(to: GstPad.self)) }
    }

    private final class Pad {
        let pointer: UnsafeMutablePointer<GstPad>
        init(owning pointer: UnsafeMutablePointer<GstPad>) { self.pointer = pointer }
        deinit { gst_object_unref(pointer) }

        /// The element whose pad it is; of a bin's outer pad, the bin.
        var owner: Element? { gst_pad_get_parent_element(pointer).map { Element(owning: $0) } }
    }
}

/// What an iterator brings, each with a reference of the caller's. The iterator is freed.
func objects(of iterator: UnsafeMutablePointer<GstIterator>?) -> [UnsafeMutableRawPointer] {
    guard let iterator else { return [] }
    defer { gst_iterator_free(iterator) }
    var objects: [UnsafeMutableRawPointer] = []
    while let object = ladle_gst_iterator_next(iterator) { objects.append(object) }
    return objects
}

/// What makes elements of one kind: a plugin's entry in the registry.
public final class ElementFactory {
    let pointer: OpaquePointer

    init(referencing pointer: OpaquePointer) {
        gst_object_ref(UnsafeMutableRawPointer(pointer))
        self.pointer = pointer
    }

    /// Nil: nothing that is installed makes such elements.
    public init?(named name: String) {
        guard let pointer = gst_element_factory_find(name) else { return nil }
        self.pointer = pointer
    }

    deinit { gst_object_unref(UnsafeMutableRawPointer(pointer)) }

    /// "vp8enc"
    public var name: String { ladle_gst_feature_name(pointer).map { String(cString: $0) } ?? "?" }
    /// "vpx"
    public var plugin: String { ladle_gst_feature_plugin(pointer).map { String(cString: $0) } ?? "" }
    /// "Codec/Encoder/Video"
    public var classes: [String] {
        ladle_gst_factory_class(pointer).map { String(cString: $0) }?.split(separator: "/").map(String.init) ?? []
    }
    /// Opens an address itself, and can be chosen by one.
    public var isURISource: Bool { gst_element_factory_get_uri_type(pointer) == GST_URI_SRC }
    /// Schemes of the addresses that it opens.
    public var schemes: [String] {
        var schemes: [String] = []
        guard var next = gst_element_factory_get_uri_protocols(pointer) else { return [] }
        while let scheme = next.pointee {
            schemes.append(String(cString: scheme))
            next += 1
        }
        return schemes
    }

    /// All that are installed.
    public static var all: [ElementFactory] {
        let list = gst_registry_get_feature_list(gst_registry_get(), gst_element_factory_get_type())
        defer { gst_plugin_feature_list_free(list) }
        var factories: [ElementFactory] = []
        var next = list
        while let entry = next {
            if let feature = entry.pointee.data, let factory = ladle_gst_element_factory(OpaquePointer(feature)) {
                factories.append(ElementFactory(referencing: factory))
            }
            next = entry.pointee.next
        }
        return factories
    }

    /// Nothing in this process can make such elements any more; those that exist stay.
    public func forget() { ladle_gst_remove_feature(pointer) }

    /// Takes back `forget`.
    public func remember() { ladle_gst_add_feature(pointer) }
}
