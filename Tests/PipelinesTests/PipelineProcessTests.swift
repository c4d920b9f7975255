import Glibc
import Logging
import PipelineControl
import Pipelines
import Testing

@Suite(.timeLimit(.minutes(2)))
struct `A pipeline process` {
    @Test func `that answers climbs through its states to the end`() async throws {
        let process = try await ScriptedChild.start(
            """
            hear && say "$opened"
            hear && say '{"type":"ready"}'
            hear && say '{"type":"running"}' && say "{\\"type\\":\\"progress\\",$progress}"
            hear && say "{\\"type\\":\\"finished\\",$progress}"
            """)
        #expect(await process.state == .building)
        try await process.send(ScriptedChild.job)
        var states: [PipelineState] = []
        for await report in process.reports {
            states.append(await process.state)
            switch report {
            case .opened: try await process.send(.send([]))
            case .ready: try await process.send(.play)
            case .progress: await process.stop()
            default: break
            }
        }
        #expect(states == states.sorted())
        #expect(states.last.map { $0 >= .draining } == true)
        #expect(await process.end == .finished(PipelineProgress(seconds: 1, tracks: [])))
        #expect(await process.state == .finished)
    }

    @Test func `that fails says why`() async throws {
        let process = try await ScriptedChild.start(
            "hear; say '{\"type\":\"failed\",\"code\":\"cannot-open\",\"message\":\"a.mp4 is no media file\"}'; exit 1")
        try await process.send(ScriptedChild.job)
        let failure = PipelineFailure(code: .cannotOpen, message: "a.mp4 is no media file")
        #expect(await process.end == .failed(failure))
        #expect(await process.state == .failed)
    }

    @Test(arguments: [
        ("exit 3", "the pipeline process exited with code 3 without a word"),
        ("exit 0", "the pipeline process exited with code 0 without a word"),
        ("kill -SEGV $$", "the pipeline process was ended by SIGSEGV without a word"),
        ("kill -KILL $$", "the pipeline process was ended by SIGKILL without a word"),
    ])
    func `that ends without a word has crashed`(script: String, message: String) async throws {
        let process = try await ScriptedChild.start(script)
        #expect(await process.end == .failed(PipelineFailure(code: .crashed, message: message)))
    }

    @Test func `that never answers is ended`() async throws {
        let process = try await ScriptedChild.start("hear; while :; do sleep 1000; done") {
            $0.firstAnswer = .milliseconds(50)
        }
        try await process.send(ScriptedChild.job)
        #expect(await process.end.failure?.code == .hung)
        #expect(await process.end.failure?.message.contains("did not answer its job within 0.05 s") == true)
        #expect(!exists(process.processID))
    }

    @Test func `that ignores TERM is killed with all it started`() async throws {
        // The grandchild says its pid on the log before the job is answered.
        let keeper = LogKeeper()
        let process = try await ScriptedChild.start(
            "trap '' TERM; sleep 1000 & echo $!; hear; say \"$opened\"; hear; while :; do sleep 1000; done",
            logger: Logger(label: "test") { _ in keeper }
        ) {
            $0.ready = .milliseconds(50)
            $0.terminate = .milliseconds(50)
        }
        try await process.send(ScriptedChild.job)
        for await report in process.reports {
            if case .opened = report { try await process.send(.send([])) }
        }
        #expect(await process.end.failure?.code == .hung)
        let grandchild = try #require(keeper.messages.compactMap { Int32($0) }.first)
        try await eventually { !exists(grandchild) }
    }

    @Test func `that falls silent while it runs is ended`() async throws {
        let process = try await ScriptedChild.start(
            """
            hear; say "$opened"; hear; say '{"type":"ready"}'; hear; say '{"type":"running"}'
            while :; do sleep 1000; done
            """
        ) { $0.word = .milliseconds(50) }
        try await process.send(ScriptedChild.job)
        for await report in process.reports {
            if case .opened = report { try await process.send(.send([])) }
            if case .ready = report { try await process.send(.play) }
        }
        #expect(await process.end.failure?.message.contains("said nothing within 0.05 s") == true)
    }

    @Test func `that does not finish in time has its input closed and may still say its last word`() async throws {
        let process = try await ScriptedChild.start(
            "hear; say \"$opened\"; hear; hear || say \"{\\\"type\\\":\\\"finished\\\",$progress}\""
        ) { $0.finish = .milliseconds(50) }
        try await process.send(ScriptedChild.job)
        for await report in process.reports {
            if case .opened = report { await process.stop() }
        }
        #expect(await process.end == .finished(PipelineProgress(seconds: 1, tracks: [])))
    }

    @Test func `that ignores every plea to finish is killed`() async throws {
        let process = try await ScriptedChild.start("trap '' TERM; hear; say \"$opened\"; while :; do sleep 1000; done")
        {
            $0.finish = .milliseconds(50)
            $0.exit = .milliseconds(50)
            $0.terminate = .milliseconds(50)
        }
        try await process.send(ScriptedChild.job)
        for await report in process.reports {
            if case .opened = report { await process.stop() }
        }
        #expect(await process.end.failure?.message.contains("did not finish within 0.05 s") == true)
        #expect(!exists(process.processID))
    }

    @Test(arguments: [
        "say 'hello'", "say '{\"type\":\"fly\"}'", "say '{\"type\":\"running\"}'", "say \"$opened\"; say \"$opened\"",
        "say '{\"type\":\"listening\",\"value\":1}'", "exec 3>&0; head -c 1100000 /dev/zero | tr '\\0' x >&3",
    ])
    func `that says what nobody understands is ended`(script: String) async throws {
        let process = try await ScriptedChild.start("hear; \(script); while :; do sleep 1000; done")
        try await process.send(ScriptedChild.job)
        #expect(await process.end.failure?.code == .protocolError)
    }

    @Test func `that says more than anybody reads loses progress only`() async throws {
        let process = try await ScriptedChild.start(
            """
            hear; say "$opened"; hear; say '{"type":"ready"}'
            i=0; while [ $i -lt 500 ]; do say "{\\"type\\":\\"progress\\",$progress}"; i=$((i+1)); done
            say "{\\"type\\":\\"finished\\",$progress}"
            """)
        try await process.send(ScriptedChild.job)
        var seen = 0
        for await report in process.reports {
            if case .opened = report {
                try await process.send(.send([]))
                _ = await process.end
            }
            seen += 1
        }
        #expect(seen < 100)
        #expect(await process.end.failure == nil)
    }

    @Test func `that floods its log is heard all the same`() async throws {
        let keeper = LogKeeper()
        let process = try await ScriptedChild.start(
            """
            i=0; while [ $i -lt 20000 ]; do echo "line $i" >&2; i=$((i+1)); done; printf 'last words' >&2
            hear; say "{\\"type\\":\\"finished\\",$progress}"
            """, logger: Logger(label: "test") { _ in keeper })
        try await process.send(ScriptedChild.job)
        #expect(await process.end.failure == nil)
        let lines = keeper.lines.withLock { $0 }
        #expect(lines.contains { $0.message == "line 0" && $0.pipeline == "test" })
        #expect(lines.contains { $0.message.hasSuffix("more lines left out)") })
        #expect(lines.count < 10_000)
    }

    @Test func `that dies before it hears a command is told by its end`() async throws {
        let keeper = LogKeeper()
        let process = try await ScriptedChild.start(
            "hear; say \"$opened\"; exec 0<&-; echo closed; sleep 0.2; exit 7",
            logger: Logger(label: "test") { _ in keeper })
        try await process.send(ScriptedChild.job)
        for await report in process.reports {
            guard case .opened = report else { continue }
            try await eventually { keeper.messages.contains("closed") }
            await #expect(throws: PipelineFailure.self) { try await process.send(.send([])) }
        }
        #expect(
            await process.end.failure?.message == "the pipeline process exited with code 7 without a word")
    }

    @Test func `that can't be started is an error`() async {
        await #expect(throws: PipelinesError.self) {
            try await PipelineProcess.start(
                id: "x", kind: .ingest, settings: PipelineSettings(executable: "/no/such/program"),
                logger: ScriptedChild.silence)
        }
    }

    @Test func `inherits nothing but its three descriptors and leads a group of its own`() async throws {
        // Left open in every child but for the shim's care.
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let keeper = LogKeeper()
        let process = try await ScriptedChild.start(
            "ls /proc/$$/fd; cut -d' ' -f5 /proc/$$/stat; echo $$", logger: Logger(label: "test") { _ in keeper })
        _ = await process.end
        let numbers = keeper.messages.compactMap { Int32($0) }
        #expect(numbers == [0, 1, 2, process.processID, process.processID])
    }

    @Test func `two hundred lives leave no zombie and no descriptor`() async throws {
        let warmUp = try await ScriptedChild.start("hear")
        await warmUp.kill()
        _ = await warmUp.end
        let before = openDescriptors()
        for round in 0..<50 {
            try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let process = try await ScriptedChild.start("hear; say \"$opened\"; hear")
                        if round % 2 == 0 {
                            try await process.send(ScriptedChild.job)
                            for await report in process.reports {
                                if case .opened = report { await process.kill() }
                            }
                        } else {
                            await process.kill()
                        }
                        #expect(await process.end.failure?.code == .crashed)
                        return process.processID
                    }
                }
                for try await id in group { #expect(!exists(id)) }
            }
        }
        // Other tests of this process open and close descriptors meanwhile; ours would stay.
        try await eventually { openDescriptors() <= before }
    }
}

private func exists(_ id: Int32) -> Bool { kill(id, 0) == 0 }

private func openDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}

/// Looks again and again; only a time limit ends it.
private func eventually(_ condition: @Sendable () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(5)) }
}
