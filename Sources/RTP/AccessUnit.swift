import Base

/// One frame as a container wants it: a VP8 or VP9 frame, an H264 access unit in Annex B form, an Opus packet.
public struct AccessUnit: Sendable, Hashable {
    public var bytes: [UInt8]
    /// The RTP timestamp, unwrapped; in units of the clock rate.
    public var timestamp: Int64
    /// A decoder can start here. Always true for audio.
    public var isKeyFrame: Bool
    /// False when a packet of it was lost: `bytes` has a hole then.
    public var isComplete: Bool

    public init(bytes: [UInt8], timestamp: Int64, isKeyFrame: Bool, isComplete: Bool) {
        self.bytes = bytes
        self.timestamp = timestamp
        self.isKeyFrame = isKeyFrame
        self.isComplete = isComplete
    }
}

/// What a codec's depacketizer says of one packet of a frame.
struct FramePart {
    /// Nothing of the frame comes before this packet.
    var startsFrame: Bool
    /// The packet shows that the frame is a key frame.
    var isKeyFrame = false
    /// The bytes fit together with those before them.
    var isWhole = true
}

/// The part of depacketizing that all video codecs share: where frames begin and end, and what is missing.
///
/// A frame ends with the marker bit, or else where the timestamp changes. Packets must come in order (see
/// `JitterBuffer`); a step in the index is a loss, and what comes late is dropped.
struct FrameAssembly: Sendable {
    /// No sane frame is larger; a sender without markers that never changes its timestamp must not fill the memory.
    static let maximumFrameLength = 16 << 20

    private(set) var needsKeyFrame = true
    private var timestamps = TimestampUnwrapper()
    private var lastIndex: Int64?
    /// Whether the sender sets markers: then a frame that ends without one lacks its end.
    private var usesMarkers = false
    private var frame: AccessUnit?

    /// Takes in one packet. `append` adds its payload to the bytes of the frame.
    mutating func receive(
        index: Int64, timestamp: UInt32, marker: Bool, isEmpty: Bool, into units: inout [AccessUnit],
        append: (inout [UInt8]) -> FramePart
    ) {
        if let lastIndex, index <= lastIndex { return }
        let hasGap = lastIndex.map { index != $0 + 1 } ?? false
        lastIndex = index
        if hasGap {
            needsKeyFrame = true
            frame?.isComplete = false
        }
        // Padding only: it fills a place in the sequence and nothing else.
        if isEmpty { return }

        let timestamp = timestamps.unwrap(timestamp)
        if let frame, frame.timestamp != timestamp { finish(into: &units) }
        let isFirst = frame == nil
        var unit = frame ?? AccessUnit(bytes: [], timestamp: timestamp, isKeyFrame: false, isComplete: true)
        frame = nil  // Else the bytes would be copied at each packet.
        if unit.bytes.count <= Self.maximumFrameLength {
            let part = append(&unit.bytes)
            if part.isKeyFrame { unit.isKeyFrame = true }
            if !part.isWhole || (isFirst && !part.startsFrame) { unit.isComplete = false }
        } else {
            unit.isComplete = false
        }
        frame = unit
        if marker {
            usesMarkers = true
            finish(into: &units)
        }
    }

    /// Hands out the frame that is open.
    mutating func finish(into units: inout [AccessUnit]) {
        guard let unit = frame else { return }
        frame = nil
        if !unit.isComplete {
            needsKeyFrame = true
        } else if unit.isKeyFrame {
            needsKeyFrame = false
        }
        // Broken descriptors or fragments without a start can leave nothing at all.
        if !unit.bytes.isEmpty { units.append(unit) }
    }

    /// The stream is over.
    mutating func end(into units: inout [AccessUnit]) {
        if usesMarkers { frame?.isComplete = false }
        finish(into: &units)
    }
}

extension [UInt8] {
    /// Appends a part of a span; `range` lies within it.
    mutating func append(_ span: RawSpan, _ range: Range<Int>) {
        span.extracting(range).withUnsafeBytes { append(contentsOf: $0) }
    }
}
