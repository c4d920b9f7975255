import Base
import CLinux
import Glibc
import Logging
import PipelineControl
import PipelineDescription

/// One `ladle-pipeline` process: its commands, its reports, its log lines and its end.
///
/// It ends in exactly one way, soon: every silence has a deadline, after which the process group is ended by force.
/// The zombie is reaped and all descriptors are closed by then.
public actor PipelineProcess {
    public nonisolated let id: String
    public nonisolated let processID: Int32
    /// What the process says, in order; ends with the process. One reader. Progress that nobody reads is dropped, and
    /// so is word of an interruption.
    public nonisolated let reports: AsyncStream<PipelineReport>

    private let child: ChildProcess
    private let thread: ProcessThread
    private let deadlines: PipelineDeadlines
    private let clock: any Clock<Duration>
    private let logger: Logger
    /// Whose secrets appear in nothing that it says.
    private let hidden: SourceAddress?
    private let toReader: AsyncStream<PipelineReport>.Continuation
    private var conversation: PipelineConversation
    /// What we say about it when it says nothing itself.
    private var verdict: PipelineFailure?
    private var exit: ProcessExit?
    private var concluded: PipelineEnd?
    private var waiters: [CheckedContinuation<PipelineEnd, Never>] = []
    private var force = Force.none
    private var watchdog: Task<Void, Never>?
    private var inputIsOpen = true

    /// How hard we have pressed for an end; only climbs.
    private enum Force: Int { case none, asked, inputClosed, terminated, killed, givenUp }

    /// Starts a process.
    /// - Parameters:
    ///   - id: Names it in log lines.
    ///   - hiding: Its secrets are replaced in every log line and report, whatever the process does itself.
    public static func start(
        id: String, kind: PipelineKind, settings: PipelineSettings, hiding: SourceAddress? = nil,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) async throws(PipelinesError) -> PipelineProcess {
        let thread = try ProcessThread.shared.get()
        let environment = settings.environment
        let child = try await thread.run {
            ChildProcess.spawn(path: settings.executable, arguments: settings.arguments, environment: environment)
        }.get()
        let process = PipelineProcess(
            id: id, kind: kind, child: child, thread: thread, deadlines: settings.deadlines, hiding: hiding,
            clock: clock, logger: logger)
        Task { await process.live() }
        return process
    }

    private init(
        id: String, kind: PipelineKind, child: ChildProcess, thread: ProcessThread, deadlines: PipelineDeadlines,
        hiding: SourceAddress?, clock: any Clock<Duration>, logger: Logger
    ) {
        hidden = hiding
        self.id = id
        self.child = child
        self.thread = thread
        self.deadlines = deadlines
        self.clock = clock
        self.conversation = PipelineConversation(kind: kind)
        processID = child.id
        var logger = logger
        logger[metadataKey: "pipeline"] = "\(id)"
        self.logger = logger
        // 64: more than a whole conversation has besides progress.
        (reports, toReader) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
    }

    // MARK: What others ask

    public var state: PipelineState { conversation.state }

    /// Sends a command. The descriptor rides along and stays the caller's own.
    public func send(_ command: PipelineCommand, descriptor: Int32? = nil) throws(PipelineFailure) {
        guard concluded == nil, exit == nil, inputIsOpen else {
            throw verdict ?? PipelineFailure(code: .crashed, message: "the pipeline process is gone")
        }
        guard conversation.sent(command) else {
            throw PipelineFailure(
                code: .protocolError, message: "no such command while the pipeline is \(state.rawValue)")
        }
        do {
            try write(command, descriptor: descriptor)
        } catch {
            unheard(error)
            throw error
        }
        watch()
    }

    /// Asks the process to end in order, and sees to it that it ends. Returns at once; `end` tells how it went.
    public func stop() {
        guard concluded == nil, force == .none else { return }
        force = .asked
        guard conversation.sent(.finish) else { return }
        do {
            try write(.finish, descriptor: nil)
            watch()
        } catch {
            unheard(error)
        }
    }

    /// How it ended; waits until it has.
    public var end: PipelineEnd {
        get async {
            if let concluded { return concluded }
            return await withCheckedContinuation { waiters.append($0) }
        }
    }

    // MARK: Its life

    private func live() async {
        logger.debug("pipeline process started", metadata: ["pid": "\(child.id)"])
        async let reportsEnded: Void = readReports()
        async let logEnded: Void = readLog()
        await waitForExit()
        _ = await (reportsEnded, logEnded)
        child.reap()
        close(child.control)
        close(child.log)
        close(child.pidfd)
        conclude()
    }

    private func waitForExit() async {
        while exit == nil {
            exit = child.peek()
            if exit == nil { await thread.readable(child.pidfd) }
        }
        // What it started and left behind would keep its output open.
        child.signal(SIGKILL)
        thread.forget(child.control)
        thread.forget(child.log)
    }

    private func readReports() async {
        var lines = LineBuffer()
        while let bytes = await read(child.control) {
            do {
                for line in try lines.append(bytes) {
                    let report = try PipelineReport(line: line)
                    receive(hidden.map(report.cleaned(of:)) ?? report)
                }
            } catch {
                let why = hidden?.cleaned("\(error)") ?? "\(error)"
                condemn(
                    PipelineFailure(
                        code: .protocolError, message: "the pipeline process said what can't be read: \(why)"))
                return
            }
        }
        // It closed its side and lives on: the rest is silence.
        if exit == nil, conversation.end == nil { watch(for: .exit) }
    }

    private func readLog() async {
        var lines = LogLines()
        while let bytes = await read(child.log) {
            for line in lines.append(bytes, now: .monotonic) { log(line) }
        }
        for line in lines.end(now: .monotonic) { log(line) }
    }

    private func log(_ line: String) {
        let line = hidden?.cleaned(line) ?? line
        logger.info("\(line)")
    }

    /// The next bytes; nil at the end, or when the process is gone and everything was read.
    private func read(_ descriptor: Int32) async -> [UInt8]? {
        while true {
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                let result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                count = max(result, 0)
                failure = result < 0 ? errno : 0
            }
            if !bytes.isEmpty { return bytes }
            guard failure == EAGAIN || failure == EINTR, exit == nil else { return nil }
            await thread.readable(descriptor)
        }
    }

    private func receive(_ report: PipelineReport) {
        guard verdict?.code != .protocolError else { return }
        let before = conversation.debt
        do {
            try conversation.received(report)
        } catch {
            condemn(error)
            return
        }
        if conversation.debt != before || conversation.debt == .word { watch() }
        if case .dropped(let lost) = toReader.yield(report) {
            // Said again within seconds.
            switch lost {
            case .progress, .interrupted: return
            default: break
            }
            condemn(PipelineFailure(code: .protocolError, message: "the pipeline process says more than anybody reads"))
        }
    }

    private func conclude() {
        guard concluded == nil else { return }
        watchdog?.cancel()
        let end = conversation.close(with: fallback())
        concluded = end
        toReader.finish()
        for waiter in waiters { waiter.resume(returning: end) }
        waiters = []
        logger.debug("pipeline process ended", metadata: ["exit": "\(exit.map(\.description) ?? "unknown")"])
    }

    private func fallback() -> PipelineFailure {
        if let verdict { return verdict }
        let how = exit.map(\.description) ?? "is gone"
        return PipelineFailure(code: .crashed, message: "the pipeline process \(how) without a word")
    }

    // MARK: Deadlines and force

    /// Starts the deadline of what it owes now.
    private func watch() { watch(for: conversation.debt) }

    private func watch(for debt: PipelineConversation.Debt?) {
        guard force.rawValue < Force.inputClosed.rawValue else { return }
        guard let debt else {
            watchdog?.cancel()
            return
        }
        let allowed = deadlines.allowed(for: debt)
        after(allowed) { process in await process.silence(of: debt, for: allowed) }
    }

    private func silence(of debt: PipelineConversation.Debt, for time: Duration) {
        guard concluded == nil, exit == nil else { return }
        let what =
            switch debt {
            case .firstAnswer: "did not answer its job"
            case .ready: "did not get ready"
            case .running: "did not begin to run"
            case .word: "said nothing"
            case .finished: "did not finish"
            case .exit: "did not end"
            }
        let failure = PipelineFailure(
            code: .hung, message: "the pipeline process \(what) within \(time.seconds) s and was ended")
        if debt == .finished {
            verdict = verdict ?? failure
            closeInput()
        } else {
            condemn(failure)
        }
    }

    /// The end of its input means stop, also to a process that missed the line.
    private func closeInput() {
        guard force.rawValue < Force.inputClosed.rawValue else { return }
        force = .inputClosed
        inputIsOpen = false
        shutdown(child.control, Int32(SHUT_WR))
        after(deadlines.exit) { await $0.terminate() }
    }

    /// Says what went wrong, for want of its own word, and ends it by force.
    private func condemn(_ failure: PipelineFailure) {
        guard concluded == nil else { return }
        verdict = verdict ?? failure
        logger.warning("\(failure.message)", metadata: ["code": "\(failure.code.rawValue)"])
        terminate()
    }

    /// A command did not reach it. One that closed its end is about to end, and how it ends says more than this.
    private func unheard(_ failure: PipelineFailure) {
        if failure.code == .crashed { watch(for: .exit) } else { condemn(failure) }
    }

    private func terminate() {
        guard exit == nil, force.rawValue < Force.terminated.rawValue else { return }
        force = .terminated
        child.signal(SIGTERM)
        after(deadlines.terminate) { await $0.kill() }
    }

    /// Ends the process group at once.
    public func kill() {
        guard concluded == nil, exit == nil, force.rawValue < Force.killed.rawValue else { return }
        force = .killed
        child.signal(SIGKILL)
        after(deadlines.kill) { await $0.giveUp() }
    }

    /// Says the end without the process's. `live` goes on waiting, and reaps it should the kernel ever let go.
    private func giveUp() {
        guard concluded == nil, exit == nil else { return }
        force = .givenUp
        verdict = PipelineFailure(
            code: .hung, message: "the pipeline process can't be killed: it waits in the kernel, for a disk perhaps")
        conclude()
    }

    private func after(_ time: Duration, _ step: @escaping @Sendable (PipelineProcess) async -> Void) {
        watchdog?.cancel()
        watchdog = Task { [clock] in
            do { try await clock.sleep(for: time) } catch { return }
            if !Task.isCancelled { await step(self) }
        }
    }

    // MARK: Writing

    private func write(_ command: PipelineCommand, descriptor: Int32?) throws(PipelineFailure) {
        let line: [UInt8]
        do {
            line = try command.line + [UInt8(ascii: "\n")]
        } catch {
            throw PipelineFailure(code: .protocolError, message: "a command can't be written as JSON: \(error)")
        }
        var sent = 0
        while sent < line.count {
            let result = line[sent...].withUnsafeBytes { rest in
                ladle_send_line(child.control, rest.baseAddress, rest.count, sent == 0 ? descriptor ?? -1 : -1)
            }
            guard result > 0 else {
                let code: PipelineFailure.Code = result == -Int64(EAGAIN) ? .hung : .crashed
                throw PipelineFailure(
                    code: code, message: "the pipeline process takes no commands: \(systemText(Int32(-result)))")
            }
            sent += Int(result)
        }
    }
}

extension Instant {
    fileprivate static var monotonic: Instant {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Instant(nanoseconds: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
    }
}
