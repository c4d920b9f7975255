/// One event of a `text/event-stream`.
struct ServerSentEvent: Sendable, Hashable {
    var id: String?
    var name = "message"
    var data = ""
}

/// Parses a byte stream into events (WHATWG HTML, "Parsing an event stream"); comments and unknown fields are skipped.
struct ServerSentEventParser {
    private var line: [UInt8] = []
    private var sawCarriageReturn = false
    private var event = ServerSentEvent()
    private var hasData = false

    mutating func append(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), sawCarriageReturn {
                sawCarriageReturn = false
                continue
            }
            sawCarriageReturn = byte == UInt8(ascii: "\r")
            guard byte == UInt8(ascii: "\n") || sawCarriageReturn else {
                line.append(byte)
                continue
            }
            if let finished = endLine() { events.append(finished) }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if line.isEmpty {
            defer { (event, hasData) = (ServerSentEvent(), false) }
            return hasData ? event : nil
        }
        let text = String(decoding: line, as: UTF8.self)
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        var value = colon == text.endIndex ? Substring() : text[text.index(after: colon)...]
        if value.first == " " { value = value.dropFirst() }
        switch text[..<colon] {
        case "id": event.id = String(value)
        case "event": event.name = String(value)
        case "data":
            event.data += hasData ? "\n\(value)" : String(value)
            hasData = true
        default: break
        }
        return nil
    }
}
