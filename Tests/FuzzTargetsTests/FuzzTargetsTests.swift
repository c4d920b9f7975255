import Foundation
import FuzzTargets
import TestSupport
import Testing

@Test(arguments: FuzzTarget.allCases)
func `the seeds of a target pass, cut at any length too`(target: FuzzTarget) async throws {
    let seeds = try target.seeds(from: Vectors.bytes)
    #expect(!seeds.isEmpty)
    await alone(target) {
        for seed in seeds {
            target.run(seed.span.bytes)
            let step = max(1, seed.count / 200)
            for length in stride(from: 0, to: seed.count, by: step) {
                target.run(Array(seed.prefix(length)).span.bytes)
            }
        }
    }
}

/// SCTP's clock is one for the process.
private func alone(_ target: FuzzTarget, _ body: () -> Void) async {
    guard target == .sctp else { return body() }
    await Turn.sctp.take()
    body()
    await Turn.sctp.give()
}

/// What the fuzzer does, for a moment, without instrumentation: so that a target that traps at once is seen here.
@Test(arguments: FuzzTarget.allCases)
func `changed seeds pass`(target: FuzzTarget) async throws {
    let seeds = try target.seeds(from: Vectors.bytes)
    let first = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: first)
    // A trap ends the process: said before, or nobody could repeat it.
    print("\(target.rawValue): seed \(first)")
    await alone(target) {
        for _ in 0..<300 {
            var bytes = seeds.randomElement(using: &random) ?? []
            guard !bytes.isEmpty else { continue }
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<min(bytes.count, 256), using: &random)
                let values = [0, 0xFF, UInt8.random(in: 0 ... .max, using: &random)]
                bytes[place] = values.randomElement(using: &random) ?? 0
            }
            target.run(bytes.span.bytes)
        }
    }
}

@Test func `what the fuzzer once found passes`() async throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/FailCases")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where !name.hasPrefix(".") {
        if name == "README.md" { continue }
        let target = try #require(FuzzTarget(rawValue: name), "FailCases/\(name) is no target's folder")
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path) {
            print("\(name)/\(file)")
            let bytes = [UInt8](try Data(contentsOf: folder.appending(path: "\(name)/\(file)")))
            await alone(target) { target.run(bytes.span.bytes) }
        }
    }
}
