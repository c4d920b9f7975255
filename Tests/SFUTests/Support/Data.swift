import Base
import ORTC
import SCTP
import SFU
import TestSupport
import Testing

extension Stage {
    @discardableResult
    func produceData(
        _ name: String, on transport: String, stream: SCTPStreamParameters? = nil, label: String = "",
        protocol subprotocol: String = "", paused: Bool = false
    ) throws -> DataProducerState {
        try engine.produceData(
            DataProducerSetup(
                transport: TransportID(rawValue: transport), id: DataProducerID(rawValue: name), stream: stream,
                label: label, subprotocol: subprotocol, paused: paused))
    }

    @discardableResult
    func consumeData(
        _ name: String, on transport: String, of producer: String, ordered: Bool? = nil, lifetime: Int? = nil,
        retransmits: Int? = nil, paused: Bool = false, subchannels: Set<UInt16> = []
    ) throws -> DataConsumerState {
        try engine.consumeData(
            DataConsumerSetup(
                transport: TransportID(rawValue: transport), id: DataConsumerID(rawValue: name),
                producer: DataProducerID(rawValue: producer), ordered: ordered, maxPacketLifeTime: lifetime,
                maxRetransmits: retransmits, paused: paused, subchannels: subchannels), now: now, into: &outbox)
    }

    func say(
        _ message: DataMessage, on producer: String, subchannels: [UInt16] = [], required: UInt16? = nil
    ) throws {
        try engine.send(
            message, on: DataProducerID(rawValue: producer), subchannels: subchannels, required: required, now: now,
            into: &outbox)
        collect()
    }

    /// What direct data consumers got since the last call, of all events.
    func heard() -> [String: [DataMessage]] {
        collect()
        var heard: [String: [DataMessage]] = [:]
        for case .dataConsumerMessage(let id, let message) in takeEvents() {
            heard[id.rawValue, default: []].append(message)
        }
        return heard
    }

    /// A transport with SCTP that knows its remote side at 198.51.100.7:`remote`.
    @discardableResult
    func sctpTransport(
        _ name: String, remote: UInt16? = 5000, isComedia: Bool = false,
        _ sctp: SCTPTransportSetup = SCTPTransportSetup()
    ) throws -> Port {
        let id = TransportID(rawValue: name)
        let rtp = makeEndpoint()
        let tuples = try engine.createPlainTransport(
            PlainTransportSetup(router: Stage.room, id: id, rtp: rtp, comedia: isComedia, sctp: sctp), now: now)
        let port = Port(id: id, rtp: rtp.socket, rtcp: nil, tuples: tuples)
        if let remote, !isComedia { try connect(port, to: remote) }
        return port
    }

    func sctpState(_ name: String) -> SCTPState? { engine.sctpState(of: TransportID(rawValue: name)) }
    func stats(_ id: DataProducerID) throws -> JSONValue { try engine.stats(of: id, now: now) }
    func stats(_ id: DataConsumerID) throws -> JSONValue { try engine.stats(of: id, now: now) }
    func dump(_ id: DataProducerID) throws -> JSONValue { try engine.dump(of: id) }
    func dump(_ id: DataConsumerID) throws -> JSONValue { try engine.dump(of: id) }
}

/// The tests of a suite have SCTP for themselves, one after the other.
struct SCTPTurn: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await body() }
        await Turn.sctp.take()
        do { try await body() } catch {
            await Turn.sctp.give()
            throw error
        }
        await Turn.sctp.give()
    }
}

extension Trait where Self == SCTPTurn {
    static var sctpTurn: SCTPTurn { SCTPTurn() }
}
