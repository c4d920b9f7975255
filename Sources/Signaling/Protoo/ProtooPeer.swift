import Base
import Control
import Logging
import MediaCore
import NIOCore
import ORTC
import Protoo

/// One protoo client: its requests to the room, and what the room has for it.
///
/// Requests are handled in the order in which they came (a `produce` may need what a `closeProducer` before it gave back);
/// none of them waits for anything that the client has to do. What happens in the room comes on another way, `follow`, in
/// its own order. Facets: ProtooPeer+Requests, +Changes, +Data.
actor ProtooPeer {
    /// What the client is told it talks to: the version whose behaviour this is.
    static let mediasoupVersion = "3.14.16"

    let room: Room
    let seat: PeerSeat
    let outbox: ProtooOutbox
    let logger: Logger
    var dialect: Dialect
    var exchange = ProtooExchange<PeerObject>()
    /// The request that `PeerChange.joined` answers.
    var joining: JSONValue?
    var hasJoined = false
    private let start = ContinuousClock.now

    init(room: Room, seat: PeerSeat, dialect: Dialect, outbox: ProtooOutbox, logger: Logger) {
        self.room = room
        self.seat = seat
        self.dialect = dialect
        self.outbox = outbox
        var logger = logger
        logger[metadataKey: "room"] = "\(room.name)"
        logger[metadataKey: "peer"] = "\(seat.id)"
        self.logger = logger
    }

    /// Says which version of mediasoup the client finds here: the first message of all.
    func greet() {
        notify(
            dialect == .modern ? "mediasoupVersion" : "mediasoup-version", ["version": .string(Self.mediasoupVersion)])
    }

    /// One message of the client's.
    func receive(_ bytes: ByteBufferView) async {
        switch ProtooMessage(parsing: bytes) {
        case .request(let request): await answer(request)
        case .response(let response): await accept(response)
        case .notification(let method, let data): await hear(method, data)
        case nil: logger.debug("a text that is no message was passed over")
        }
    }

    /// Idempotent.
    func leave() async { await room.leave(seat, reason: ClosingReason.left) }

    /// The newer demo keeps no client that doesn't join; the older one does.
    func closeUnlessJoined() async {
        guard dialect == .modern, !hasJoined else { return }
        logger.debug("a client has not joined in time")
        outbox.close(code: ProtooConnection.final, reason: ProtooConnection.finalReason)
    }

    // MARK: - Sending

    func send(_ message: ProtooMessage) { outbox.send(.text(message.text)) }

    func notify(_ method: String, _ data: JSONValue) { send(.notification(method: method, data: data)) }

    func respond(_ id: JSONValue, _ outcome: Result<JSONValue, ProtooRefusal>) {
        send(.response(ProtooResponse(id: id, outcome: outcome)))
    }

    /// Asks the client; its answer comes to `accept`, or not at all.
    func request(_ method: String, _ data: JSONValue, for object: PeerObject) {
        for late in exchange.advance(to: now) { note(late, "did not answer") }
        var random = SystemRandomNumberGenerator()
        send(exchange.request(method, data, for: object, now: now, random: &random))
    }

    // MARK: - Helpers

    private var now: Instant { Instant(nanoseconds: (ContinuousClock.now - start).nanoseconds) }

    private func answer(_ request: ProtooRequest) async {
        do {
            // Answered later, in order with what happens in the room.
            guard let data = try await perform(request) else { return }
            respond(request.id, .success(data))
        } catch {
            respond(request.id, .failure(refusal(error, of: request.method)))
        }
    }

    /// The newer dialect has no answers for these.
    private func hear(_ method: String, _ data: JSONValue) async {
        guard Self.orders.contains(method) else {
            logger.debug("a notification was passed over", metadata: ["method": "\(method)"])
            return
        }
        if dialect == .unknown { dialect = .modern }
        do { _ = try await perform(ProtooRequest(id: 0, method: method, data: data)) } catch {
            logger.debug(
                "what a client told was refused",
                metadata: ["method": "\(method)", "error": "\(refusal(error, of: method).reason)"])
        }
    }

    /// A client that refuses, or says nothing for half a minute, keeps its consumer, paused: that is all that happens.
    private func accept(_ response: ProtooResponse) async {
        guard let object = exchange.receive(response, now: now) else { return }
        switch response.outcome {
        case .success:
            guard case .consumer(let consumer) = object, let score = await room.accept(consumer, by: seat),
                dialect != .modern
            else { return }
            notify("consumerScore", PeerJSON.score(score, of: consumer))
        case .failure(let refusal): note(object, "refused: \(refusal.reason)")
        }
    }

    private func note(_ object: PeerObject, _ what: String) {
        switch object {
        case .consumer(let id): logger.debug("a client \(what)", metadata: ["consumer": "\(id)"])
        case .dataConsumer(let id): logger.debug("a client \(what)", metadata: ["dataConsumer": "\(id)"])
        }
    }

    private func refusal(_ error: any Error, of method: String) -> ProtooRefusal {
        switch error {
        case let refusal as ProtooRefusal: return refusal
        case let error as ControlError: return ProtooRefusal(error.message)
        case let error as MediaCoreError: return ProtooRefusal(error.message)
        case let error as ORTCError: return ProtooRefusal(error.message)
        default:
            logger.error("a request failed", metadata: ["method": "\(method)", "error": "\(error)"])
            return ProtooRefusal("internal error; the gateway's log says more")
        }
    }
}

/// The two ways in which mediasoup's demo speaks protoo.
enum Dialect: Sendable {
    /// Nothing has told yet; answered as `classic`, with the other one's members added where that is possible.
    case unknown
    /// October 2024.
    case classic
    /// From 2025 on.
    case modern
}
