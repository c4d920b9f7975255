import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// Pipelines that start and are killed, again and again: nothing may stay.
    @Suite(.serialized) struct `Start and kill` {
        /// `make soak` sets 1,000; here a number that takes seconds.
        static let cycles = ProcessInfo.processInfo.environment["LADLE_SOAK_CYCLES"].flatMap { Int($0) } ?? 200
        /// As many at once; each is in another state at any moment.
        static let atOnce = 8

        /// How a pipeline's life is cut short.
        enum End: CaseIterable { case kill, delete, deleteAndKill, stopAsking }

        @Test func `pipelines killed at any moment leave no process, no descriptor and no port`() async throws {
            let daemon = try await Daemon(["--rtp-ports", "46000-46999"])
            // One whole life first: what a gateway opens once, it has then.
            try await cycle(daemon, room: "soak-0", end: .delete, milliseconds: 1500)
            try await eventually("the end of the first pipeline") {
                try Holdings(of: daemon.processID).children.isEmpty ? true : nil
            }
            try await allClosed(daemon)
            let before = try Holdings(of: daemon.processID)

            let seed = UInt64(Self.cycles)
            var generator = SeededGenerator(seed: seed)
            let plan = (0..<Self.cycles).map { number in
                (
                    room: "soak-\(number + 1)", end: End.allCases[Int.random(in: 0..<4, using: &generator)],
                    // Up to well behind the first packet, which takes a tenth of a second alone.
                    milliseconds: Int.random(in: 0...900, using: &generator)
                )
            }
            let begin = ContinuousClock.now
            for batch in stride(from: 0, to: plan.count, by: Self.atOnce) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for step in plan[batch..<min(batch + Self.atOnce, plan.count)] {
                        group.addTask {
                            try await cycle(daemon, room: step.room, end: step.end, milliseconds: step.milliseconds)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            print("figure: \(Self.cycles) cycles of a pipeline in \(ContinuousClock.now - begin)")

            try await allClosed(daemon)
            let after = try await eventually("what was held before, seed \(seed):\n\(before)") {
                let now = try Holdings(of: daemon.processID)
                return now.children.isEmpty && now.descriptors <= before.descriptors && now.ports == before.ports
                    ? now : nil
            }
            #expect(after.children == [], "no zombie and no orphan")
            #expect(after.ports == before.ports)
            // The next one works.
            try await cycle(daemon, room: "soak-after", end: .delete, milliseconds: 2000)
            try await daemon.event("media.flowing", room: "soak-after")
            try await daemon.stop()
        }

        private func cycle(_ daemon: Daemon, room: String, end: End, milliseconds: Int) async throws {
            let made = try await daemon.call(
                "POST", "/api/v1/ingests",
                json: ["room": JSONValue(room), "source": "test", "parameters": ["width": 160, "height": 90]])
            let id = try #require(made.json["id"]?.stringValue, "\(made.status) \(made.text)")
            try await Task.sleep(for: .milliseconds(milliseconds))
            switch end {
            case .delete: try await daemon.call("DELETE", "/api/v1/ingests/\(id)")
            case .kill: try await killProcess(of: id, room, daemon)
            case .deleteAndKill:
                async let deletion = daemon.call("DELETE", "/api/v1/ingests/\(id)")
                try await killProcess(of: id, room, daemon)
                _ = try await deletion
            case .stopAsking:
                // Frozen, so that it can't end in order: the deletion has to kill it in the end.
                try await killProcess(of: id, room, daemon, with: SIGSTOP)
                async let deletion = daemon.call("DELETE", "/api/v1/ingests/\(id)")
                try await Task.sleep(for: .milliseconds(100))
                try await killProcess(of: id, room, daemon, with: SIGKILL)
                _ = try await deletion
            }
        }

        /// Told apart by the event that names both; a process that isn't there yet is waited for.
        private func killProcess(
            of id: String, _ room: String, _ daemon: Daemon, with signal: Int32 = SIGKILL
        ) async throws {
            let process: Int64? = try await eventually("the process of \(id)") {
                let events = try await daemon.events(room: room).filter { $0["pipelineId"]?.stringValue == id }
                if let pid = events.first(where: { $0["type"] == "pipeline.starting" })?["pid"]?.integerValue {
                    return .some(pid)
                }
                let isOver = events.contains { ["pipeline.failed", "pipeline.finished"].contains($0["type"]) }
                return isOver ? .some(nil) : nil
            }
            // Only a child that is still the daemon's: the number may be somebody else's by now.
            guard let process, try Holdings.children(of: daemon.processID).contains(pid_t(process)) else { return }
            kill(pid_t(process), signal)
        }

        private func allClosed(_ daemon: Daemon) async throws {
            try await eventually("rooms without transports") {
                let rooms = try await daemon.call("GET", "/api/v1/rooms").json["rooms"]?.arrayValue ?? []
                return rooms.allSatisfy { $0["transports"]?.arrayValue?.isEmpty == true } ? true : nil
            }
        }
    }
}

/// What a process holds at a moment.
struct Holdings: CustomStringConvertible {
    /// Processes below it, zombies included.
    var children: [pid_t]
    /// How many are open. Left out: TCP, since connections of the test's own come and go, and the few timers that
    /// Dispatch keeps while a room waits for its end.
    var descriptors: Int
    /// Local UDP ports.
    var ports: [UInt16]

    var description: String { "\(children.count) children, \(descriptors) descriptors, UDP ports \(ports)" }

    init(of process: pid_t) throws {
        children = try Self.children(of: process)
        let folder = "/proc/\(process)/fd"
        let (datagrams, streams) = (try Self.sockets("udp", process), try Self.sockets("tcp", process))
        let links = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        ports = links.compactMap { datagrams[$0] }.sorted()
        descriptors = links.filter { streams[$0] == nil && $0 != "anon_inode:[timerfd]" }.count
    }

    /// Local ports by the socket's name under /proc/PID/fd.
    private static func sockets(_ kind: String, _ process: pid_t) throws -> [String: UInt16] {
        var ports: [String: UInt16] = [:]
        for table in [kind, kind + "6"] {
            let text = try String(contentsOfFile: "/proc/\(process)/net/\(table)", encoding: .utf8)
            for line in text.split(separator: "\n").dropFirst() {
                let words = line.split(separator: " ")
                guard words.count > 9 else { continue }
                ports["socket:[\(words[9])]"] = UInt16(words[1].suffix(4), radix: 16)
            }
        }
        return ports
    }

    static func children(of process: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task").flatMap { task in
            let text = try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)
            return text?.split(separator: " ").compactMap { pid_t($0) } ?? []
        }
    }
}
