import Base
import MediaCore
import ORTC
import PipelineControl

/// What a recording will be, and so what it can take: a container that libav writes, or what a GStreamer description
/// makes.
public struct RecordingFormat: Sendable, Hashable {
    public let container: RecordJob.Container
    /// Nil: libav writes it.
    public let gstreamer: GStreamerPlan?
    /// As messages call it: "WebM", or the description's name.
    private let name: String
    /// MIME types in small letters.
    private let codecs: Set<String>

    public init(libav container: RecordJob.Container) {
        self.container = container
        gstreamer = nil
        name = container.title
        codecs = container.codecs
    }

    /// - Parameter name: Of the description.
    public init(gstreamer plan: GStreamerPlan, container: RecordJob.Container, name: String) {
        self.container = container
        gstreamer = plan
        self.name = "pipeline \"\(name)\""
        codecs = Set(plan.branches.keys.map { $0 == "opus" ? "audio/opus" : "video/\($0)" })
    }

    // MARK: What it takes

    /// Whether a stream of this codec can be written.
    func takes(_ mimeType: String, _ parameters: [String: JSONValue]) -> Bool {
        codecs.contains(mimeType.lowercased()) && Self.unreadable(mimeType, parameters) == nil
    }

    func takes(_ producer: RoomProducer) -> Bool {
        takes(producer.codec, producer.rtpParameters.codecs.first?.parameters ?? [:])
    }

    /// What of a codec our recorder can't take out of RTP, whatever the container; nil: nothing.
    private static func unreadable(_ mimeType: String, _ parameters: [String: JSONValue]) -> String? {
        func number(_ name: String) -> String {
            let digits = parameters[name]?.text.filter(\.isNumber) ?? ""
            return digits.isEmpty ? "0" : digits
        }
        switch mimeType.lowercased() {
        // 1 and 3 carry colour at another resolution than receivers expect.
        case "video/vp9" where !["0", "2"].contains(number("profile-id")): return "of profile \(number("profile-id"))"
        case "video/h264" where number("packetization-mode") != "1":
            return "in packetization mode \(number("packetization-mode"))"
        default: return nil
        }
    }

    // MARK: Refusals

    /// Refuses when the room sends already what the recording could not hold; then lets the room go.
    func check(_ room: Room, for request: RecordingRequest, leaving id: String) async throws(ControlError) {
        guard let refusal = refusal(of: await room.snapshot, broadcaster: request.broadcaster) else { return }
        await room.release(id)
        throw .unsupported(refusal)
    }

    /// Why what a room sends can't be recorded; nil: it can, or nothing is there yet.
    ///
    /// Each kind of media that is sent must fit: a film without its picture is no recording of it.
    func refusal(of room: RoomSnapshot, broadcaster: String?) -> String? {
        let producers = room.producers.filter { (broadcaster ?? $0.broadcaster) == $0.broadcaster }
        let unfit = MediaKind.allCases.compactMap { kind -> RoomProducer? in
            let sent = producers.filter { $0.kind == kind }
            return sent.contains(where: takes) ? nil : sent.first
        }
        guard let first = unfit.first else { return nil }
        let sender = broadcaster.map { "broadcaster \"\($0)\" in room \"\(room.name)\"" } ?? "room \"\(room.name)\""
        var sent: [String] = []
        for producer in producers where !sent.contains(producer.codec) { sent.append(producer.codec) }
        var lacking = first.codec
        if let what = Self.unreadable(lacking, first.rtpParameters.codecs.first?.parameters ?? [:]) {
            return "\(sender) sends \(Self.list(sent)), and no recording can hold \(lacking) \(what)"
        }
        lacking = unfit.map(\.codec).joined(separator: " and no ")
        let others = RecordJob.Container.all.filter { container in
            unfit.allSatisfy { container.codecs.contains($0.codec.lowercased()) }
                && producers.contains { container.codecs.contains($0.codec.lowercased()) }
        }
        let advice =
            others.isEmpty
            ? "no container can that is written here" : "\(Self.list(others.map { "." + $0.fileExtension })) can"
        return "\(sender) sends \(Self.list(sent)), and \(name) can hold no \(lacking); \(advice)"
    }

    /// "a", "a and b", "a, b and c".
    private static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}
