// CPU nanoseconds per protected packet of 1200 bytes, ours beside OpenSSL alone, and allocations per packet.
//
// Contestants take turns within a round; ratios are taken within a round, the median is printed.
import Base
import CRawCiphers
import Glibc
import SRTP

let rounds = 9
let packets = 40_000
let size = 1200
let headerLength = 24

struct Figures {
    var nanoseconds: [Double] = []
    var allocations: UInt64 = 0

    var median: Double { nanoseconds.sorted()[nanoseconds.count / 2] }
    var least: Double { nanoseconds.min() ?? 0 }
}

func measure(_ figures: inout Figures, _ body: (UInt64) throws -> Void) rethrows {
    for index in 0..<UInt64(200) { try body(index) }
    let (allocations, start) = (raw_allocations(), raw_thread_ns())
    for index in 0..<UInt64(packets) { try body(index) }
    figures.nanoseconds.append(Double(raw_thread_ns() - start) / Double(packets))
    figures.allocations += raw_allocations() - allocations
}

/// At least `columns` wide, filled up in front.
func column(_ text: String, _ columns: Int) -> String {
    String(repeating: " ", count: max(0, columns - text.count)) + text
}

func line(_ name: String, _ figures: Figures, beside raw: Figures?) {
    let perPacket = Double(figures.allocations) / Double(rounds * packets)
    var text = "  " + name + String(repeating: " ", count: max(0, 34 - name.count))
    text += column("\(Int(figures.median.rounded()))", 6) + column("\(Int(figures.least.rounded()))", 8)
    text += column("\((perPacket * 100).rounded() / 100)", 10)
    if let raw {
        let ratios = zip(figures.nanoseconds, raw.nanoseconds).map { $0 / $1 }.sorted()
        text += column("\((ratios[ratios.count / 2] * 100).rounded() / 100)", 10)
    }
    print(text)
}

func run(_ suite: SRTPCryptoSuite, rawSuite: Int32) throws {
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
        Figures(), Figures(), Figures(), Figures(), Figures(), Figures(), Figures()
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
    print(suite.rawValue)
    line("OpenSSL alone", alone, beside: nil)
    if rawMAC != nil { line("OpenSSL alone, HMAC by EVP_MAC", withMAC, beside: alone) }
    line("protect from the log", copied, beside: alone)
    line("protect in place", inPlace, beside: alone)
    line("protect by libsrtp", lib, beside: alone)
    line("unprotect", back, beside: alone)
    line("protect RTCP of 60 bytes", rtcp, beside: nil)
}

print("\(size)-byte packets, \(rounds) rounds of \(packets)\n")
print("                                       ns     least   mallocs   × alone")
try run(.aeadAES256GCM, rawSuite: 0)
try run(.aeadAES128GCM, rawSuite: 1)
try run(.aesCM128HMACSHA1Tag80, rawSuite: 2)
try run(.aesCM128HMACSHA1Tag32, rawSuite: 2)
