/// The boxes of an MP4 file (ISO/IEC 14496-12), as a reader sees them.
struct MP4Box {
    struct Broken: Error, CustomStringConvertible { let description: String }

    var name: String
    /// In the file, head included.
    var range: Range<Int>
    var content: ArraySlice<UInt8>

    /// - Throws: where boxes don't fill the bytes exactly.
    static func all(in bytes: ArraySlice<UInt8>) throws -> [MP4Box] {
        var boxes: [MP4Box] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            guard at + 8 <= bytes.endIndex else { throw Broken(description: "half a head at \(at)") }
            let size = bytes[at..<at + 4].number
            let name = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
            guard size >= 8, at + size <= bytes.endIndex else {
                throw Broken(description: "\(name) at \(at) has \(size) bytes")
            }
            boxes.append(MP4Box(name: name, range: at..<at + size, content: bytes[at + 8..<at + size]))
            at += size
        }
        return boxes
    }

    /// Boxes inside, behind so many bytes of its own.
    func children(behind own: Int = 0) throws -> [MP4Box] { try Self.all(in: content.dropFirst(own)) }

    /// The boxes at the end of a path: "traf/tfdt".
    func find(_ path: String) throws -> [MP4Box] {
        let parts = path.split(separator: "/", maxSplits: 1)
        let own = ["stsd": 8, "avc1": 78, "vp09": 78, "Opus": 28][name] ?? 0
        let found = try children(behind: own).filter { $0.name == parts[0] }
        return parts.count == 1 ? found : try found.flatMap { try $0.find(String(parts[1])) }
    }

    /// A big-endian number in its content.
    func number(at offset: Int, bytes: Int = 4) -> Int {
        content.dropFirst(offset).prefix(bytes).number
    }
}

extension Sequence<UInt8> {
    var number: Int { reduce(0) { $0 << 8 | Int($1) } }
}

/// One track's part of a fragment.
struct MP4Run {
    var track: Int
    var start: Int
    /// In the file.
    var dataOffset: Int
    var isKey: Bool
    var durations: [Int]
    var sizes: [Int]

    init(_ part: MP4Box, of fragment: MP4Box) throws {
        let head = try part.find("tfhd")[0]
        let flags = head.number(at: 0) & 0xFF_FFFF
        guard flags & 0x02_0000 != 0 else { throw MP4Box.Broken(description: "data is not found from its own moof") }
        track = head.number(at: 4)
        var at = 8 + (flags & 1 != 0 ? 8 : 0) + (flags & 2 != 0 ? 4 : 0)
        func optional(_ box: MP4Box, _ isThere: Bool) -> Int? {
            guard isThere else { return nil }
            defer { at += 4 }
            return box.number(at: at)
        }
        let duration = optional(head, flags & 8 != 0)
        let size = optional(head, flags & 0x10 != 0)
        let sampleFlags = optional(head, flags & 0x20 != 0)
        let time = try part.find("tfdt")[0]
        start = time.number(at: 4, bytes: time.number(at: 0) >> 24 == 1 ? 8 : 4)
        let run = try part.find("trun")[0]
        let has = run.number(at: 0) & 0xFF_FFFF
        let count = run.number(at: 4)
        at = 8
        dataOffset = fragment.range.lowerBound + (optional(run, has & 1 != 0) ?? 0)
        let first = optional(run, has & 4 != 0)
        (durations, sizes) = ([], [])
        var flagsOfFirst = first ?? sampleFlags ?? 0
        for sample in 0..<count {
            durations.append(optional(run, has & 0x100 != 0) ?? duration ?? 0)
            sizes.append(optional(run, has & 0x200 != 0) ?? size ?? 0)
            let own = optional(run, has & 0x400 != 0)
            if sample == 0 { flagsOfFirst = own ?? flagsOfFirst }
            _ = optional(run, has & 0x800 != 0)
        }
        // sample_is_non_sync_sample.
        isKey = flagsOfFirst & 0x1_0000 == 0
    }
}
