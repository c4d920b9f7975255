import Base
import CLinux
import Glibc

/// The one thread that starts every pipeline process and waits for what their descriptors bring.
///
/// It lives as long as the daemon, and must: the kernel's parent-death signal fires when the *thread* that
/// started a child ends (prctl(2)), and the threads of Swift's pool come and go.
final class ProcessThread: Sendable {
    private struct Waiting {
        var readers: [Int32: CheckedContinuation<Void, Never>] = [:]
        var jobs: [@Sendable () -> Void] = []
    }

    private let epoll: Int32
    private let wake: Int32
    private let waiting = Locked(Waiting())

    /// Made at the first use; a failure (no descriptors left) is final.
    static let shared = Result { () throws(PipelinesError) in try ProcessThread() }

    private init() throws(PipelinesError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: wake))
        guard epoll >= 0, wake >= 0, epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0 else {
            throw PipelinesError(.failed, "can't watch processes: \(systemText(errno))", errno: errno)
        }
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<ProcessThread>.fromOpaque(raw).takeRetainedValue().loop()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard started == 0 else {
            throw PipelinesError(.failed, "can't start a thread: \(systemText(started))", errno: started)
        }
        pthread_detach(thread)
    }

    /// Runs a short piece of work on this thread.
    func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            waiting.withLock { $0.jobs.append { continuation.resume(returning: work()) } }
            eventfd_write(wake, 1)
        }
    }

    /// Returns when the descriptor can be read or has ended, or after `forget`. At times without a reason:
    /// the caller reads without blocking and comes back. One waiter a descriptor.
    ///
    /// Stays on the caller's actor until it waits, so that the caller's last look and the wait are one step.
    func readable(_ descriptor: Int32, isolation: isolated (any Actor)? = #isolation) async {
        await withCheckedContinuation(isolation: isolation) { continuation in
            let refused = waiting.withLock { waiting in
                var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: descriptor))
                guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else { return true }
                waiting.readers[descriptor] = continuation
                return false
            }
            // The read that follows says what is wrong with it.
            if refused { continuation.resume() }
        }
    }

    /// Ends the wait for a descriptor; to be called before it is closed.
    func forget(_ descriptor: Int32) { take(descriptor)?.resume() }

    private func take(_ descriptor: Int32) -> CheckedContinuation<Void, Never>? {
        waiting.withLock { waiting in
            guard let reader = waiting.readers.removeValue(forKey: descriptor) else { return nil }
            epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
            return reader
        }
    }

    private func loop() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(epoll, &events, Int32(events.count), -1)
            for event in events.prefix(Int(max(count, 0))) {
                if event.data.fd == wake {
                    var ignored: eventfd_t = 0
                    eventfd_read(wake, &ignored)
                } else {
                    take(event.data.fd)?.resume()
                }
            }
            let jobs = waiting.withLock { waiting in
                defer { waiting.jobs.removeAll() }
                return waiting.jobs
            }
            for job in jobs { job() }
        }
    }
}
