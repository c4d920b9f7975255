/// The condition of a request (RFC 9110 §13.1.1).
enum IfMatch: Equatable {
    case absent
    /// Whatever stands now.
    case any
    /// One of these, with their quotes. Weak ones never match, so they aren't here.
    case tags([String])

    /// RFC 9725's examples write `"*"`, with quotes; so do clients.
    init(_ field: String?) {
        guard let field else {
            self = .absent
            return
        }
        let tags = field.split(separator: ",").map { $0.drop { $0 == " " || $0 == "\t" } }.map { tag in
            String(tag.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        self = tags.contains("*") || tags.contains("\"*\"") ? .any : .tags(tags.filter { $0.hasPrefix("\"") })
    }
}
