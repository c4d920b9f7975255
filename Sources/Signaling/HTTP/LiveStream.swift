import Base
import Hummingbird
import ServiceLifecycle

/// A body that is written as things happen, and ends with its source, with the client's leaving, or with the gateway.
///
/// Pieces are pulled: the next one is made when the last has been written, so a slow client costs one piece of memory.
struct LiveStream: Sendable {
    /// Gives the next piece; nil at the end. Called from one task.
    let source: AsyncStream<String>
    /// Written when nothing has happened for a while, so that both sides notice a dead connection. Nil: nothing.
    let heartbeat: String?
    /// Called before the first piece; not for a HEAD, or when the client has left before.
    let onBegin: @Sendable () async -> Void
    /// Called once after `onBegin`, however it ends.
    let onEnd: @Sendable () async -> Void

    /// 15 s: proxies give up on silence after 30 to 60.
    static let heartbeatInterval = Duration.seconds(15)

    /// How long a source may say nothing when the gateway stops; it ends by itself then, as events and pipelines have. 2 s: a
    /// busy machine needs them to pass on what is there. One without end keeps the gateway for `stopPatience`.
    private static let lastWords = Duration.seconds(2)

    init(
        _ source: AsyncStream<String>, heartbeat: String? = nil, onBegin: @escaping @Sendable () async -> Void = {},
        onEnd: @escaping @Sendable () async -> Void = {}
    ) {
        (self.source, self.heartbeat, self.onBegin, self.onEnd) = (source, heartbeat, onBegin, onEnd)
    }

    /// One server-sent event (WHATWG HTML §9.2). JSON texts of ours have no line breaks.
    static func serverSentEvent(id: String? = nil, name: String, data: JSONValue) -> String {
        "\(id.map { "id: \($0)\n" } ?? "")event: \(name)\ndata: \(data.text)\n\n"
    }

    /// A comment, which clients skip.
    static let serverSentHeartbeat = ":\n\n"

    func body(for request: Request) -> ResponseBody {
        ResponseBody { writer in
            let outlet = Outlet()
            await onBegin()
            do {
                try await withTaskCancellationHandler {
                    try await request.body.consumeWithInboundCloseHandler { _ in
                        try await withGracefulShutdownHandler {
                            try await pump(through: outlet, to: &writer)
                        } onGracefulShutdown: {
                            outlet.close(after: Self.lastWords)
                        }
                    } onInboundClosed: {
                        outlet.abandon()
                    }
                } onCancel: {
                    outlet.abandon()
                }
            } catch {
                await onEnd()
                throw error
            }
            await onEnd()
            try await writer.finish(nil)
        }
    }

    private func pump(through outlet: Outlet, to writer: inout any ResponseBodyWriter) async throws {
        // The head goes out with the first piece; an event stream that has nothing to say yet must begin all the same.
        if let heartbeat { try await writer.write(ByteBuffer(string: heartbeat)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await piece in source { guard await outlet.put(piece) else { return } }
                outlet.close()
            }
            if let heartbeat {
                group.addTask {
                    repeat { try await Task.sleep(for: Self.heartbeatInterval) } while await outlet.put(heartbeat)
                }
            }
            defer {
                // Also after a failed write: whoever waits for a piece to be taken must not wait for ever.
                outlet.abandon()
                group.cancelAll()
            }
            while let piece = await outlet.take() { try await writer.write(ByteBuffer(string: piece)) }
        }
    }
}

/// A place for one piece between those who make it and the one who writes it.
private final class Outlet: Sendable {
    private struct State {
        var pieces: [(text: String, taken: CheckedContinuation<Bool, Never>)] = []
        var taker: CheckedContinuation<String?, Never>?
        var isClosed = false
        /// Pieces so far.
        var count = 0
    }

    private let state = Locked(State())

    /// Returns when the piece has been taken; false when nobody takes any more.
    func put(_ text: String) async -> Bool {
        await withCheckedContinuation { continuation in
            enum Step {
                case give(CheckedContinuation<String?, Never>)
                case refuse
                case wait
            }
            let step: Step = state.withLock { state in
                if state.isClosed { return .refuse }
                state.count += 1
                if let taker = state.taker {
                    state.taker = nil
                    return .give(taker)
                }
                state.pieces.append((text, continuation))
                return .wait
            }
            switch step {
            case .give(let taker):
                taker.resume(returning: text)
                continuation.resume(returning: true)
            case .refuse: continuation.resume(returning: false)
            case .wait: break
            }
        }
    }

    /// The next piece; nil when closed.
    func take() async -> String? {
        await withCheckedContinuation { continuation in
            enum Step {
                case piece(String, CheckedContinuation<Bool, Never>)
                case end
                case wait
            }
            let step: Step = state.withLock { state in
                if !state.pieces.isEmpty {
                    let (text, taken) = state.pieces.removeFirst()
                    return .piece(text, taken)
                }
                if state.isClosed { return .end }
                state.taker = continuation
                return .wait
            }
            switch step {
            case .piece(let text, let taken):
                taken.resume(returning: true)
                continuation.resume(returning: text)
            case .end: continuation.resume(returning: nil)
            case .wait: break
            }
        }
    }

    /// Nothing more is taken, besides what is there already.
    func close() {
        let taker = state.withLock { state in
            state.isClosed = true
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
    }

    /// Closes when nothing new has come for so long.
    func close(after delay: Duration) {
        Task {
            var before = -1
            while case let count = state.withLock({ $0.count }), count != before {
                before = count
                try? await Task.sleep(for: delay)
            }
            close()
        }
    }

    /// Closes, and lets go of what is there: nobody will take it.
    func abandon() {
        close()
        let left = state.withLock { state in
            defer { state.pieces = [] }
            return state.pieces
        }
        for piece in left { piece.taken.resume(returning: false) }
    }
}
