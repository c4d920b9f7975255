import Base
import CGStreamer

extension Element {
    /// Why a property can't be set; one clause for people, which names what is allowed.
    public struct PropertyError: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// Whether there is such a property that can be set; "sink_0::alpha" is one of a child, "caps.width" a field.
    public func canSet(_ property: String) -> Bool {
        (try? find(property)) != nil
    }

    /// Why there is no such property that can be set; nil: there is one.
    public func complaint(aboutSetting property: String) -> String? {
        do throws(PropertyError) {
            let found = try find(property)
            if let field = found.field, try !heldCaps(of: found).has(field) {
                return "the caps of \(name) have no \"\(field)\" that could be set"
            }
            return nil
        } catch {
            return error.description
        }
    }

    /// Sets a property by GStreamer's own reading of a text; for texts of descriptions alone.
    public func setText(_ property: String, _ text: String) {
        guard canSet(property) else { return }
        gst_util_set_object_arg(ladle_gst_gobject(pointer), property, text)
    }

    /// Names of all properties.
    public var propertyNames: [String] {
        var count: guint = 0
        guard let list = g_object_class_list_properties(ladle_gst_class(pointer), &count) else { return [] }
        defer { g_free(list) }
        return (0..<Int(count)).compactMap { list[$0].map { String(cString: $0.pointee.name) } }
    }

    /// Sets a property to a value of JSON's, which must be of its kind and within its range; never parsed as text.
    ///
    /// An integer fits numbers and fractions too, and a word of an enumeration is said by its nick. "caps.width" sets one
    /// field in the caps that the property holds.
    public func set(_ property: String, to value: JSONValue) throws(PropertyError) {
        let found = try find(property)
        if let field = found.field {
            try setField(field, of: found, to: value, property)
            return
        }
        var converted = GValue()
        g_value_init(&converted, ladle_gst_property_type(found.spec))
        defer { g_value_unset(&converted) }
        try convert(value, into: &converted, property)
        // True: it had to be changed to fit.
        guard g_param_value_validate(found.spec, &converted) == 0 else {
            throw PropertyError(description: "\(value.text) is out of range for \(property)\(range(of: found.spec))")
        }
        g_object_set_property(found.target, found.spec.pointee.name, &converted)
    }

    // MARK: Looking up

    private final class Found {
        let target: UnsafeMutablePointer<GObject>
        let spec: UnsafeMutablePointer<GParamSpec>
        /// Of the caps that the property holds.
        let field: String?

        init(_ target: UnsafeMutablePointer<GObject>, _ spec: UnsafeMutablePointer<GParamSpec>, field: String?) {
            (self.target, self.spec, self.field) = (target, spec, field)
        }

        deinit { g_object_unref(target) }
    }

    private func find(_ property: String) throws(PropertyError) -> Found {
        if let found = try lookUp(property, field: nil) { return found }
        if let dot = property.firstIndex(of: "."), property[..<dot] == "caps" || property[..<dot].hasSuffix("-caps"),
            let found = try lookUp(String(property[..<dot]), field: String(property[property.index(after: dot)...])),
            ladle_gst_kind(ladle_gst_property_type(found.spec)) == LADLE_GST_CAPS
        {
            return found
        }
        let near = propertyNames.first { $0.isNear(property) }
        throw PropertyError(
            description: "\(kind) has no property \"\(property)\"" + (near.map { "; is \"\($0)\" meant?" } ?? ""))
    }

    private var kind: String { factory?.name ?? name }

    private func lookUp(_ name: String, field: String?) throws(PropertyError) -> Found? {
        var spec: UnsafeMutablePointer<GParamSpec>?
        guard let target = ladle_gst_lookup(pointer, name, &spec), let spec else { return nil }
        let found = Found(target, spec, field: field)
        guard ladle_gst_is_writable(spec) != 0 else {
            throw PropertyError(description: "the property \"\(name)\" of \(kind) can't be set")
        }
        return found
    }

    private func range(of spec: UnsafeMutablePointer<GParamSpec>) -> String {
        var (low, high) = (0.0, 0.0)
        guard ladle_gst_range(spec, &low, &high) != 0 else { return "" }
        return ", which takes \(JSONValue(low).text) to \(JSONValue(high).text)"
    }

    // MARK: Converting

    private func convert(_ value: JSONValue, into target: inout GValue, _ property: String) throws(PropertyError) {
        let wanted: String
        switch ladle_gst_kind(target.g_type) {
        case LADLE_GST_BOOLEAN:
            if let flag = value.boolValue {
                g_value_set_boolean(&target, flag ? 1 : 0)
                return
            }
            wanted = "true or false"
        case LADLE_GST_INTEGER:
            if let integer = value.integerValue {
                guard ladle_gst_set_integer(&target, gint64(integer)) != 0 else {
                    throw PropertyError(description: "\(integer) is out of range for \(property)")
                }
                return
            }
            wanted = "an integer"
        case LADLE_GST_NUMBER:
            if let number = value.doubleValue, number.isFinite {
                ladle_gst_set_number(&target, number)
                return
            }
            wanted = "a number"
        case LADLE_GST_FRACTION:
            if let number = value.doubleValue, number.isFinite, abs(number) < 1e9 {
                var (numerator, denominator): (gint, gint) = (0, 1)
                gst_util_double_to_fraction(number, &numerator, &denominator)
                ladle_gst_set_fraction(&target, numerator, denominator)
                return
            }
            wanted = "a number"
        case LADLE_GST_STRING:
            if let text = value.stringValue {
                guard !text.utf8.contains(0) else {
                    throw PropertyError(description: "the text for \(property) has a zero byte in it")
                }
                g_value_set_string(&target, text)
                return
            }
            wanted = "a text"
        case LADLE_GST_ENUMERATION:
            if let word = value.stringValue, ladle_gst_set_word(&target, word) != 0 { return }
            let words = ladle_gst_words(target.g_type)
            defer { g_free(words) }
            wanted = "one of \(words.map { String(cString: $0) } ?? "its words")"
        default:
            let type = g_type_name(target.g_type).map { String(cString: $0) } ?? "a type"
            throw PropertyError(description: "\(property) is a \(type), which can't be set from outside")
        }
        throw PropertyError(description: "\(value.text) does not fit \(property), which takes \(wanted)")
    }

    /// Changes one field in each of the caps that has it; at least one must, since its kind is known from there.
    private func setField(
        _ field: String, of found: Found, to value: JSONValue, _ property: String
    ) throws(PropertyError) {
        let caps = try heldCaps(of: found)
        let changed = caps.pointer
        var isFound = false
        for index in 0..<gst_caps_get_size(changed) {
            guard let structure = gst_caps_get_structure(changed, index),
                let old = gst_structure_get_value(structure, field)
            else { continue }
            isFound = true
            var new = GValue()
            g_value_init(&new, old.pointee.g_type)
            defer { g_value_unset(&new) }
            try convert(value, into: &new, property)
            gst_structure_set_value(structure, field, &new)
        }
        guard isFound else {
            throw PropertyError(description: "the caps of \(name) have no \"\(field)\" that could be set")
        }
        var converted = GValue()
        g_value_init(&converted, ladle_gst_property_type(found.spec))
        defer { g_value_unset(&converted) }
        gst_value_set_caps(&converted, changed)
        g_object_set_property(found.target, found.spec.pointee.name, &converted)
    }
}

extension Element {
    /// A copy of the caps that a property holds.
    private func heldCaps(of found: Found) throws(PropertyError) -> Caps {
        var held = GValue()
        g_value_init(&held, ladle_gst_property_type(found.spec))
        defer { g_value_unset(&held) }
        g_object_get_property(found.target, found.spec.pointee.name, &held)
        guard let caps = gst_value_get_caps(&held), let copy = gst_caps_copy(caps) else {
            throw PropertyError(description: "the caps of \(name) are empty")
        }
        return Caps(owning: copy)
    }
}

extension String {
    /// Whether one slip of the finger lies between both: a letter more, less, other, or two changed.
    public func isNear(_ other: String) -> Bool {
        let (a, b) = (Array(utf8), Array(other.utf8))
        guard abs(a.count - b.count) <= 1, a != b, min(a.count, b.count) >= 3 else { return false }
        let head = zip(a, b).prefix { $0 == $1 }.count
        let tail = zip(a.dropFirst(head).reversed(), b.dropFirst(head).reversed()).prefix { $0 == $1 }.count
        let (restA, restB) = (a.count - head - tail, b.count - head - tail)
        if restA <= 1, restB <= 1 { return true }
        return restA == 2 && restB == 2 && a[head] == b[head + 1] && a[head + 1] == b[head]
    }
}
