import Base

/// Puts the RTP timestamps of several streams on one timeline, so that what was captured at once plays at once.
///
/// The timeline is the receiver's own clock. A stream stands on it in one of two ways:
///
/// 1. *By arrival*, before its first sender report: its first packet is taken as captured when it came, and its
///    timestamps count from there. Streams that start with a burst of old packets, or take longer paths, are off by
///    just that.
/// 2. *By sender report*: the report ties its timestamp to the sender's wall clock. Streams of one CNAME share that
///    clock (RFC 3550 §6.4.1, §6.5.1), so one constant per CNAME takes it to the timeline. The constant is set when
///    the first report of the CNAME comes, in such a way that this first stream does not move; the others move to
///    where they belong beside it.
///
/// Later reports follow the drift between the sender's two clocks: an eighth of each deviation is taken over, since
/// reports are rounded to a tick and some senders extrapolate them. A deviation above 100 ms is no drift: the
/// sender has set its clock or starts over, and the stream moves at once.
///
/// So times may step, back as well: whoever writes them down keeps them rising.
public struct StreamSynchronizer: Sendable {
    public struct StreamID: Sendable, Hashable {
        fileprivate let position: Int
    }

    /// More is no drift of clocks, which is some milliseconds an hour.
    public static let maximumDrift = Duration.milliseconds(100)

    private struct Stream {
        let clockRate: Int
        var cname: String?
        /// This timestamp stands at this moment of the timeline.
        var anchor: (timestamp: Int64, time: Instant)?
        /// The latest media timestamp: reports are unwrapped beside it.
        var latest: Int64 = 0
        /// Came before the first packet, or before the CNAME.
        var pendingReport: (ntp: NTPTime, timestamp: UInt32)?
        var isSynchronized = false
    }

    private var streams: [Stream] = []
    /// What to add to the sender's wall clock (in nanoseconds since 1970) to get to the timeline, in nanoseconds.
    private var offsets: [String: Int64] = [:]

    public init() {}

    /// - Parameter cname: from signaling, if it is known; else `sourceDescription` brings it.
    public mutating func addStream(clockRate: Int, cname: String? = nil) -> StreamID {
        precondition(clockRate > 0, "a clock rate of \(clockRate)")
        streams.append(Stream(clockRate: clockRate, cname: cname))
        return StreamID(position: streams.count - 1)
    }

    /// Whether the stream stands on the timeline by sender report.
    public func isSynchronized(_ id: StreamID) -> Bool { streams[id.position].isSynchronized }

    /// A packet of the stream came; for all of them or only those that begin frames.
    /// - Parameter timestamp: unwrapped, as `AccessUnit` has it.
    public mutating func receive(timestamp: Int64, at now: Instant, on id: StreamID) {
        streams[id.position].latest = timestamp
        guard streams[id.position].anchor == nil else { return }
        streams[id.position].anchor = (timestamp, now)
        applyPendingReport(id)
    }

    public mutating func sourceDescription(cname: String, on id: StreamID) {
        guard streams[id.position].cname != cname else { return }
        streams[id.position].cname = cname
        streams[id.position].isSynchronized = false
        applyPendingReport(id)
    }

    public mutating func senderReport(_ ntp: NTPTime, timestamp: UInt32, on id: StreamID) {
        // Some senders write zeros before they know the time; mediasoup and browsers ignore such reports too.
        guard ntp.rawValue != 0 else { return }
        streams[id.position].pendingReport = (ntp, timestamp)
        applyPendingReport(id)
    }

    /// Where `timestamp` stands on the timeline; nil before the stream's first packet.
    public func time(of timestamp: Int64, on id: StreamID) -> Instant? {
        let stream = streams[id.position]
        guard let anchor = stream.anchor else { return nil }
        return Instant(nanoseconds: Self.nanoseconds(of: timestamp, from: anchor, clockRate: stream.clockRate))
    }

    private mutating func applyPendingReport(_ id: StreamID) {
        let stream = streams[id.position]
        guard let report = stream.pendingReport, let anchor = stream.anchor, let cname = stream.cname else { return }
        let distance = Int32(bitPattern: report.timestamp &- UInt32(truncatingIfNeeded: stream.latest))
        let timestamp = stream.latest + Int64(distance)
        let believed = Self.nanoseconds(of: timestamp, from: anchor, clockRate: stream.clockRate)
        let wall = report.ntp.unixNanoseconds
        let offset = offsets[cname] ?? Self.sum(believed, -wall)
        offsets[cname] = offset
        let told = Self.sum(wall, offset)
        let deviation = Self.sum(told, -believed)
        let isDrift = stream.isSynchronized && deviation.magnitude <= Self.maximumDrift.nanoseconds.magnitude
        let time = isDrift ? believed + deviation / 8 : told
        streams[id.position].anchor = (timestamp, Instant(nanoseconds: time))
        streams[id.position].isSynchronized = true
        streams[id.position].pendingReport = nil
    }

    /// Where `timestamp` stands when `anchor` is right.
    private static func nanoseconds(
        of timestamp: Int64, from anchor: (timestamp: Int64, time: Instant), clockRate: Int
    ) -> Int64 {
        let (seconds, rest) = (timestamp &- anchor.timestamp).quotientAndRemainder(dividingBy: Int64(clockRate))
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let ticks = overflow ? limit : sum(whole, rest * 1_000_000_000 / Int64(clockRate))
        return sum(anchor.time.nanoseconds, ticks)
    }

    /// Timestamps and clocks are the sender's: whoever jumps by hours with each packet must not overflow us.
    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (a > 0 ? limit : -limit) : min(max(sum, -limit), limit)
    }

    /// 200 years.
    private static let limit: Int64 = 200 * 366 * 86_400 * 1_000_000_000
}
