import Base
import Events
import Logging
import MediaCore
import PipelineControl
import Pipelines

/// How ingests and recordings run; the same for all of them.
public struct PipelineSupervisorConfiguration: Sendable {
    /// Where recorders listen. Loopback: the core is of this machine.
    public var listenIP = "127.0.0.1"
    /// Where pipelines send to and hear from; nil: the address that the core tells, with loopback for "any".
    public var mediaIP: String?
    /// The longest that a room or the core may take for one request.
    public var roomDeadline: Duration = .seconds(5)
    /// The longest that an ingest waits for recordings.
    public var recordingsDeadline: Duration = .seconds(2)
    /// How long a recording waits for the other kind of media after the first producer.
    public var settleTime: Duration = .milliseconds(500)
    /// How many ended ingests and recordings stay listed.
    public var keptAfterEnd = 100
    /// How many may run at once, of both kinds together; each is a process.
    public var limit = 64

    public init() {}

    /// - Parameter rtpIP: Where the core has its sockets; pipelines use the same, or loopback for "any". An address that
    ///   is only announced is for others.
    public init(rtpIP: String) {
        let own =
            switch rtpIP {
            case "0.0.0.0": "127.0.0.1"
            case "::": "::1"
            default: rtpIP
            }
        listenIP = own
        mediaIP = own
    }
}

/// What every ingest and recording has at hand.
struct PipelineContext: Sendable {
    let configuration: PipelineSupervisorConfiguration
    let events: EventBus
    let armed: ArmedRecordings
    let clock: any Clock<Duration>
    let logger: Logger

    /// Asks a room for something, with the deadline of rooms.
    func ask<Value: Sendable>(
        _ what: String, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws(PipelineFailure) -> Value {
        try await within(configuration.roomDeadline, on: clock, what, operation)
    }

    /// Where a process of this machine reaches a transport.
    func reachable(_ tuple: TransportTuple) -> String {
        if let ip = configuration.mediaIP { return ip }
        return switch tuple.localAddress {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: tuple.localAddress
        }
    }
}
