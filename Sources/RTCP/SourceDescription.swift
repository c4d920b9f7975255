import Base

/// An item of a source description: its text lies in the datagram.
public struct SourceDescriptionItem: Sendable, Hashable {
    /// CNAME, the one item that must be there (RFC 3550 §6.5.1).
    public static let cname: UInt8 = 1

    public var ssrc: UInt32
    public var type: UInt8
    public var offset: Int
    public var length: Int

    public func text(in datagram: RawSpan) -> String {
        datagram.extracting(offset..<offset + length).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// Names of sources (RFC 3550 §6.5). Chunks of an SSRC and items, each chunk ended by 1 to 4 zero bytes.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                             SSRC                              |
///     |    CNAME=1    |     length    | user and domain name        …
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
///     var items = description.items
///     while let item = items.next(in: datagram) { … }
public struct SourceDescription: Sendable, Hashable {
    public var chunkCount: Int
    public var items: Items

    /// A walk over all items of all chunks; they were checked when the packet was parsed.
    public struct Items: Sendable, Hashable {
        private var offset: Int
        private let end: Int
        private var chunksLeft: Int
        /// Of the chunk that the walk is in.
        private var ssrc: UInt32?
        /// Set when the bytes do not hold what the chunk count says.
        private(set) var isMalformed = false

        init(offset: Int, end: Int, chunks: Int) {
            self.offset = offset
            self.end = end
            chunksLeft = chunks
        }

        public mutating func next(in datagram: RawSpan) -> SourceDescriptionItem? {
            while chunksLeft > 0 {
                guard let ssrc else {
                    guard offset + 4 <= end else { return malformed() }
                    self.ssrc = datagram.uint32(at: offset)
                    offset += 4
                    continue
                }
                guard offset < end else { return malformed() }
                let type = datagram.uint8(at: offset)
                if type == 0 {
                    // The chunk ends at the next multiple of 4; packets begin at such multiples.
                    offset = (offset + 4) & ~3
                    self.ssrc = nil
                    chunksLeft -= 1
                    continue
                }
                guard offset + 2 <= end else { return malformed() }
                let length = Int(datagram.uint8(at: offset + 1))
                guard offset + 2 + length <= end else { return malformed() }
                let item = SourceDescriptionItem(ssrc: ssrc, type: type, offset: offset + 2, length: length)
                offset += 2 + length
                return item
            }
            return nil
        }

        private mutating func malformed() -> SourceDescriptionItem? {
            isMalformed = true
            chunksLeft = 0
            return nil
        }
    }

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        chunkCount = Int(slice.count)
        items = Items(offset: slice.content, end: slice.contentEnd, chunks: chunkCount)
        var trial = items
        while trial.next(in: datagram) != nil {}
        if trial.isMalformed { throw slice.malformed }
    }

    /// The canonical name of `ssrc`, if this packet tells it.
    public func cname(of ssrc: UInt32, in datagram: RawSpan) -> String? {
        var walk = items
        while let item = walk.next(in: datagram) {
            if item.ssrc == ssrc, item.type == SourceDescriptionItem.cname { return item.text(in: datagram) }
        }
        return nil
    }
}

/// Sources that leave (RFC 3550 §6.6). The reason's text is not read.
public struct Bye: Sendable, Hashable {
    let offset: Int
    public let count: Int

    init(_ slice: RTCPSlice) throws(RTCPParseError) {
        try slice.require(4 * Int(slice.count))
        offset = slice.content
        count = Int(slice.count)
    }

    public func ssrc(_ position: Int, in datagram: RawSpan) -> UInt32 {
        precondition(position >= 0 && position < count, "source \(position) of \(count)")
        return datagram.uint32(at: offset + 4 * position)
    }
}
