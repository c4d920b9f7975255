import Base
import Gateway
import Glibc
import Logging
import ScriptedCore
import TestSupport
import Testing

@Suite struct `The service manager` {
    @Test(arguments: [false, true])
    func `is told over a socket with a file or an abstract one`(_ isAbstract: Bool) throws {
        let socket = try NotifySocket(isAbstract: isAbstract)
        let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name]))
        #expect(notifier.send(["READY=1", "STATUS=fine"]))
        #expect(socket.waiting == ["READY=1\nSTATUS=fine"])
    }

    @Test(arguments: ["", "relative", "@", "/" + String(repeating: "x", count: 200)])
    func `that names no socket is told nothing`(_ name: String) {
        #expect(ServiceNotifier(socketName: name) == nil)
    }

    @Test func `that is gone does no harm`() throws {
        let notifier = try #require(ServiceNotifier(socketName: "/nowhere/notify"))
        #expect(!notifier.send(["READY=1"]))
        #expect(ServiceNotifier(environment: [:]) == nil)
    }

    @Test func `asks this process for signs of life, or another one`() {
        #expect(WatchdogInterval.read(["WATCHDOG_USEC": "3000000"], processID: 7) == .seconds(3))
        #expect(WatchdogInterval.read(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"], processID: 7) == .seconds(3))
        #expect(WatchdogInterval.read(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"], processID: 7) == nil)
        #expect(WatchdogInterval.read(["WATCHDOG_USEC": "0"], processID: 7) == nil)
        #expect(WatchdogInterval.read([:], processID: 7) == nil)
    }

    @Test func `hears READY, signs of life and news, and STOPPING`() async throws {
        let world = try World()
        await world.reports.ready()
        #expect(world.socket.waiting == ["READY=1\nMAINPID=\(getpid())\nSTATUS=serving, 0 rooms"])
        try await world.running {
            await world.clock.sleepers(1)
            #expect(world.socket.waiting == ["WATCHDOG=1"])
            world.rooms.withLock { $0 = 1 }
            // A third of the interval each time; people are told every 10 s at most.
            for _ in 0..<9 {
                world.clock.advance(by: .seconds(1))
                await world.clock.sleepers(1)
            }
            #expect(world.socket.waiting == Array(repeating: "WATCHDOG=1", count: 9))
            world.clock.advance(by: .seconds(1))
            await world.clock.sleepers(1)
            #expect(world.socket.waiting == ["STATUS=serving, 1 rooms", "WATCHDOG=1"])
            for _ in 0..<10 {
                world.clock.advance(by: .seconds(1))
                await world.clock.sleepers(1)
            }
            // Nothing new: nothing is said.
            #expect(world.socket.waiting == Array(repeating: "WATCHDOG=1", count: 10))
        }
        world.reports.stopping()
        #expect(world.socket.waiting == ["STOPPING=1\nSTATUS=finishing ingests and recordings"])
    }

    @Test func `hears no sign of life while a media loop hangs`() async throws {
        let world = try World()
        await world.reports.ready()
        _ = world.socket.waiting
        try await world.running {
            await world.clock.sleepers(1)
            #expect(world.socket.waiting == ["WATCHDOG=1"])
            world.isHanging.withLock { $0 = true }
            for _ in 0..<5 {
                world.clock.advance(by: .seconds(1))
                await world.clock.sleepers(1)
            }
            #expect(world.socket.waiting == [])
            world.isHanging.withLock { $0 = false }
            world.clock.advance(by: .seconds(1))
            await world.clock.sleepers(1)
            #expect(world.socket.waiting == ["WATCHDOG=1"])
        }
    }

    /// Reports to a socket of the test, with a clock and loops that the test moves.
    private struct World {
        let socket: NotifySocket
        let clock = ManualClock()
        let isHanging = Locked(false)
        let rooms = Locked(0)
        let reports: ServiceReports

        init() throws {
            socket = try NotifySocket()
            let notifier = try #require(ServiceNotifier(socketName: socket.name))
            reports = ServiceReports(
                notifier: notifier, watchdog: .seconds(3),
                answers: { [isHanging] _ in !isHanging.withLock { $0 } },
                status: { [rooms] in "serving, \(rooms.withLock { $0 }) rooms" }, clock: clock,
                logger: Logger(label: "test"))
        }

        func running(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [reports] in try await reports.run() }
                try await body()
                group.cancelAll()
            }
        }
    }
}
