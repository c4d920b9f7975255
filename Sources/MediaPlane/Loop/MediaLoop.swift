import Base
import CLinux
import Glibc
import MediaCore
import Synchronization

/// A thread that waits for sockets and is, at once, the executor of one actor.
///
/// The actor's jobs run on this thread between two turns, so packets and commands never meet: no lock and no command
/// queue of our own stand between control and media. A turn enters the actor with `assumeIsolated` and stays
/// synchronous down to the system call.
///
/// The thread keeps the loop alive until `stop()`; who makes a loop stops it.
public final class MediaLoop: SerialExecutor {
    /// What one turn does with the sockets that have something to read; returns until when the loop may wait.
    public typealias Turn = @Sendable (_ now: Instant, _ ready: ReadySockets) -> LoopWait

    /// At most this many jobs between two turns: at some 10 µs a command, packets wait 0.3 ms for them.
    private static let jobsPerTurn = 32
    /// At most this many sockets a turn; epoll hands out the others first next time.
    private static let socketsPerTurn = 64
    private static let wakeupToken = UInt32.max
    private static let alarmToken = UInt32.max - 1

    private enum Phase {
        /// The loop's own thread takes the jobs.
        case running
        /// Told to stop; ends when no job is left.
        case stopping
        /// No thread is left.
        case ended
        /// A job came after the end, and a thread of its own runs it.
        case sweeping
    }

    private struct State {
        var phase = Phase.running
        var jobs: [UnownedJob] = []
        /// When the first of `jobs` came, and of those that the thread has taken and not all run; nil: there is none.
        var jobsSince: Instant?
        var takenSince: Instant?
        var turn: Turn?
        var waitingForEnd: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    /// The thread whose code is isolated to the actor; 0: none.
    private let owner = Atomic<UInt>(0)
    private let name: String
    private let epoll: Int32
    private let wakeup: Int32
    private let timerLag = LagMeter()
    private let commandLag = LagMeter()

    private init(name: String, epoll: Int32, wakeup: Int32) {
        self.name = name
        self.epoll = epoll
        self.wakeup = wakeup
    }

    deinit {
        close(wakeup)
        close(epoll)
    }

    /// Starts the thread. It runs jobs at once, and turns from `drive` on.
    /// - Parameter name: Of the thread, for `ps` and `perf`; 15 bytes at most are kept.
    public static func start(name: String) throws(MediaCoreError) -> MediaLoop {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system("cannot make an epoll", errno) }
        let wakeup = ladle_eventfd()
        guard wakeup >= 0 else {
            let cause = errno
            close(epoll)
            throw .system("cannot make an eventfd", cause)
        }
        let loop = MediaLoop(name: name, epoll: epoll, wakeup: wakeup)
        // Edge-triggered: each write is one event, and nobody has to read the counter back.
        let watched = loop.watch(wakeup, token: wakeupToken, events: EPOLLIN.rawValue | EPOLLET.rawValue)
        guard watched == 0 else { throw .system("cannot watch the eventfd", watched) }
        let cause = startThread { loop.run() }
        guard cause == 0 else { throw .system("cannot start the thread \(name)", cause) }
        return loop
    }

    /// Gives the loop its turn. Once.
    public func drive(_ turn: @escaping Turn) {
        state.withLock { $0.turn = turn }
        wake()
    }

    /// Reports the socket as ready, with this token, whenever it has something to read. Returns 0 or an errno.
    public func watch(_ descriptor: Int32, token: UInt32) -> Int32 {
        watch(descriptor, token: token, events: EPOLLIN.rawValue)
    }

    /// Reports a watched socket also when it can be written to, or no longer.
    public func rewatch(_ descriptor: Int32, token: UInt32, forRoom isForRoom: Bool) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (isForRoom ? EPOLLOUT.rawValue : 0)
        event.data.u32 = token
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// To be called before the descriptor is closed: a child process that is just being started may hold a copy of it,
    /// and epoll would go on reporting that one.
    public func unwatch(_ descriptor: Int32) {
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
    }

    /// Ends the thread after the jobs that wait now. Jobs that come later run all the same, on a thread of their own.
    public func stop() {
        state.withLock { if $0.phase == .running { $0.phase = .stopping } }
        wake()
    }

    /// Returns when the thread has done its last turn; `stop` causes it.
    public func ended() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                switch state.phase {
                case .ended, .sweeping: return true
                case .running, .stopping:
                    state.waitingForEnd.append(continuation)
                    return false
                }
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// How late the loop was; told at once, also by a loop that is stuck.
    public var lag: LoopLag {
        let now = Instant(nanoseconds: ladle_monotonic_ns())
        let oldest = state.withLock { $0.takenSince ?? $0.jobsSince }
        let waiting = oldest.map { now - $0 } ?? .zero
        return LoopLag(timers: timerLag.worst(now: now), commands: max(commandLag.worst(now: now), waiting))
    }

    private func watch(_ descriptor: Int32, token: UInt32, events: UInt32) -> Int32 {
        var event = epoll_event()
        event.events = events
        event.data.u32 = token
        return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno
    }

    /// Makes a turn soon, from any thread.
    public func nudge() { wake() }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }
}

// MARK: - The executor

extension MediaLoop {
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let (isFirst, isLate) = state.withLock { state in
            if state.jobs.isEmpty { state.jobsSince = Instant(nanoseconds: ladle_monotonic_ns()) }
            state.jobs.append(job)
            let isLate = state.phase == .ended
            if isLate { state.phase = .sweeping }
            return (state.jobs.count == 1, isLate)
        }
        if isLate {
            // A caller that has not heard of the end would hang for ever, were its job dropped.
            if MediaLoop.startThread({ self.sweep() }) != 0 { sweep() }
        } else if isFirst, !isCurrentThread {
            wake()
        }
    }

    /// `assumeIsolated` asks here; without an answer it traps in release builds.
    public func isIsolatingCurrentContext() -> Bool? { isCurrentThread }

    public func checkIsolated() { precondition(isCurrentThread, "not on the thread of \(name)") }

    private var isCurrentThread: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func run(_ jobs: ArraySlice<UnownedJob>) {
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    /// Runs what came after the end.
    private func sweep() {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        while true {
            let jobs = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                state.jobsSince = nil
                if jobs.isEmpty {
                    owner.store(0, ordering: .relaxed)
                    state.phase = .ended
                }
                return jobs
            }
            if jobs.isEmpty { return }
            run(jobs[...])
        }
    }
}

// MARK: - The thread

extension MediaLoop {
    /// Starts a detached thread. Returns 0 or an errno.
    private static func startThread(_ body: @escaping @Sendable () -> Void) -> Int32 {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = Unmanaged.passRetained(Box(body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        if failure == 0 { pthread_detach(thread) } else { box.release() }
        return failure
    }

    private func run() {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        ladle_name_thread(name)
        // 1 µs instead of 50: the coalescing window is 1 ms, and the nap must not double it.
        ladle_timer_slack_ns(1000)
        turns()
        let waiting = state.withLock { state in
            let waiting = state.waitingForEnd
            state.waitingForEnd = []
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Until the end. What it has is given back when it returns.
    private func turns() {
        let capacity = Self.socketsPerTurn
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
        let tokens = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        defer {
            events.deallocate()
            tokens.deallocate()
        }
        var alarm = LoopAlarm(watchedBy: {
            watch($0, token: Self.alarmToken, events: EPOLLIN.rawValue | EPOLLET.rawValue)
        })
        var turn: Turn?
        var wait = LoopWait.forEver
        var jobs: ArraySlice<UnownedJob> = []
        var since: Instant?

        while true {
            var isOver = false
            state.withLock { state in
                if turn == nil, state.turn != nil {
                    turn = state.turn
                    // The wake-up for it may have been used up a moment before it was seen here.
                    wait = .until(Instant(nanoseconds: 0))
                }
                if jobs.isEmpty {
                    jobs = state.jobs[...]
                    state.jobs = []
                    since = state.jobsSince
                    (state.takenSince, state.jobsSince) = (since, nil)
                }
                if jobs.isEmpty, state.phase == .stopping {
                    isOver = true
                    state.phase = .ended
                    owner.store(0, ordering: .relaxed)
                    state.turn = nil
                }
            }
            if isOver { break }
            let someRan = !jobs.isEmpty
            if someRan, let since {
                // Of those behind the first it is the most that they can have waited.
                let now = Instant(nanoseconds: ladle_monotonic_ns())
                commandLag.record(now - since, now: now)
            }
            run(jobs.prefix(Self.jobsPerTurn))
            jobs = jobs.dropFirst(Self.jobsPerTurn)

            if !someRan, case .nap(let deadline) = wait { ladle_sleep_until_ns(deadline.nanoseconds) }
            // A job may have given the turn something to do at once.
            let timeout = someRan ? 0 : timeout(of: wait, &alarm)
            let count = Int(max(0, ladle_epoll_wait(epoll, events, Int32(capacity), timeout)))
            var ready = 0
            for index in 0..<count {
                switch events[index].data.u32 {
                case Self.wakeupToken: break
                case Self.alarmToken: alarm?.wentOff()
                case let token:
                    tokens[ready] = token
                    ready += 1
                }
            }
            guard let turn else { continue }
            let sockets = ReadySockets(tokens: UnsafeBufferPointer(start: tokens, count: ready))
            let now = Instant(nanoseconds: ladle_monotonic_ns())
            if let due = wait.deadline, due < now {
                timerLag.record(nanoseconds: now.nanoseconds - due.nanoseconds, now: now)
            }
            wait = turn(now, sockets)
        }
    }

    private func timeout(of wait: LoopWait, _ alarm: inout LoopAlarm?) -> Int64 {
        let now = Instant(nanoseconds: ladle_monotonic_ns())
        if case .until(let deadline) = wait, deadline != .distantFuture,
            alarm?.isSet(for: deadline, now: now) == true
        {
            return -1
        }
        return wait.timeout(from: now.nanoseconds)
    }
}
