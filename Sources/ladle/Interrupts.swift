import Base
import Dispatch
import Glibc

/// Ctrl-C, SIGTERM and the closing of the terminal as a stream: the first one asks for an end in order, a second one
/// ends at once.
struct Interrupts: ~Copyable {
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    /// - Parameter hangupStops: False: the closing of the terminal is ignored.
    init(hangupStops: Bool = true) {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        // Of all three: a second signal of another kind is a second signal too.
        let seen = Locked(0)
        sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
            // Whoever started it with nohup wants it to go on without the terminal.
            var present = sigaction()
            sigaction(number, nil, &present)
            let isIgnored = unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
            guard number != SIGHUP || !isIgnored else { return nil }
            signal(number, SIG_IGN)
            guard number != SIGHUP || hangupStops else { return nil }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                let count = seen.withLock { count in
                    count += 1
                    return count
                }
                if count > 1 { _exit(128 + number) }
                continuation.yield(number)
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}
