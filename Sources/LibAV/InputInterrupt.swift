import CLibAV
import Glibc
import Synchronization

/// Ends calls of libav that wait for a network: at a deadline, or when somebody says stop.
///
/// `stop` may come from any thread; deadlines are set by the thread that reads, before each call that can wait.
public final class InputInterrupt: Sendable {
    private let stopped = Atomic(false)
    /// Of `CLOCK_MONOTONIC`, in nanoseconds.
    private let deadline = Atomic(Int64.max)
    private let closing = Atomic(false)

    public init() {}

    /// Ends the call under way within about 100 ms, and every later one at once.
    public func stop() { stopped.store(true, ordering: .relaxed) }

    public var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// The last call took longer than it was allowed to.
    public var isOverdue: Bool { Self.now >= deadline.load(ordering: .relaxed) }

    /// - Parameter time: for what comes next; nil: as long as it takes.
    func allow(_ time: Duration?) {
        guard let time else { return deadline.store(.max, ordering: .relaxed) }
        let (seconds, attoseconds) = time.components
        deadline.store(Self.now + seconds * 1_000_000_000 + attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    /// To say goodbye to a server is allowed after a stop too, for a moment.
    func withClosing(_ body: () -> Void) {
        allow(.milliseconds(300))
        closing.store(true, ordering: .relaxed)
        body()
        closing.store(false, ordering: .relaxed)
        allow(nil)
    }

    /// What libav asks while it waits. The object outlives every context that holds this: `Input` keeps both.
    var callback: AVIOInterruptCB {
        AVIOInterruptCB(
            callback: { opaque in
                guard let opaque else { return 0 }
                return Unmanaged<InputInterrupt>.fromOpaque(opaque).takeUnretainedValue().mustEnd ? 1 : 0
            }, opaque: Unmanaged.passUnretained(self).toOpaque())
    }

    private var mustEnd: Bool {
        if isStopped, !closing.load(ordering: .relaxed) { return true }
        return isOverdue
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
