import Base
import RTP

/// How one receiver gets a stream of several layers, and several such streams one after the other as if they were one:
/// which packets go out, under which number, timestamp and picture id.
struct LayerRewriter: Sendable {
    let isSVC: Bool
    private var temporal: TemporalFilter
    private var svc: SVCFilter
    private var numbering: LayerNumbering
    private(set) var alignment: TimestampAlignment
    private var continuity = VP8Continuity()

    /// Of the stream that is read now, for simulcast.
    private var spatialLayer: UInt8 = 0
    /// What is older belongs to the time before the beginning.
    private var firstIndex = UInt64.max
    /// The last packet that went out ended its frame.
    private var lastHadMarker = true
    /// Since the beginning.
    private var hasSent = false

    /// - Parameter firstSequence: Of the first packet that goes out.
    init(isSVC: Bool, isKSVC: Bool, clockRate: Int, firstSequence: UInt16) {
        self.isSVC = isSVC
        temporal = TemporalFilter(target: 0)
        svc = SVCFilter(target: ConsumerLayers(spatialLayer: 0, temporalLayer: 0), isKSVC: isKSVC)
        numbering = LayerNumbering(firstOutgoing: UInt64(firstSequence))
        alignment = TimestampAlignment(clockRate: clockRate)
    }

    /// What is being forwarded; nil: nothing.
    var current: ConsumerLayers? {
        guard hasSent else { return nil }
        return isSVC ? svc.current : ConsumerLayers(spatialLayer: spatialLayer, temporalLayer: temporal.current)
    }

    /// Of simulcast only the temporal layer: its spatial layer is the stream.
    /// - Returns: Whether a key frame is needed to get there.
    mutating func aim(at target: ConsumerLayers) -> Bool {
        if isSVC { return svc.aim(at: target) }
        temporal.target = target.temporalLayer
        return false
    }

    /// Whether a key frame that was waited for was of no use, and another one is needed. Told once.
    mutating func takeMissedClimb() -> Bool { isSVC && svc.takeMissedClimb() }

    /// A key frame is what comes next.
    /// - Parameters:
    ///   - spatialLayer: Of the stream, for simulcast.
    ///   - offset: What brings its timestamps onto the consumer's line; nil: unknown.
    mutating func begin(at start: GOPCache.Start, spatialLayer: UInt8, offset: UInt32?) {
        // Else the receiver would take a frame that was cut off for a whole one.
        numbering.begin(at: start.index, skipping: lastHadMarker ? 0 : 1)
        firstIndex = start.index
        self.spatialLayer = spatialLayer
        if isSVC {
            svc.begin(start.timestamp)
        } else {
            temporal.begin()
            alignment.begin(start.timestamp, offset: offset)
        }
        continuity.restart()
        hasSent = false
    }

    /// Nothing goes out until the next beginning, or until it goes on where it was.
    mutating func stop() { hasSent = false }

    /// How a packet goes out; nil: not at all. Asking again for the same packet gives the same answer.
    mutating func decide(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog
    ) -> PacketRewrite? {
        guard record.index >= firstIndex else { return nil }
        let timestamp = log.uint32(position, at: 4)
        var marker = record.flags & 0x80 != 0
        if isSVC {
            guard
                case .forward(let ends) = svc.judge(
                    record.layers, isMarked: marker, timestamp: timestamp, index: record.index)
            else {
                drop(record, at: position, of: log)
                return nil
            }
            marker = ends
        } else if !temporal.accepts(record.layers, timestamp: timestamp, index: record.index) {
            drop(record, at: position, of: log)
            return nil
        }
        guard let index = numbering.forward(record.index) else { return nil }
        var rewrite = PacketRewrite(index: index, marker: marker)
        if !isSVC {
            rewrite.timestampOffset = alignment.map(timestamp) &- timestamp
            continuePictures(record, at: position, of: log, &rewrite)
        }
        if index == numbering.last { lastHadMarker = marker }
        hasSent = true
        return rewrite
    }

    /// It leaves no gap.
    mutating func drop(_ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog) {
        guard record.index >= firstIndex else { return }
        numbering.remove(record.index)
        guard !isSVC, record.layers.hasPictureID,
            let numbers = VP8PictureNumbers(of: record, at: position, in: log)
        else { return }
        continuity.drop(numbers)
    }

    private mutating func continuePictures(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, _ rewrite: inout PacketRewrite
    ) {
        guard record.layers.hasPictureID, let numbers = VP8PictureNumbers(of: record, at: position, in: log) else {
            return
        }
        let outgoing = continuity.forward(numbers)
        rewrite.pictureIDOffset = (outgoing.pictureID &- numbers.pictureID) & 0x7FFF
        if let before = numbers.temporalLayerZeroIndex, let after = outgoing.temporalLayerZeroIndex {
            rewrite.temporalLayerZeroOffset = after &- before
        }
    }
}
