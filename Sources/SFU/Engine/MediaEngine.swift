import Base
import ORTC
import RTCP
import RTP

/// The media state of one worker: mediasoup's routers, transports, producers and consumers, without sockets, clock
/// or threads. The driver calls it from one thread:
///
///     engine.receive(datagram, on: socket, from: address, now: now, into: &outbox)    // for each datagram
///     repeat { full = engine.flush(now: now, into: &outbox); send(&outbox) } while full
///     engine.advance(to: now, into: &outbox)                                          // when nextDeadline is due
///
/// A command that throws has changed nothing. What a command causes on other objects is an event in the outbox.
public struct MediaEngine: ~Copyable {
    public let configuration: SFUConfiguration
    var random: RandomSource

    public init(configuration: SFUConfiguration = SFUConfiguration(), random: RandomSource = .system) {
        self.configuration = configuration
        self.random = random
    }

    // MARK: - Routers

    public mutating func createRouter(
        id: RouterID, mediaCodecs: [RTPCodecCapability]
    ) throws(SFUError) -> RTPCapabilities { throw SFUError(.failed, "not yet") }

    // MARK: - Plain transports

    /// On an error the driver keeps the sockets of the setup and closes them itself.
    public mutating func createPlainTransport(
        _ setup: PlainTransportSetup, now: Instant
    ) throws(SFUError) -> PlainTransportTuples { throw SFUError(.failed, "not yet") }

    /// Fixes the remote side of a transport that does not wait for it. Once only.
    public mutating func connect(
        _ id: TransportID, ip: String?, port: UInt16?, rtcpPort: UInt16?, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> PlainTransportTuples { throw SFUError(.failed, "not yet") }

    // MARK: - Producers and consumers

    public mutating func produce(
        _ setup: ProducerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ProducerState { throw SFUError(.failed, "not yet") }

    public mutating func consume(
        _ setup: ConsumerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ConsumerState { throw SFUError(.failed, "not yet") }

    /// False also for unknown ids and invalid capabilities.
    public func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) -> Bool {
        false
    }

    public mutating func pause(_ id: ProducerID, now: Instant, into out: inout Outbox) throws(SFUError) {}
    public mutating func resume(_ id: ProducerID, now: Instant, into out: inout Outbox) throws(SFUError) {}
    public mutating func pause(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {}
    public mutating func resume(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {}

    /// Asks the producer behind a consumer for a key frame.
    public mutating func requestKeyFrame(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {}

    // MARK: - Closing: idempotent; an unknown id is already closed

    public mutating func close(_ id: RouterID, now: Instant, into out: inout Outbox) {}
    public mutating func close(_ id: TransportID, now: Instant, into out: inout Outbox) {}
    public mutating func close(_ id: ProducerID, now: Instant, into out: inout Outbox) {}
    public mutating func close(_ id: ConsumerID, now: Instant, into out: inout Outbox) {}

    // MARK: - Statistics: mediasoup's getStats() arrays

    public func stats(of id: TransportID, now: Instant) throws(SFUError) -> JSONValue { .array([]) }
    public func stats(of id: ProducerID, now: Instant) throws(SFUError) -> JSONValue { .array([]) }
    public func stats(of id: ConsumerID, now: Instant) throws(SFUError) -> JSONValue { .array([]) }

    // MARK: - The turn

    /// First half: one datagram in. Builds no outgoing media.
    public mutating func receive(
        _ datagram: RawSpan, on socket: SocketID, from: SocketAddress, now: Instant, into out: inout Outbox
    ) {}

    /// Second half: media out, once a turn. True: the outbox is full; send it and call again.
    public mutating func flush(now: Instant, into out: inout Outbox) -> Bool { false }

    /// Timers that are due.
    public mutating func advance(to now: Instant, into out: inout Outbox) {}

    /// When `flush` and `advance` have to be called at the latest; nil: nothing to wait for.
    public var nextDeadline: Instant? { nil }

    // MARK: - Load

    /// Packets are being held by the coalescing window: the driver may sleep until `nextDeadline` without watching
    /// its sockets, instead of waking for each datagram.
    public var isHolding: Bool { false }

    /// Whether `learned` wants the thread's CPU time now; once in 20 ms, so the driver needs no clock call per turn.
    public func wantsLoad(at now: Instant) -> Bool { false }

    /// Tells how much CPU time the driver's thread has used since it started.
    public mutating func learned(threadCPUTime: Duration, now: Instant) {}
}
