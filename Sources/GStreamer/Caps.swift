import CGStreamer

/// What media is: a kind and its fields.
public final class Caps {
    let pointer: UnsafeMutablePointer<GstCaps>

    init(owning pointer: UnsafeMutablePointer<GstCaps>) { self.pointer = pointer }

    /// In GStreamer's language: "video/x-vp8, width=640"; nil when it is none.
    public init?(_ text: String) {
        guard let pointer = gst_caps_from_string(text) else { return nil }
        self.pointer = pointer
    }

    deinit { gst_caps_unref(pointer) }

    private var structure: UnsafeMutablePointer<GstStructure>? {
        gst_caps_get_size(pointer) > 0 ? gst_caps_get_structure(pointer, 0) : nil
    }

    /// "video/x-vp8"
    public var mediaType: String {
        structure.flatMap { gst_structure_get_name($0) }.map { String(cString: $0) } ?? ""
    }

    /// Whether any of the alternatives has the field.
    public func has(_ field: String) -> Bool {
        (0..<gst_caps_get_size(pointer)).contains { index in
            gst_caps_get_structure(pointer, index).map { gst_structure_has_field($0, field) != 0 } ?? false
        }
    }

    public func integer(_ field: String) -> Int? {
        var value: gint = 0
        guard let structure, gst_structure_get_int(structure, field, &value) != 0 else { return nil }
        return Int(value)
    }

    public func text(_ field: String) -> String? {
        structure.flatMap { gst_structure_get_string($0, field) }.map { String(cString: $0) }
    }

    /// A fraction; nil for 0/1, which means that it varies.
    public func rate(_ field: String) -> Double? {
        var (numerator, denominator): (gint, gint) = (0, 0)
        guard let structure, gst_structure_get_fraction(structure, field, &numerator, &denominator) != 0,
            numerator > 0, denominator > 0
        else { return nil }
        return Double(numerator) / Double(denominator)
    }
}
