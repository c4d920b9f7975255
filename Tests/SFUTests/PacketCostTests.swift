import Glibc
import TestSupport
import Testing

/// What `PacketCosts`, built beside the tests, counts with functions of its own in the place of malloc and swift_retain.
private struct Cost: CustomStringConvertible {
    let scene: String
    let load: String
    let written, allocations, frees, retains, releases: Int

    init?(_ line: Substring) {
        let fields = line.split(separator: "\t")
        let numbers = fields.dropFirst(2).compactMap { Int($0) }
        guard fields.count == 7, numbers.count == 5 else { return nil }
        (scene, load) = (String(fields[0]), String(fields[1]))
        (written, allocations, frees) = (numbers[0], numbers[1], numbers[2])
        (retains, releases) = (numbers[3], numbers[4])
    }

    var description: String {
        "\(scene), \(load): \(written) out, \(allocations) allocations, \(retains) retains, \(releases) releases"
    }

    static let program: String = {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &room, room.count)
        let tests = String(decoding: room.prefix(max(0, count)), as: UTF8.self)
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/PacketCosts"
    }()

    /// Of each scene: N packets, 2 N in longer bursts, 2 N in more turns.
    static func measure() async throws -> [String: [Cost]] {
        let result = try await onThread { try ExternalTool.run([program]) }
        try #require(result.status == 0, "PacketCosts ended with \(result.status): \(result.errors)")
        let costs = result.text.split(separator: "\n").compactMap { Cost($0) }
        return Dictionary(grouping: costs, by: \.scene)
    }

    /// Swift counts references where it can't see what is needed, which without optimisation is everywhere, and makes
    /// existentials and closures on the heap there.
    static var isOptimized: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }
}

@Suite struct PacketCostTests {
    @Test(.enabled(if: Cost.isOptimized, "counts mean nothing without optimisation: `swift test -c release`"))
    func `release builds: twice the packets, and not one allocation, retain or release more`() async throws {
        let scenes = try await Cost.measure()
        #expect(
            Set(scenes.keys) == [
                "plain", "transport-wide", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "simulcast", "linked",
            ])
        for (name, costs) in scenes {
            try #require(costs.count == 3, "\(name)")
            let once = costs[0]
            #expect(once.written > 4000, "\(once)")
            for twice in costs.dropFirst() {
                // Reports go out besides.
                #expect(abs(twice.written - 2 * once.written) < 32, "\(once); \(twice)")
                #expect(twice.allocations == once.allocations && twice.frees == once.frees, "\(once); \(twice)")
                let more = max(twice.retains - once.retains, twice.releases - once.releases)
                // A pipe within the process is looked at once for all that a turn brings: a look retains, a packet doesn't.
                if name == "linked", twice.load.contains("turns") { continue }
                // … and each lap of the log, some 400 packets of this size.
                #expect(more <= (name == "linked" ? 5 : 0), "\(once); \(twice)")
            }
        }
    }
}
