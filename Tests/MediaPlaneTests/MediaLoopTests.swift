import Base
import CLinux
import Glibc
import MediaCore
import MediaPlane
import Testing

/// Sends every datagram back, and counts.
private actor Echo {
    nonisolated let loop: MediaLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let socket: UDPSocket
    private var batch = ReceiveBatch()
    private(set) var echoed = 0
    private var threads: Set<pthread_t> = []
    nonisolated let port: UInt16

    init(loop: MediaLoop) throws {
        self.loop = loop
        let socket = try UDPSocket.bind(to: #require(SocketAddress("127.0.0.1", port: 0)))
        port = socket.local.port
        self.socket = socket
    }

    func listen() { #expect(loop.watch(socket.descriptor, token: 7) == 0) }

    func turn(_ ready: ReadySockets) {
        threads.insert(pthread_self())
        for index in 0..<ready.count {
            #expect(ready[index] == 7)
            let count = batch.receive(from: socket.descriptor)
            for index in 0..<max(0, count) {
                let message = batch.message(index)
                for index in 0..<message.datagramCount {
                    let datagram = message.datagram(index)
                    withUnsafePointer(to: message.source.storage) { storage in
                        storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            _ = sendto(
                                socket.descriptor, datagram.baseAddress, datagram.count, 0, $0, message.source.length)
                        }
                    }
                    echoed += 1
                }
            }
        }
    }

    /// How many threads ran jobs or turns.
    func threadCount() -> Int {
        threads.insert(pthread_self())
        return threads.count
    }
}

private func makeEcho(_ name: String) async throws -> Echo {
    let echo = try Echo(loop: .start(name: name))
    await echo.listen()
    echo.loop.drive { _, ready in
        echo.assumeIsolated { $0.turn(ready) }
        return .forEver
    }
    return echo
}

@Suite struct MediaLoopTests {
    @Test func `datagrams are read and answered on the loop's own thread, and jobs run there too`() async throws {
        let echo = try await makeEcho("echo-a")
        let client = try TestSocket()
        for number in 0..<200 {
            let text = [UInt8](repeating: UInt8(number), count: number)
            client.send(text, to: echo.port)
            let answer = try #require(client.receive())
            #expect(answer.bytes == text)
            #expect(answer.from == echo.port)
        }
        #expect(await echo.echoed == 200)
        #expect(await echo.threadCount() == 1)
        echo.loop.stop()
        await echo.loop.ended()
    }

    @Test func `commands complete while packets pour in, and packets while commands do`() async throws {
        let echo = try await makeEcho("echo-b")
        let sender = try TestSocket()
        let isDone = Locked(false)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !isDone.value {
                    for _ in 0..<64 { sender.send([1, 2, 3], to: echo.port) }
                    await Task.yield()
                }
            }
            group.addTask {
                for _ in 0..<1_000 { _ = await echo.echoed }
                let before = await echo.echoed
                #expect(await eventually { await echo.echoed > before })
                isDone.value = true
            }
        }
        echo.loop.stop()
        await echo.loop.ended()
    }

    @Test func `jobs that come after the end still run, one at a time`() async throws {
        let echo = try await makeEcho("echo-c")
        echo.loop.stop()
        await echo.loop.ended()
        let counts = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<200 { group.addTask { await echo.threadCount() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.count == 200)
    }

    @Test func `stopping ends the thread and closes what it had`() async throws {
        // In a process of its own: the other tests open and close descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            for _ in 0..<20 {
                let echo = try await makeEcho("echo-d")
                _ = await echo.echoed
                echo.loop.stop()
                await echo.loop.ended()
            }
            #expect(await eventually { threads(named: "echo-d") == 0 })
            // Swift's own runtime opens three some time; each loop left behind would be two.
            #expect(await eventually { openDescriptors() <= before + 3 })
        }
    }

    @Test func `deadlines that come nearer or move away are met, without many turns between`() async throws {
        struct Script {
            /// Milliseconds to the deadline, and whether something comes at once, so that the next one counts instead.
            let steps = [
                (3_600_000, true), (20, false), (15, true), (50, false), (30, true), (12, false), (5, false),
                (40, false),
            ]
            var next = 0
            var due: Instant?
            var isInterrupted = false
            var (met, turns) = (0, 0)
        }
        let loop = try MediaLoop.start(name: "echo-f")
        let script = Locked(Script())
        loop.drive { now, _ in
            script.withLock { script in
                script.turns += 1
                if let due = script.due, !script.isInterrupted {
                    guard now >= due else { return .until(due) }
                    script.met += 1
                }
                guard script.next < script.steps.count else { return .forEver }
                let (delay, isInterrupted) = script.steps[script.next]
                let due = now + .milliseconds(delay)
                (script.next, script.due, script.isInterrupted) = (script.next + 1, due, isInterrupted)
                if isInterrupted { loop.nudge() }
                return .until(due)
            }
        }
        #expect(await eventually { script.value.met == 5 })
        // A turn for each, and one for each time that a deadline moved away from the one that was set.
        #expect(script.value.turns <= 16)
        loop.stop()
        await loop.ended()
    }

    @Test func `a wait has an end, and a nap holds nobody for ever`() async throws {
        let loop = try MediaLoop.start(name: "echo-e")
        let turns = Locked(0)
        loop.drive { now, _ in
            switch turns.add(1) {
            case 1...10: .until(now + .microseconds(200))
            case 11...20: .nap(until: now + .microseconds(200))
            default: .forEver
            }
        }
        #expect(await eventually { turns.value >= 21 })
        loop.stop()
        await loop.ended()
    }
}
