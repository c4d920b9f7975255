/// What a fragmented MP4 needs beside libav's muxer: where fragments end, how long frames stand, and at the end the
/// index of key frames and the duration (ISO/IEC 14496-12 §8.8).
///
/// libav's own index names every fragment, also those that begin in the middle of a group of pictures; a player that
/// trusts it shows grey after a seek. So the index is written here.
struct FragmentedMP4 {
    /// `frag_discont`: a track that begins late stands late, instead of at zero.
    static let options = [
        "movflags": "empty_moov+default_base_moof+frag_custom+frag_discont+skip_trailer", "use_editlist": "0",
    ]
    /// The samples of one fragment begin within so long; with the last one's duration that is below a second.
    static let longest = Duration.milliseconds(900)
    /// A key frame begins a fragment, but not where each picture is one: headers cost some 300 bytes each.
    static let shortest = Duration.milliseconds(250)
    /// A frame is not held back any longer: its track is silent or has ended.
    static let patience = Duration.milliseconds(500)
    /// libav's time scale of the movie: milliseconds.
    private static let movieTimescale = 1000.0

    /// A place that playing can begin at.
    private struct Entry {
        /// In ticks of the track.
        var time: Int64
        /// Of the fragment, in the file.
        var offset: Int
        /// Which of the fragment's tracks it is, from 1.
        var position: UInt8
    }

    /// The first sample of a track in the present fragment.
    private struct First {
        var time: Int64
        var isKey: Bool
    }

    private var held: [Packet?]
    private var latest = Duration.zero
    private var end = Duration.zero
    private var firsts: [First?]
    private var start: Duration?
    /// The last key frame that began a fragment.
    private var lastKey: Duration?
    private var entries: [[Entry]]
    /// Where the duration goes.
    private var durationBox: Int?

    init(tracks: [ContainerTrack]) {
        held = tracks.map { _ in nil }
        firsts = tracks.map { _ in nil }
        entries = tracks.map { _ in [] }
    }

    // MARK: Durations

    /// Takes a frame and gives back the one before it, whose duration is known now.
    mutating func exchange(_ packet: Packet, track: Int) -> Packet? {
        defer { held[track] = packet }
        latest = max(latest, packet.presentation ?? .zero)
        guard let before = held[track] else { return nil }
        before.pointer.pointee.duration = packet.pointer.pointee.pts - before.pointer.pointee.pts
        return before
    }

    /// Frames that nothing has followed for a while; they keep their guessed duration.
    mutating func takeStale() -> [(track: Int, Packet)] { take(until: latest - Self.patience) }

    mutating func takeAll() -> [(track: Int, Packet)] { take(until: latest) }

    private mutating func take(until time: Duration) -> [(track: Int, Packet)] {
        held.indices.compactMap { track in
            guard let packet = held[track], packet.presentation ?? .zero <= time else { return nil }
            held[track] = nil
            return (track, packet)
        }
    }

    // MARK: Fragments

    var isEmpty: Bool { start == nil }

    /// Whether a fragment ends before this frame.
    func isDue(at time: Duration, isKeyPicture: Bool) -> Bool {
        guard let start else { return false }
        if time - start >= Self.longest { return true }
        return isKeyPicture && lastKey.map { time - $0 >= Self.shortest } ?? true
    }

    /// A frame goes into the present fragment.
    mutating func note(_ packet: Packet, at time: Duration, track: Int, isKeyPicture: Bool) {
        if isEmpty, isKeyPicture { lastKey = time }
        start = min(start ?? time, time)
        end = max(end, time + packet.duration)
        if firsts[track] == nil { firsts[track] = First(time: packet.pointer.pointee.pts, isKey: packet.isKey) }
    }

    /// The present fragment is in the file.
    mutating func wasCut(at offset: Int) {
        var position: UInt8 = 0
        for track in firsts.indices {
            guard let first = firsts[track] else { continue }
            position += 1
            if first.isKey { entries[track].append(Entry(time: first.time, offset: offset, position: position)) }
            firsts[track] = nil
        }
        start = nil
    }

    // MARK: Boxes

    /// libav's header with room for a duration: an empty box at the start of `mvex`.
    mutating func header(_ bytes: [UInt8]) -> [UInt8] {
        guard let movie = Self.box("moov", in: bytes, bytes.indices),
            let extends = Self.box("mvex", in: bytes, movie.lowerBound + 8..<movie.upperBound)
        else { return bytes }
        let room = Self.box("free", content: [UInt8](repeating: 0, count: 12))
        var bytes = bytes
        for grown in [movie, extends] {
            bytes.replaceSubrange(
                grown.lowerBound..<grown.lowerBound + 4, with: Self.number(UInt32(clamping: grown.count + room.count)))
        }
        bytes.insert(contentsOf: room, at: extends.lowerBound + 8)
        durationBox = extends.lowerBound + 8
        return bytes
    }

    /// The duration of the whole file, and where it goes.
    func duration() -> (position: Int, bytes: [UInt8])? {
        durationBox.map { position in
            let duration = UInt64(max(0, (end.inSeconds * Self.movieTimescale).rounded()))
            return (position, Self.box("mehd", content: [1, 0, 0, 0] + Self.number(duration)))
        }
    }

    /// Where to begin playing: the last box of the file, which readers find by its last four bytes.
    func index() -> [UInt8] {
        var content: [UInt8] = []
        for (track, entries) in entries.enumerated() where !entries.isEmpty {
            // Version 1: 64-bit times and offsets; one byte each for the positions of track, run and sample.
            var table: [UInt8] = [1, 0, 0, 0] + Self.number(UInt32(track + 1)) + [0, 0, 0, 0]
            table += Self.number(UInt32(clamping: entries.count))
            table.reserveCapacity(table.count + entries.count * 19)
            for entry in entries {
                table += Self.number(UInt64(clamping: entry.time)) + Self.number(UInt64(clamping: entry.offset))
                table += [entry.position, 1, 1]
            }
            content += Self.box("tfra", content: table)
        }
        let size = 8 + content.count + 16
        content += Self.box("mfro", content: [0, 0, 0, 0] + Self.number(UInt32(clamping: size)))
        return Self.box("mfra", content: content)
    }

    private static func box(_ name: String, content: [UInt8]) -> [UInt8] {
        number(UInt32(clamping: 8 + content.count)) + Array(name.utf8) + content
    }

    /// Big-endian.
    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// Where the first box of a name lies, its head included.
    private static func box(_ name: String, in bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        var at = range.lowerBound
        while at + 8 <= range.upperBound {
            let size = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard size >= 8, at + size <= range.upperBound else { return nil }
            if bytes[at + 4..<at + 8].elementsEqual(name.utf8) { return at..<at + size }
            at += size
        }
        return nil
    }
}
