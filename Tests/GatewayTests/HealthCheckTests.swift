import Base
import FoundationEssentials
import Gateway
import TestSupport
import Testing

@Suite struct HealthCheckTests {
    @Test func `nothing is in the way of a gateway that has what it needs`() async throws {
        let watched = try Watched()
        #expect(await watched.health().reasonsNotReady() == [])
        // The folder is made with the first recording.
        let later = try Watched(folder: watched.folder + "/not-made-yet")
        #expect(await later.health().reasonsNotReady() == [])
    }

    @Test func `a media loop that is stuck is a reason, and none when it goes on`() async throws {
        let watched = try Watched { $0.loopAnswer = .milliseconds(20) }
        let health = watched.health()
        try await watched.whileStuck {
            #expect(await health.reasonsNotReady() == ["the media loop does not answer within 0.02 s"])
        }
        for _ in 0..<1000 where await !health.reasonsNotReady().isEmpty { await Task.yield() }
        #expect(await health.reasonsNotReady() == [])
    }

    @Test func `ports that are used up are a reason`() async throws {
        let low = UInt16.random(in: 20_000...29_000)
        let watched = try Watched(ports: low...low + 2)
        #expect(await watched.health().reasonsNotReady() == [])
        try await watched.fill("r")
        #expect(
            await watched.health().reasonsNotReady() == [
                "only one UDP port of \(low)-\(low + 2) is free for another transport"
            ])
        let tight = try Watched(ports: low + 10...low + 11)
        try await tight.fill("r")
        #expect(
            await tight.health().reasonsNotReady() == [
                "no UDP port of \(low + 10)-\(low + 11) is free for another transport"
            ])
    }

    @Test func `a folder that can't be written to, and a disk without room, are reasons`() async throws {
        let missing = try Watched(folder: "/nowhere/at/all")
        #expect(
            await missing.health().reasonsNotReady() == [
                "the recordings folder /nowhere/at/all can't be written to: No such file or directory"
            ])
        // Not even root may write there.
        let unwritable = try Watched(folder: "/proc/self/recordings")
        let reasons = await unwritable.health().reasonsNotReady()
        #expect(reasons.count == 1)
        #expect(
            reasons.first?.hasPrefix("the recordings folder /proc/self/recordings can't be written to: ") == true
                || reasons.first?.hasPrefix("the disk of the recordings folder /proc/self/recordings") == true,
            "\(reasons)")
        let full = try Watched { $0.freeBytes = .max }
        let reason = try #require(await full.health().reasonsNotReady().first)
        #expect(reason.hasPrefix("the disk of the recordings folder \(full.folder) is nearly full: "))
        #expect(reason.hasSuffix(" MiB are free, at least \(UInt64.max >> 20) should be"))
    }

    @Test func `a program that is missing is a reason, and so is the end`() async throws {
        let watched = try Watched(program: "/nowhere/ladle-pipeline")
        let health = watched.health()
        let missing =
            "/nowhere/ladle-pipeline, which runs ingests and recordings, can't be started: No such file or directory"
        #expect(await health.reasonsNotReady() == [missing])
        health.shuttingDown()
        #expect(await health.reasonsNotReady() == ["the gateway is shutting down", missing])
    }

    @Test func `many who ask within a second cost one look`() async throws {
        let now = Locked(Instant(nanoseconds: 0))
        let looks = Locked(0)
        let remembered = Remembered(for: .seconds(1), now: { now.withLock { $0 } }) {
            await Task.yield()
            return looks.withLock { looks in
                looks += 1
                return looks
            }
        }
        let values = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { await remembered.value() } }
            return await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(values == [1])
        now.withLock { $0 = Instant(nanoseconds: 999_999_999) }
        #expect(await remembered.value() == 1)
        now.withLock { $0 = Instant(nanoseconds: 1_000_000_000) }
        #expect(await remembered.value() == 2)
    }
}
