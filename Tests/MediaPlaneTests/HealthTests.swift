import Base
import CLinux
import MediaCore
import MediaPlane
import Synchronization
import Testing

/// Sits on a loop until it is told to go.
actor Squatter {
    nonisolated let loop: MediaLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let isLetGo = Atomic(false)
    nonisolated let isSitting = Atomic(false)

    init(loop: MediaLoop) { self.loop = loop }

    func sit() {
        isSitting.store(true, ordering: .relaxed)
        while !isLetGo.load(ordering: .relaxed) { ladle_sleep_until_ns(ladle_monotonic_ns() + 1_000_000) }
    }
}

/// Blocks the loop while `body` runs.
func blocking(_ loop: MediaLoop, _ body: () async throws -> Void) async throws {
    let squatter = Squatter(loop: loop)
    async let sitting: Void = squatter.sit()
    #expect(await eventually { squatter.isSitting.load(ordering: .relaxed) })
    do { try await body() } catch {
        squatter.isLetGo.store(true, ordering: .relaxed)
        throw error
    }
    squatter.isLetGo.store(true, ordering: .relaxed)
    await sitting
}

@Suite struct HealthTests {
    private static let blink = Duration.milliseconds(20)

    @Test func `a loop that a job keeps busy does not answer, and does afterwards`() async throws {
        let loop = try MediaLoop.start(name: "health-a")
        let core = try EmbeddedCore(loop: loop)
        #expect(await core.answers(within: patience))
        try await blocking(loop) {
            // Many who ask leave nothing behind: one question at a time is under way.
            for _ in 0..<5 { #expect(await core.answers(within: Self.blink) == false) }
            #expect(await core.measurements(within: Self.blink) == [nil])
            #expect(await core.answers(within: .zero) == false)
        }
        #expect(await core.answers(within: patience))
        #expect(await core.measurements(within: patience).allSatisfy { $0 != nil })
        await core.shutDown()
        #expect(await core.answers(within: patience), "nothing is stuck in a core that has ended")
    }

    @Test func `who asked before the loop was free gets the answer when it is`() async throws {
        let loop = try MediaLoop.start(name: "health-b")
        let core = try EmbeddedCore(loop: loop)
        let answers = Locked(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await blocking(loop) {
                for _ in 0..<20 {
                    group.addTask { if await core.answers(within: patience) { _ = answers.add(1) } }
                }
                #expect(await core.answers(within: Self.blink) == false)
                #expect(answers.value == 0)
            }
            try await group.waitForAll()
        }
        #expect(answers.value == 20)
        await core.shutDown()
    }

    @Test func `the lag of a stuck loop shows while it is stuck, and stays to be seen`() async throws {
        let loop = try MediaLoop.start(name: "health-c")
        let core = try EmbeddedCore(loop: loop)
        let held = Duration.milliseconds(300)
        try await blocking(loop) {
            // The loop has taken the job, and another waits: both count.
            _ = await core.answers(within: Self.blink)
            let end = ladle_monotonic_ns() + held.nanoseconds
            #expect(await eventually { core.lag[0].commands >= held && ladle_monotonic_ns() > end })
        }
        #expect(await core.answers(within: patience))
        #expect(core.lag[0].commands >= held)
        await core.shutDown()
    }

    @Test func `a timer that a job held up counts as late`() async throws {
        let loop = try MediaLoop.start(name: "health-d")
        let turns = Locked(0)
        // Looked at in each turn: the meter forgets, and this test may be kept waiting for longer than that.
        let worst = Locked(Duration.zero)
        loop.drive { [unowned loop] now, _ in
            worst.withLock { $0 = max($0, loop.lag.timers) }
            _ = turns.add(1)
            return .until(now + .milliseconds(5))
        }
        #expect(await eventually { turns.value > 3 })
        let hold = Duration.milliseconds(200)
        try await blocking(loop) {
            let end = ladle_monotonic_ns() + hold.nanoseconds
            #expect(await eventually { ladle_monotonic_ns() > end })
        }
        let before = turns.value
        #expect(await eventually { turns.value > before + 1 })
        #expect(worst.value >= hold - .milliseconds(5))
        loop.stop()
        await loop.ended()
    }

    @Test func `the meter tells the worst of this window and the one before, and forgets`() {
        let meter = LagMeter()
        let window = LagMeter.window
        func moment(_ windows: Double) -> Instant { Instant(nanoseconds: 0) + window * 100 + window * windows }
        #expect(meter.worst(now: moment(0)) == .zero)
        meter.record(.milliseconds(7), now: moment(0.1))
        meter.record(.milliseconds(3), now: moment(0.9))
        #expect(meter.worst(now: moment(0.9)) == .milliseconds(7))
        meter.record(.milliseconds(1), now: moment(1.5))
        #expect(meter.worst(now: moment(1.9)) == .milliseconds(7))
        #expect(meter.worst(now: moment(2.1)) == .milliseconds(1), "read without anything having been recorded since")
        meter.record(.zero, now: moment(2.5))
        meter.record(.nanoseconds(-5), now: moment(2.6))
        #expect(meter.worst(now: moment(2.9)) == .milliseconds(1))
        #expect(meter.worst(now: moment(5)) == .zero)
        meter.record(.seconds(100_000), now: moment(6))
        #expect(meter.worst(now: moment(6)) == .microseconds(Int64(UInt32.max)), "more than it can hold")
    }
}

@Suite struct MeasurementTests {
    private func measured(_ core: EmbeddedCore) async throws -> WorkerMeasurements {
        try #require(await core.measurements(within: patience).compactMap { $0 }.first)
    }

    private func drops(_ core: EmbeddedCore, _ reason: String) async throws -> UInt64? {
        try await measured(core).receivedDrops.first { $0.reason == reason }?.count
    }

    @Test func `packets and bytes are counted both ways, singly sent ones too`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        _ = try await stage.consume(producer.id, on: outlet.id)
        let before = try await measured(stage.core).counters
        let packets = (0..<10).map { rtpPacket(ssrc: 1111, sequence: $0, payload: .init(repeating: 7, count: 88)) }
        for packet in packets {
            sender.send(packet, to: inlet.tuple.localPort)
            #expect(sink.receiveRTP()?.payload.count == 88)
        }
        let after = try await measured(stage.core).counters
        #expect(after.received - before.received == 10)
        #expect(after.receivedBytes - before.receivedBytes == 1000)
        // Sender reports leave as well.
        #expect(after.sent - before.sent >= 10)
        #expect(after.sentBytes - before.sentBytes >= 1000)
        let perPacket = Double(after.sentBytes - before.sentBytes) / Double(after.sent - before.sent)
        #expect((20...110).contains(perPacket), "\(after)")
        #expect(try await measured(stage.core).sockets == 2)
        await stage.core.shutDown()
    }

    @Test func `what was dropped and lost stays counted when its transport is gone`() async throws {
        let stage = try await Stage()
        let sender = try TestSocket()
        let inlet = try await stage.inlet()
        _ = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let port = inlet.tuple.localPort
        // Numbers 3 and 4 are missing.
        for number: UInt16 in [0, 1, 2, 5, 6, 6] {
            sender.send(rtpPacket(ssrc: 1111, sequence: number, payload: [1]), to: port)
        }
        sender.send(rtpPacket(ssrc: 2222, sequence: 0, payload: [1]), to: port)
        sender.send([1, 2, 3], to: port)
        #expect(await eventually { (try? await drops(stage.core, "unknown_kind")) == 1 })
        func check() async throws {
            #expect(try await drops(stage.core, "duplicate") == 1)
            #expect(try await drops(stage.core, "no_producer") == 1)
            #expect(try await drops(stage.core, "unknown_kind") == 1)
            #expect(try await drops(stage.core, "paused") == 0)
            // The duplicate makes up for one: RFC 3550 counts what came against what was expected.
            #expect(try await measured(stage.core).receivedLost == 1)
        }
        try await check()
        await stage.core.close(inlet.id)
        try await check()
        #expect(try await measured(stage.core).sentDrops.map(\.reason) == ["buffer_full", "system_error"])
        await stage.core.shutDown()
    }
}
