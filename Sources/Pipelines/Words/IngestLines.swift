import Base

/// The statuses of an ingest, as the API tells them, for a person who watches: the tracks once, states and interruptions
/// as they change, progress as it comes.
public struct IngestLines: Sendable {
    public init() {}

    /// - Parameter previous: The status before; nil: this is the first.
    public func describe(_ status: JSONValue, after previous: JSONValue?) -> [String] {
        var lines = interruption(status["interruption"], status, after: previous)
        let tracks = status["tracks"]?.arrayValue ?? []
        if previous?["tracks"]?.arrayValue?.isEmpty ?? true {
            for track in tracks {
                lines.append(
                    "\(text(track, "kind")): \(text(track, "description")) → \(text(track, "treatment")): \(text(track, "reason"))"
                )
            }
        }
        if status["state"] != previous?["state"], isNews(text(status, "state"), hasOpened: !tracks.isEmpty) {
            lines.append(text(status, "state"))
        }
        // While nothing comes, the counts stand still; the interruption was told.
        if let progress = status["progress"], progress != previous?["progress"], status["interruption"] == nil {
            let rates = zip(tracks, progress["tracks"]?.arrayValue ?? []).map { track, counts in
                let kilobits = (counts["bitrateBitsPerSecond"]?.doubleValue ?? 0) / 1000
                return "\(text(track, "kind")) \(Int(kilobits)) kb/s \(counts["frames"]?.integerValue ?? 0) frames"
            }
            lines.append("\(clock(progress["seconds"]?.doubleValue ?? 0))  " + rates.joined(separator: "  "))
        }
        return lines
    }

    /// A source that never opened has one thing to tell, which is why; that is somebody else's line.
    private func isNews(_ state: String, hasOpened: Bool) -> Bool {
        switch state {
        case "starting": false
        case "draining", "failed": hasOpened
        default: true
        }
    }

    /// Told when it begins, each time the tries have doubled since (early ones follow each other quickly), and when it
    /// ends.
    private func interruption(_ now: JSONValue?, _ status: JSONValue, after previous: JSONValue?) -> [String] {
        let before = previous?["interruption"]
        guard let now else {
            let isOver = ["draining", "finished", "failed"].contains(status["state"]?.stringValue)
            // One that comes for the first time shows its tracks.
            let wasOpen = !(previous?["tracks"]?.arrayValue ?? []).isEmpty
            return before == nil || isOver || !wasOpen ? [] : ["the source is back"]
        }
        let attempts = now["attempts"]?.integerValue ?? 0
        let reason = text(now, "reason")
        if let told = before?["attempts"]?.integerValue {
            // The first try fails for the reason that was told already.
            let isSame = attempts <= 1 && before?["reason"]?.stringValue == reason
            guard attempts.doublings > told.doublings, !isSame else { return [] }
        }
        // "waits for a publisher on …"; a first try that failed has its next one.
        if attempts == 0, now["retrySeconds"] == nil { return [reason] }
        let isOpen = !(status["tracks"]?.arrayValue ?? []).isEmpty
        let tries = attempts > 1 ? " after \(attempts) tries" : ""
        let next = now["retrySeconds"]?.doubleValue.map { "; next try in \(tenths($0)) s" } ?? ""
        return ["\(isOpen ? "interrupted" : "not open yet")\(tries): \(reason)\(next)"]
    }

    private func tenths(_ seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e9 else { return "\(seconds)" }
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(abs(tenths) % 10)"
    }

    private func text(_ value: JSONValue, _ member: String) -> String { value[member]?.stringValue ?? "?" }
}

/// hh:mm:ss of media time.
public func clock(_ seconds: Double) -> String {
    let whole = seconds.isFinite && abs(seconds) < 1e9 ? Int(seconds) : 0
    return [whole / 3600, whole / 60 % 60, whole % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
}

extension Int64 {
    /// How often one was doubled to get here.
    fileprivate var doublings: Int { self <= 0 ? -1 : Int64.bitWidth - leadingZeroBitCount }
}
