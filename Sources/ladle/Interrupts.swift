import Dispatch
import Glibc

/// Ctrl-C and SIGTERM as a stream: the first one asks for an end in order, a second one ends at once.
struct Interrupts: ~Copyable {
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        sources = [SIGINT, SIGTERM].map { number in
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
