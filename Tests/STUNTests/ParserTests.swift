import Base
import STUN
import TestSupport
import Testing

@Suite struct ParserTests {
    @Test(arguments: RFC5769.all)
    func `cut off at every length it is refused`(bytes: [UInt8]) {
        for length in 0..<bytes.count {
            #expect(Sample.refusal(of: Array(bytes[..<length])) != nil, "\(length) bytes")
        }
        #expect(
            Sample.refusal(of: bytes + [0, 0, 0, 0]) == .badLength(announced: bytes.count - 20, got: bytes.count - 16))
    }

    @Test(arguments: RFC5769.all)
    func `with any bit turned it is refused, or its integrity or its fingerprint is gone`(bytes: [UInt8]) throws {
        let key = bytes == RFC5769.longTerm ? STUNKey(RFC5769.longTermKey) : Sample.key
        let hadFingerprint = try STUNMessage(bytes).hasFingerprint
        for bit in 0..<8 * bytes.count {
            var turned = bytes
            turned[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let message = try? STUNMessage(turned) else { continue }
            let isWhole = message.isAuthentic(key, turned) && message.hasFingerprint == hadFingerprint
            #expect(!isWhole, "bit \(bit)")
        }
    }

    @Test func `what a datagram is taken for is seen at its first byte and its cookie`() {
        func isSTUN(_ bytes: [UInt8]) -> Bool { STUNMessage.isSTUN(bytes.span.bytes) }
        #expect(isSTUN(RFC5769.request))
        #expect(!isSTUN(Array(RFC5769.request.prefix(19))))
        for first in [3, 20, 63, 128, 191] as [UInt8] { #expect(!isSTUN([first] + RFC5769.request.dropFirst())) }
        #expect(!isSTUN(Array(RFC5769.request.prefix(4)) + [0x21, 0x12, 0xA4, 0x43] + RFC5769.request.dropFirst(8)))
    }

    @Test(arguments: [STUNClass.request, .indication, .success, .failure])
    func `class and method share the type's bits`(kind: STUNClass) throws {
        for method in [0, 1, 2, 0x00F, 0x010, 0x070, 0x080, 0xABC, 0xFFF] as [UInt16] {
            let message = try STUNMessage(Sample.message(kind, method: method) { _, _ in })
            #expect(message.kind == kind)
            #expect(message.method == method)
            #expect(message.transaction == Sample.transaction)
        }
        #expect(Sample.message(.failure, method: 2) { _, _ in }.prefix(2) == [0x01, 0x12])
    }

    @Test func `what stands behind the integrity is not believed, except the fingerprint`() throws {
        let bytes = Sample.message {
            $0.username("a:b", into: &$1)
            $0.messageIntegrity(Sample.key, into: &$1)
            $0.useCandidate(into: &$1)
            $0.priority(7, into: &$1)
            // Of a length that it can't have, where it counts.
            $0.attribute(STUNAttributeType.nomination, [UInt8](repeating: 1, count: 5).span.bytes, into: &$1)
            $0.fingerprint(into: &$1)
        }
        let message = try STUNMessage(bytes)
        #expect(!message.usesCandidate)
        #expect(message.priority == nil)
        #expect(message.nomination == nil)
        #expect(message.hasFingerprint)
        #expect(message.isAuthentic(Sample.key, bytes))
    }

    @Test func `nothing may stand behind the fingerprint`() {
        let bytes = Sample.message {
            $0.fingerprint(into: &$1)
            $0.useCandidate(into: &$1)
        }
        #expect(Sample.refusal(of: bytes) == .behindFingerprint(type: 0x25, offset: 28))
    }

    @Test func `a wrong fingerprint is no message`() {
        var bytes = Sample.message { $0.fingerprint(into: &$1) }
        bytes[27] ^= 1
        #expect(Sample.refusal(of: bytes) == .badFingerprint)
    }

    @Test func `of two attributes of a type the first counts`() throws {
        let bytes = Sample.message {
            $0.priority(1, into: &$1)
            $0.priority(2, into: &$1)
            $0.username("first:x", into: &$1)
            $0.username("second:x", into: &$1)
        }
        let message = try STUNMessage(bytes)
        #expect(message.priority == 1)
        #expect(message.username(bytes) == "first:x")
    }

    @Test func `unknown attributes are passed over, with what fills them up`() throws {
        for count in 0...9 {
            let bytes = Sample.message {
                // One that should be understood, and one that need not (Chromium's network information).
                $0.attribute(0x7FFE, [UInt8](repeating: 0xFF, count: count).span.bytes, into: &$1)
                $0.attribute(0xC057, [UInt8](repeating: 0xFF, count: 4).span.bytes, into: &$1)
                $0.priority(5, into: &$1)
            }
            #expect(try STUNMessage(bytes).priority == 5, "\(count) bytes")
            #expect(bytes.attributeTypes == [0x7FFE, 0xC057, 0x24])
        }
    }

    @Test func `a name may have 513 bytes`() throws {
        let bytes = Sample.message { $0.username(String(repeating: "x", count: 513), into: &$1) }
        #expect(try STUNMessage(bytes).username(bytes)?.count == 513)
        let longer = Sample.message { $0.username(String(repeating: "x", count: 514), into: &$1) }
        #expect(Sample.refusal(of: longer) == .badAttribute(type: 6, offset: 20, length: 514))
    }

    @Test(arguments: [
        ([0x00, 0x24, 0, 3, 1, 2, 3, 0] as [UInt8], STUNParseError.badAttribute(type: 0x24, offset: 20, length: 3)),
        ([0x00, 0x25, 0, 1, 1, 0, 0, 0], .badAttribute(type: 0x25, offset: 20, length: 1)),
        ([0xC0, 0x01, 0, 0], .badAttribute(type: 0xC001, offset: 20, length: 0)),
        ([0x80, 0x29, 0, 4, 1, 2, 3, 4], .badAttribute(type: 0x8029, offset: 20, length: 4)),
        ([0x80, 0x2A, 0, 4, 1, 2, 3, 4], .badAttribute(type: 0x802A, offset: 20, length: 4)),
        ([0x00, 0x08, 0, 4, 1, 2, 3, 4], .badAttribute(type: 0x08, offset: 20, length: 4)),
        ([0x80, 0x28, 0, 0], .badAttribute(type: 0x8028, offset: 20, length: 0)),
        ([0x00, 0x09, 0, 2, 1, 2, 0, 0], .badAttribute(type: 0x09, offset: 20, length: 2)),
        // An address of family 3, and one of IPv6 in the room of IPv4.
        ([0x00, 0x20, 0, 8, 0, 3, 1, 2, 3, 4, 5, 6], .badAttribute(type: 0x20, offset: 20, length: 8)),
        ([0x00, 0x20, 0, 8, 0, 2, 1, 2, 3, 4, 5, 6], .badAttribute(type: 0x20, offset: 20, length: 8)),
        ([0x00, 0x06, 0, 9, 1, 2, 3, 4], .attributeOverrun(type: 6, offset: 20, needed: 16, got: 8)),
    ])
    func `an attribute of a wrong length is refused`(attributes: [UInt8], error: STUNParseError) {
        #expect(Sample.refusal(of: Sample.raw(attributes)) == error)
    }

    @Test func `a length that 4 does not divide, another cookie, and other high bits are refused`() {
        #expect(Sample.refusal(of: Sample.raw([1, 2, 3])) == .badLength(announced: 3, got: 3))
        #expect(Sample.refusal(of: Sample.raw([], type: 0x4001)) == .badType(0x4001))
        var bytes = Sample.raw([])
        bytes[4] = 0
        #expect(Sample.refusal(of: bytes) == .badCookie(0x0012_A442))
        #expect(Sample.refusal(of: []) == .truncated(needed: 20, got: 0))
    }

    @Test func `the largest message that 16 bits can announce is read to its end`() throws {
        let filler: [UInt8] = [0xFF, 0xFE, 0xFF, 0xF0] + [UInt8](repeating: 1, count: 0xFFF0)
        let bytes = Sample.raw(filler + [0, 6, 0, 4] + Array("a:bc".utf8))
        #expect(bytes.count == 65_552)
        #expect(try STUNMessage(bytes).username(bytes) == "a:bc")
    }

    @Test func `nothing is written where there is no room`() {
        for capacity in 0..<20 {
            let head = Sample.written(capacity: capacity) {
                STUNBuilder(.request, Sample.transaction, into: &$0)?.length
            }
            #expect(head == nil)
        }
        let request = STUNBindingRequest(
            Sample.transaction, username: "a:b", role: .controlled(1), priority: 1, usesCandidate: true, nomination: 1)
        let whole = Sample.written { request.write(Sample.key, into: &$0) }?.count ?? 0
        for capacity in 0..<whole {
            #expect(Sample.written(capacity: capacity) { request.write(Sample.key, into: &$0) } == nil)
        }
        #expect(Sample.written(capacity: whole) { request.write(Sample.key, into: &$0) } != nil)
        let bytes = Sample.message(capacity: 24) {
            let fits = $0.priority(1, into: &$1)
            #expect(!fits)
        }
        #expect(bytes.count == 20)
    }

    @Test func `garbage never traps, and what is taken is what was written`() throws {
        let seed: UInt64 = 31
        var random = SeededGenerator(seed: seed)
        for round in 0..<4000 {
            var bytes = RFC5769.all.randomElement(using: &random) ?? []
            switch round % 4 {
            case 0:
                bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            case 1:
                let words = Int.random(in: 0...30, using: &random)
                bytes = Sample.raw((0..<4 * words).map { _ in .random(in: 0...255, using: &random) })
            case 2:
                // Types that are known, of lengths that may fit.
                let types: [UInt8] = [0x06, 0x08, 0x09, 0x20, 0x24, 0x25]
                var attributes: [UInt8] = []
                for _ in 0..<Int.random(in: 0...6, using: &random) {
                    let count = Int.random(in: 0...24, using: &random)
                    attributes += [0, types.randomElement(using: &random) ?? 0, 0, UInt8(count)]
                    attributes += (0..<(count + 3) & ~3).map { _ in .random(in: 0...3, using: &random) }
                }
                bytes = Sample.raw(attributes)
            default:
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
            }
            guard let message = try? STUNMessage(bytes) else { continue }
            #expect(message.length == bytes.count, "round \(round), seed \(seed)")
            if let range = message.usernameRange {
                #expect(range.upperBound <= bytes.count, "round \(round), seed \(seed)")
            }
            _ = message.software(bytes)
            _ = message.isAuthentic(Sample.key, bytes)
        }
    }

    @Test func `a key prints without itself`() {
        #expect("\(Sample.key)" == "•••")
        #expect(String(reflecting: Sample.key) == "•••")
    }
}
