import CGStreamer

/// What GStreamer said no to.
public struct GStreamerError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case syntax, noSuchElement, noSuchProperty, link, property, other
    }

    public var kind = Kind.other
    /// Who said it: an element's name.
    public var element: String?
    /// One line.
    public var cause: String

    public init(element: String?, cause: String, kind: Kind = .other) {
        self.kind = kind
        self.element = element
        self.cause = cause.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// `camera: Cannot identify device '/dev/video7' (No such file or directory)`
    public var description: String { element.map { "\($0): \(cause)" } ?? cause }

    /// - Parameter error: freed here.
    init(_ error: UnsafeMutablePointer<GError>, element: String? = nil, debug: String? = nil) {
        defer { g_error_free(error) }
        var cause = String(cString: error.pointee.message)
        // "file.c(621): function (): /path/of/element:\nwhat the system said"
        if let detail = debug?.split(separator: "\n").dropFirst().joined(separator: " "), !detail.isEmpty,
            !cause.contains(detail)
        {
            while cause.last == "." { cause.removeLast() }
            cause += " (\(detail))"
        }
        var kind = Kind.other
        if ladle_gst_is_parse_error(error) != 0 {
            switch GstParseError(rawValue: UInt32(bitPattern: error.pointee.code)) {
            case GST_PARSE_ERROR_SYNTAX, GST_PARSE_ERROR_EMPTY, GST_PARSE_ERROR_EMPTY_BIN: kind = .syntax
            case GST_PARSE_ERROR_NO_SUCH_ELEMENT: kind = .noSuchElement
            case GST_PARSE_ERROR_NO_SUCH_PROPERTY: kind = .noSuchProperty
            case GST_PARSE_ERROR_LINK, GST_PARSE_ERROR_DELAYED_LINK: kind = .link
            case GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY: kind = .property
            default: break
            }
        }
        self.init(element: element, cause: cause, kind: kind)
    }
}
