// CPU nanoseconds per protected packet of 1200 bytes, ours beside OpenSSL alone, and allocations per packet.
//
// Contestants take turns within a round; ratios are taken within a round, the median is printed.
//
//     SRTPBenchmark [--date TEXT] [--json FILE] [--quick 1]
import Base
import CRawCiphers
import Figures
import Glibc
import SRTP

var options = Options(CommandLine.arguments.dropFirst())
let isQuick = options.isQuick()
let rounds = isQuick ? 5 : 9
let packets = isQuick ? 10_000 : 40_000
let (date, json) = (options.text("date") ?? "", options.text("json"))
options.checkAllKnown()
let size = 1200
let headerLength = 24

struct Costs {
    var nanoseconds: [Double] = []
    var allocations: UInt64 = 0

    var median: Double { nanoseconds.sorted()[nanoseconds.count / 2] }
    var least: Double { nanoseconds.min() ?? 0 }
}

func measure(_ figures: inout Costs, _ body: (UInt64) throws -> Void) rethrows {
    for index in 0..<UInt64(200) { try body(index) }
    let (allocations, start) = (raw_allocations(), raw_thread_ns())
    for index in 0..<UInt64(packets) { try body(index) }
    figures.nanoseconds.append(Double(raw_thread_ns() - start) / Double(packets))
    figures.allocations += raw_allocations() - allocations
}

/// One line of the table.
struct Row: Codable {
    let suite, name: String
    let nanoseconds: Spread
    let allocationsPerPacket: Double
    /// To OpenSSL alone, median of the rounds; nil: not comparable.
    let ratio: Double?
    /// Of `ratio`; nil: none was set.
    let goal: Double?

    init?(_ suite: SRTPCryptoSuite, _ name: String, _ costs: Costs, beside raw: Costs?, goal: Double? = nil) {
        guard let spread = Spread(costs.nanoseconds) else { return nil }
        (self.suite, self.name, nanoseconds, self.goal) = (suite.rawValue, name, spread, goal)
        allocationsPerPacket = Double(costs.allocations) / Double(rounds * packets)
        ratio = raw.flatMap { Spread.median(zip(costs.nanoseconds, $0.nanoseconds).map { $0 / $1 }) }
    }
}

struct Report: Codable {
    var benchmark = "srtp"
    let date: String
    var machine = Machine.current
    var packetBytes = size
    var rows: [Row] = []
    var goals: [Goal] = []
}

func run(_ suite: SRTPCryptoSuite, rawSuite: Int32) throws -> [Row] {
    var random = SystemRandomNumberGenerator()
    let key = SRTPMasterKey(suite, using: &random)
    var log = ByteArea(capacity: 65_536)
    var slots = ByteArea(capacity: 65_536)
    var scratch = ByteArea(capacity: 4096)
    for offset in 0..<4096 { log.store(UInt8(truncatingIfNeeded: offset), at: offset) }
    log.store(UInt8(0x80), at: 0)
    slots.store(UInt8(0x80), at: 0)

    let raw = raw_cipher_new(rawSuite)
    defer { raw_cipher_free(raw) }
    let rawMAC = rawSuite == 2 ? raw_cipher_new(3) : nil
    defer { if let rawMAC { raw_cipher_free(rawMAC) } }
    var sender = try SRTPSender(key)
    var library = try SRTPSender(key, backend: .libsrtp)
    var (alone, withMAC, copied, inPlace, lib, back, rtcp) = (
        Costs(), Costs(), Costs(), Costs(), Costs(), Costs(), Costs()
    )
    // What the receiver gets: each packet once, hence made beforehand.
    let inFlight = packets + 200
    let stride = size + suite.rtpOverhead
    var wire = ByteArea(capacity: inFlight * stride)

    var next: UInt64 = 1
    for _ in 0..<rounds {
        measure(&alone) { index in
            _ = raw_cipher_protect(raw, log.base, Int32(headerLength), Int32(size), index, slots.base)
        }
        if let rawMAC {
            measure(&withMAC) { index in
                _ = raw_cipher_protect(rawMAC, log.base, Int32(headerLength), Int32(size), index, slots.base)
            }
        }
        try measure(&copied) { index in
            slots.store(UInt16(truncatingIfNeeded: index), at: 2)
            _ = try sender.protect(
                &slots, at: 0, headerLength: headerLength, payload: log, from: headerLength,
                count: size - headerLength, index: index, ssrc: 7)
        }
        try measure(&inPlace) { index in
            slots.store(UInt16(truncatingIfNeeded: index), at: 2)
            _ = try sender.protect(
                &slots, at: 0, headerLength: headerLength, count: size - headerLength, index: index, ssrc: 7)
        }
        try measure(&lib) { _ in
            slots.store(UInt8(0x80), at: 0)
            slots.store(UInt16(truncatingIfNeeded: next), at: 2)
            slots.store(UInt32(7), at: 8)
            _ = try library.protect(
                &slots, at: 0, headerLength: 12, payload: log, from: 12, count: size - 12, index: next, ssrc: 7)
            next += 1
        }
        for index in 0..<inFlight {
            let place = index * stride
            wire.write(log, from: 0, count: headerLength, at: place)
            // Header and payload: no CSRC, no extension.
            wire.store(UInt8(0x80), at: place)
            wire.store(UInt16(truncatingIfNeeded: index), at: place + 2)
            wire.store(UInt32(7), at: place + 8)
            wire.write(log, from: 12, count: size - 12, at: place + 12)
            _ = try sender.protect(
                &wire, at: place, headerLength: 12, count: size - 12, index: UInt64(index), ssrc: 7)
        }
        var receiver = try SRTPReceiver(key)
        var place = 0
        try measure(&back) { _ in
            let bytes = UnsafeRawBufferPointer(start: wire.base + place * stride, count: stride)
            _ = try receiver.unprotect(bytes.bytes, into: &scratch)
            place += 1
        }
        try measure(&rtcp) { _ in
            slots.store(UInt32(7), at: 4)
            _ = try sender.protectRTCP(&slots, at: 0, length: 60)
        }
    }
    return [
        Row(suite, "OpenSSL alone", alone, beside: nil),
        rawMAC == nil ? nil : Row(suite, "OpenSSL alone, HMAC by EVP_MAC", withMAC, beside: alone),
        Row(suite, "protect from the log", copied, beside: alone, goal: 1.15),
        Row(suite, "protect in place", inPlace, beside: alone, goal: 1.15),
        Row(suite, "protect by libsrtp", lib, beside: alone),
        Row(suite, "unprotect", back, beside: alone),
        Row(suite, "protect RTCP of 60 bytes", rtcp, beside: nil),
    ].compactMap { $0 }
}

var report = Report(date: date)
for (suite, raw) in [
    (.aeadAES256GCM, 0), (.aeadAES128GCM, 1), (.aesCM128HMACSHA1Tag80, 2), (.aesCM128HMACSHA1Tag32, 2),
] as [(SRTPCryptoSuite, Int32)] {
    report.rows += try run(suite, rawSuite: raw)
}
var table = Table("suite", "work", "ns", "[least..most]", "mallocs", "× alone", "goal", words: 2)
for row in report.rows {
    table.add([
        row.suite, row.name, figure(row.nanoseconds.median),
        "[\(figure(row.nanoseconds.least))..\(figure(row.nanoseconds.most))]", ratio(row.allocationsPerPacket),
        row.ratio.map { ratio($0) } ?? "", Goal.mark(row.ratio, most: row.goal),
    ])
}
report.goals = report.rows.compactMap { row in
    row.goal.map { Goal("\(row.name), \(row.suite)", most: $0, measured: row.ratio, unit: "× alone") }
}
print(
    """
    CPU nanoseconds per packet: median of \(rounds) interleaved rounds of \(packets); × alone: to OpenSSL of the same round
    \(report.machine.line), \(size)-byte packets\(date.isEmpty ? "" : ", \(date)")

    \(table.text)

    \(Goal.table(report.goals))
    """)
try write(report, to: json, named: "srtp")
