import Dispatch
import Glibc

/// Ctrl-C, SIGTERM and the closing of the terminal as a stream: the first one asks for an end in order, a second one
/// ends at once.
struct Interrupts: ~Copyable {
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
            // Whoever started it with nohup wants it to go on without the terminal.
            var present = sigaction()
            sigaction(number, nil, &present)
            let isIgnored = unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
            guard number != SIGHUP || !isIgnored else { return nil }
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            // Only this source's serial handler touches the count.
            nonisolated(unsafe) var seen = 0
            source.setEventHandler {
                seen += 1
                if seen > 1 { _exit(128 + number) }
                continuation.yield(number)
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}
