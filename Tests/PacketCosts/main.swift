// Counts what forwarding costs in memory and reference counts: a program of its own, since it brings functions of its own in
// the place of malloc, swift_retain and their kin. `PacketCostTests` starts it.
//
//     PacketCosts [SCENE …]      one line for each scene and load, fields separated by tabs:
//                                scene, load, packets out, allocations, frees, retains, releases
import CInterposer
import SFU

/// How N packets of each stream become 2 N in the same time.
enum Load: String, CaseIterable {
    /// The same turns with one packet in each.
    case once = "N"
    /// Two in each turn.
    case longerBursts = "2N in bursts of 2"
    /// Twice as many turns, of half the length.
    case moreTurns = "2N in twice the turns"

    var burst: Int { self == .longerBursts ? 2 : 1 }
    var turns: Int { self == .moreTurns ? 2 : 1 }
}

/// Turns of `Load.once` that are counted. A millisecond each, so that all rows have the same timers and reports.
let turns = 1000

func count(_ kind: Scene.Kind, _ load: Load) throws -> String {
    let scene = try Scene(kind)
    let step = Duration.milliseconds(1) / load.turns
    // Six seconds, so that all that grows has grown.
    try scene.run(turns: 6000 * load.turns, burst: load.burst, step: step)
    let written = scene.written
    var (before, after) = (ladle_interposed(), ladle_interposed())
    ladle_interposed_counts(&before)
    try scene.run(turns: turns * load.turns, burst: load.burst, step: step)
    ladle_interposed_counts(&after)
    let figures = [
        UInt64(scene.written - written), after.allocations - before.allocations, after.frees - before.frees,
        after.retains - before.retains, after.releases - before.releases,
    ]
    return ([kind.rawValue, load.rawValue] + figures.map { "\($0)" }).joined(separator: "\t")
}

let chosen = CommandLine.arguments.dropFirst()
for kind in Scene.Kind.allCases where chosen.isEmpty || chosen.contains(kind.rawValue) {
    for load in Load.allCases { print(try count(kind, load)) }
}
