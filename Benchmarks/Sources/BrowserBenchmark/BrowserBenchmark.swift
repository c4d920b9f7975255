import CBench
import Figures
import Foundation

/// What clients of WebRTC take: handshakes of DTLS, viewers on the shared port, memory.
///
///     BrowserBenchmark [--rounds 3] [--seconds 4] [--viewers 1000] [--date TEXT] [--json FILE] [--quick 1]
@main struct BrowserBenchmark {
    static func main() async throws {
        var options = Options(CommandLine.arguments.dropFirst())
        let isQuick = options.isQuick()
        let rounds = max(1, Int(options.number("rounds", 3)))
        let seconds = max(0.5, options.number("seconds", isQuick ? 1 : 4))
        let viewers = max(2, Int(options.number("viewers", isQuick ? 200 : 1000)))
        let (date, json) = (options.text("date") ?? "", options.text("json"))
        options.checkAllKnown()
        let descriptors = bench_raise_descriptors()
        guard descriptors > viewers + 100 else {
            fail("\(viewers) viewers need as many descriptors, not \(descriptors)")
        }

        var report = Report(date: date)
        let handshakes = Handshakes.measure(rounds: rounds, count: isQuick ? 100 : 500)
        report.handshakes = handshakes
        // As many packets a second with either: what a core is busy with decides how many come in one turn.
        for (kilobits, burst, viewers) in [(600, 3, viewers), (2000, 8, max(2, viewers * 2 / 5))] {
            let audience = try await Audience(viewers: viewers)
            report.viewers.append(
                try await audience.measure(kilobits: kilobits, burst: burst, rounds: rounds, seconds: seconds))
            await audience.close()
        }
        report.judge()
        print(report.text)
        try write(report, to: json, named: "browser")
    }
}

struct Report: Codable {
    var benchmark = "browser"
    let date: String
    var machine = Machine.current
    var packetBytes = Audience.packetBytes
    var handshakes: Handshakes?
    var viewers: [ViewerCost] = []
    var goals: [Goal] = []

    init(date: String) { self.date = date }

    mutating func judge() {
        // Of a core, so that less is better as with all goals: 2,000 viewers.
        goals = viewers.filter { $0.kilobits == 600 }.map {
            Goal("core for a viewer at 600 kbit/s", most: 0.5, measured: 1000 / $0.perCore, unit: "‰")
        }
    }

    var text: String {
        var table = Table(
            "load", "ns", "[least..most]", "bare", "× bare", "viewers a core", "delivered", "KB a viewer", words: 1)
        for cost in viewers {
            table.add([
                cost.name, figure(cost.nanoseconds.median),
                "[\(figure(cost.nanoseconds.least))..\(figure(cost.nanoseconds.most))]", figure(cost.bare.median),
                ratio(cost.ratio), figure(cost.perCore), ratio(cost.delivered), figure(cost.kilobytes),
            ])
        }
        let dtls = handshakes.map {
            """
            DTLS handshakes, server's side: \(figure($0.perSecond)) a second and core, \(figure($0.server.median)) µs each \
            [\(figure($0.server.least))..\(figure($0.server.most))], × \(ratio($0.ratio)) of a signature, its check, a key \
            and a secret in OpenSSL alone
            """
        }
        return """
            Clients of WebRTC on one shared UDP port, AES-128-GCM: CPU nanoseconds of the worker per packet sent; bare: a loop \
            on one socket with sendmmsg and EVP, in the same round
            \(machine.line), \(packetBytes)-byte packets\(date.isEmpty ? "" : ", \(date)")

            \(table.text)

            \(dtls ?? "")

            \(Goal.table(goals))
            """
    }
}
