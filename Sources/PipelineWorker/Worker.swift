import Base
import CLinux
import Glibc
import LibAV
import PipelineControl

/// What one pipeline does, driven by the loop of the main thread.
protocol PipelineMachine: AnyObject {
    /// Sockets that shall wake the loop.
    var descriptors: [Int32] { get }
    /// When `turn` wants to be called even if nothing comes.
    var deadline: Instant { get }
    /// A command after the first one.
    func receive(_ command: PipelineCommand) throws(PipelineFailure)
    /// End in order; `turn` tells when that is done.
    func finish()
    /// Does what is due.
    /// - Returns: the last account when everything is over.
    func turn(now: Instant) throws(PipelineFailure) -> PipelineProgress?
    /// The failure is about to be told: leave sockets and file as good as they can be.
    func abandon()
}

/// One pipeline, from the first command to the last report.
public enum Worker {
    /// The longest that the end of a file may take: a daemon that is stopped has 10 s for all of its own.
    static let patienceAtEnd = Duration.seconds(5)

    /// Runs as a process of its own: standard input is the control channel, and the parent's end is ours.
    /// - Returns: the exit code.
    public static func runAsProcess() -> Int32 {
        let parent = getppid()
        ladle_worker_die_with_parent()
        // A parent that ended before the line above will send no signal any more.
        guard getppid() == parent else { return 1 }
        // The daemon says when to stop. A terminal or a service manager tells the whole group, and files shall be
        // finalised all the same; should the daemon die, the kernel kills us.
        for signal in [SIGINT, SIGTERM, SIGPIPE] { Glibc.signal(signal, SIG_IGN) }
        // Sources are reached as their address says, not by what somebody once exported for a browser.
        for name in ["http_proxy", "https_proxy", "all_proxy"] { unsetenv(name) }
        LibAVLog.clean(by: Discretion.clean)
        LibAVLog.toStandardError(
            getenv("LADLE_PIPELINE_LOG").map { String(cString: $0) } == "debug" ? .everything : .warnings)
        return run(control: 0)
    }

    /// Runs one pipeline over a Unix stream socket, which stays the caller's.
    /// - Returns: 0 after a good end, 1 after `failed`.
    public static func run(control: Int32) -> Int32 {
        let channel = ControlChannel(descriptor: control)
        do throws(PipelineFailure) {
            guard let waiter = Waiter() else {
                throw PipelineFailure(code: .media, message: "no pipe for waking: \(String(cString: strerror(errno)))")
            }
            guard let machine = try firstCommand(channel, waiter) else { return 0 }
            do throws(PipelineFailure) {
                try drive(machine, channel, waiter)
                return 0
            } catch {
                machine.abandon()
                throw error
            }
        } catch {
            channel.send(.failed(Discretion.clean(error)))
            return 1
        }
    }

    /// Waits for the first command; nil when the channel ended before one came.
    private static func firstCommand(
        _ channel: ControlChannel, _ waiter: Waiter
    ) throws(PipelineFailure) -> (any PipelineMachine)? {
        var machine: (any PipelineMachine)?
        while machine == nil {
            _ = waiter.wait(for: [channel.descriptor], until: .distantFuture)
            for event in channel.receive() {
                switch event {
                case .command(.ingest(let job), let descriptor) where machine == nil:
                    machine = try Ingest(job, descriptor: descriptor, channel: channel, waiter: waiter)
                case .command(.record(let job), let descriptor) where machine == nil:
                    machine = try Record(job, descriptor: descriptor, channel: channel, waiter: waiter)
                case .command(.finish, _) where machine == nil:
                    channel.send(.finished(PipelineProgress(seconds: 0, tracks: [])))
                    return nil
                case .command(.check(let plan), _) where machine == nil:
                    channel.send(.checked(PlanCheck.complaints(about: plan)))
                    return nil
                case .end where machine == nil: return nil
                default: try pass(event, to: machine)
                }
            }
        }
        return machine
    }

    private static func pass(
        _ event: ControlChannel.Event, to machine: (any PipelineMachine)?
    ) throws(PipelineFailure) {
        switch event {
        case .command(.finish, _), .end:
            machine?.finish()
        case .command(let command, let descriptor):
            if let descriptor { close(descriptor) }
            guard let machine else {
                throw PipelineFailure(
                    code: .protocolError, message: "\(command.name) came before ingest or record")
            }
            try machine.receive(command)
        case .unreadable(let why):
            throw PipelineFailure(code: .protocolError, message: "a line of the control channel is \(why)")
        }
    }

    private static func drive(
        _ machine: any PipelineMachine, _ channel: ControlChannel, _ waiter: Waiter
    ) throws(PipelineFailure) {
        var isListening = true
        while true {
            if let progress = try machine.turn(now: MonotonicClock.now) {
                channel.send(.finished(progress))
                return
            }
            if channel.isBroken { machine.finish() }
            let descriptors = (isListening ? [channel.descriptor] : []) + machine.descriptors
            guard waiter.wait(for: descriptors, until: machine.deadline).contains(channel.descriptor) else { continue }
            for event in channel.receive() {
                if case .end = event { isListening = false }
                try pass(event, to: machine)
            }
        }
    }
}

extension PipelineCommand {
    /// The word of the control channel.
    var name: String {
        switch self {
        case .ingest: "ingest"
        case .record: "record"
        case .send: "send"
        case .play: "play"
        case .receive: "receive"
        case .endTrack: "endTrack"
        case .finish: "finish"
        case .check: "check"
        }
    }
}
