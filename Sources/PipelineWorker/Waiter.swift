import Base
import CLinux
import Glibc

/// Lets one thread wait for descriptors, for a moment in time and for a nudge of another thread.
///
/// `nudge` may be called from any thread: it writes to a pipe that never blocks. Everything else belongs to one.
final class Waiter: @unchecked Sendable {
    private let reading: Int32
    private let writing: Int32

    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        (reading, writing) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(reading)
        close(writing)
    }

    func nudge() {
        var byte: UInt8 = 1
        // A full pipe is nudge enough.
        _ = write(writing, &byte, 1)
    }

    /// Waits until something can be read, the deadline is over, or a nudge came.
    /// - Returns: which descriptors can be read (or are broken, which reading will tell).
    func wait(for descriptors: [Int32], until deadline: Instant) -> Set<Int32> {
        var polled = (descriptors + [reading]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let left = deadline == .distantFuture ? 3_600_000_000_000 : (deadline - MonotonicClock.now).nanoseconds
        guard ladle_worker_wait(&polled, UInt32(polled.count), left) > 0 else { return [] }
        if polled.last?.revents != 0 {
            var drained = [UInt8](repeating: 0, count: 256)
            while read(reading, &drained, drained.count) > 0 {}
        }
        return Set(polled.dropLast().filter { $0.revents != 0 }.map(\.fd))
    }
}

/// Runs `body` on a thread of its own that nobody joins.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(name, body))
    let failure = pthread_create(
        &thread, nil,
        { opaque in
            guard let opaque else { return nil }
            let box = Unmanaged<Box>.fromOpaque(opaque).takeRetainedValue()
            ladle_name_thread(box.name)
            box.body()
            return nil
        }, box.toOpaque())
    if failure == 0 {
        pthread_detach(thread)
    } else {
        box.release()
    }
}
