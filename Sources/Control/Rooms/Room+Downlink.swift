import Base
import MediaCore

/// What is known of the way to a receiver, in bits per second.
public struct DownlinkEstimate: Sendable, Hashable {
    /// What all its consumers would take.
    public var desired: Int64
    /// What the network is asked for, with some room above that.
    public var effectiveDesired: Int64
    /// What the network is thought to bear.
    public var available: Int64

    public init(desired: Int64, effectiveDesired: Int64, available: Int64) {
        self.desired = desired
        self.effectiveDesired = effectiveDesired
        self.available = available
    }

    /// Nil: a trace of something else.
    init?(_ trace: Trace) {
        guard trace.type == .bandwidth, !trace.isIncoming else { return nil }
        func figure(_ name: String) -> Int64 { trace.info[name]?.integerValue ?? 0 }
        self.init(
            desired: figure("desiredBitrate"), effectiveDesired: figure("effectiveDesiredBitrate"),
            available: figure("availableBitrate"))
    }
}

extension Room {
    /// Whoever owns the transport is told of its downlink from now on, as often as the core looks at it.
    public func watchDownlink(of id: TransportID, of member: String) async throws(ControlError) {
        _ = try transport(id, of: member)
        do { try await core.enableTraceEvent([.bandwidth], of: id) } catch { throw ControlError(error) }
    }

    func apply(_ trace: Trace, of id: TransportID) {
        guard let estimate = DownlinkEstimate(trace), let transport = transports[id]?.value else { return }
        tell(transport.broadcaster, .downlink(id, estimate))
    }
}
