import Glibc

/// A value behind a lock, for a few lines at a time.
///
/// A pthread mutex and not `Synchronization.Mutex`: the thread sanitizer does not see through the latter's futex on
/// Linux and reports races where there are none.
public final class Locked<Value>: @unchecked Sendable {
    // Unchecked, since the compiler doesn't know mutexes: `value` is reached in `withLock` only, one thread at a time.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    public init(_ value: sending Value) {
        self.value = value
        // On the heap: a mutex must not move.
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Not to be entered again from inside.
    public func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
