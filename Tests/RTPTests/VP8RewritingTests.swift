import Base
import RTP
import TestSupport
import Testing

@Suite struct VP8RewritingTests {
    /// The payload as it is kept.
    private func expanded(_ payload: [UInt8]) -> [UInt8] {
        let span = payload.span.bytes
        guard VP8DescriptorRewriting.hasShortPictureID(span) else { return payload }
        let head = VP8DescriptorRewriting.expandedHead(span)
        return [head.0, head.1, head.2] + payload.dropFirst(VP8DescriptorRewriting.replacedLength)
    }

    @Test(
        arguments: [
            ([0x90, 0x80, 0x05, 0xAA], [0x90, 0x80, 0x80, 0x05, 0xAA]),  // picture id alone
            ([0x90, 0xE0, 0x7F, 0x01, 0x60, 0xAA], [0x90, 0xE0, 0x80, 0x7F, 0x01, 0x60, 0xAA]),  // L and T
            ([0x80, 0xA0, 0x00, 0x60, 0xAA], [0x80, 0xA0, 0x80, 0x00, 0x60, 0xAA]),  // T
            ([0x90, 0x80, 0x85, 0x01, 0xAA], [0x90, 0x80, 0x85, 0x01, 0xAA]),  // 15 bits already
            ([0x90, 0x60, 0x01, 0x60, 0xAA], [0x90, 0x60, 0x01, 0x60, 0xAA]),  // none
            ([0x10, 0xAA], [0x10, 0xAA]),
        ] as [([UInt8], [UInt8])])
    func `short picture ids become long ones, other descriptors stay`(payload: [UInt8], expected: [UInt8]) throws {
        let bytes = expanded(payload)
        #expect(bytes == expected)
        // Nothing but the length of the id has changed.
        let (before, after) = (
            try VP8PayloadDescriptor(parsing: payload.span.bytes), try VP8PayloadDescriptor(parsing: bytes.span.bytes)
        )
        #expect(before.pictureID == after.pictureID)
        #expect(before.temporalLayerZeroIndex == after.temporalLayerZeroIndex)
        #expect(before.temporalLayer == after.temporalLayer && before.isLayerSync == after.isLayerSync)
        #expect(before.startsFrame == after.startsFrame)
        #expect(after.pictureID == nil || after.hasLongPictureID)
    }

    @Test(
        arguments: [
            (
                [0x90, 0xE0, 0x92, 0x34, 0x56, 0x60, 0xAA],
                VP8PictureNumbers(pictureID: 0x1234, temporalLayerZeroIndex: 0x56)
            ),
            ([0x90, 0x80, 0x80, 0x07], VP8PictureNumbers(pictureID: 7, temporalLayerZeroIndex: nil)),
            ([0x90, 0xC0, 0x80, 0x07], VP8PictureNumbers(pictureID: 7, temporalLayerZeroIndex: nil)),  // cut
            ([0x90, 0x80, 0x07, 0xAA], nil),  // a short id
            ([0x90, 0x60, 0x80, 0x07, 0x00], nil), ([0x10, 0x80, 0x80, 0x07], nil), ([0x90, 0x80, 0x80], nil),
            ([], nil),
        ] as [([UInt8], VP8PictureNumbers?)])
    func `numbers are read from a log and written to a slot`(payload: [UInt8], expected: VP8PictureNumbers?) throws {
        let header: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        var log = PacketLog(capacity: 65_536)
        let appended = log.append(
            head: header.span.bytes, body: payload.span.bytes, index: 0, flags: 0, arrival: Instant(nanoseconds: 0))
        let position = try #require(appended)
        let numbers = VP8PictureNumbers(of: log.record(at: position), at: position, in: log)
        #expect(numbers == expected)
        guard let numbers else { return }
        var slots = ByteArea(capacity: 4096)
        slots.write(payload.span.bytes, at: 100)
        let changed = VP8PictureNumbers(
            pictureID: 0x0506, temporalLayerZeroIndex: numbers.temporalLayerZeroIndex.map { _ in 9 })
        changed.write(to: &slots, payloadAt: 100)
        let written = slots.bytes(100..<100 + payload.count)
        #expect(VP8PictureNumbers(try VP8PayloadDescriptor(parsing: (written + [0]).span.bytes))?.pictureID == 0x0506)
        #expect(Array(written.dropFirst(5)) == Array(payload.dropFirst(5)))
        if payload.count > 4 { #expect(written[4] == 9) }
    }

    @Test func `any descriptor with a short id stays the same but for its length`() throws {
        let seed: UInt64 = 3
        var generator = SeededGenerator(seed: seed)
        var grown = 0
        for _ in 0..<20_000 {
            let payload = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let bytes = expanded(payload)
            guard var before = try? VP8PayloadDescriptor(parsing: payload.span.bytes) else { continue }
            let after = try VP8PayloadDescriptor(parsing: bytes.span.bytes)
            if bytes.count > payload.count {
                grown += 1
                #expect(after.hasLongPictureID, "seed \(seed)")
                (before.hasLongPictureID, before.length) = (true, before.length + 1)
            }
            #expect(before == after, "seed \(seed): \(payload)")
        }
        #expect(grown > 1_000, "seed \(seed)")
    }
}

@Suite struct VP8ContinuityTests {
    enum Step: Sendable, CustomStringConvertible {
        /// A packet of this picture and index, and what it shall go out as.
        case sent(UInt16, UInt8, as: UInt16, UInt8)
        case dropped(UInt16)
        case restart

        var description: String {
            switch self {
            case .sent(let picture, let index, let out, let outIndex): "\(picture)/\(index) → \(out)/\(outIndex)"
            case .dropped(let picture): "\(picture) dropped"
            case .restart: "restart"
            }
        }
    }

    @Test(
        arguments: [
            ("the first stream keeps its numbers", [.sent(7, 3, as: 7, 3), .sent(8, 4, as: 8, 4)]),
            ("all packets of a picture have one number", [.sent(7, 3, as: 7, 3), .sent(7, 3, as: 7, 3)]),
            ("lost pictures are seen as lost", [.sent(7, 3, as: 7, 3), .sent(9, 5, as: 9, 5)]),
            (
                "dropped pictures leave no gap",
                [
                    .sent(7, 3, as: 7, 3), .dropped(8), .dropped(8), .sent(9, 3, as: 8, 3), .dropped(10),
                    .sent(11, 4, as: 9, 4),
                ]
            ),
            (
                "a late packet has the number that its picture had",
                [
                    .sent(7, 3, as: 7, 3), .dropped(8), .sent(9, 4, as: 8, 4), .dropped(10), .sent(11, 5, as: 9, 5),
                    .sent(9, 4, as: 8, 4), .sent(7, 3, as: 7, 3), .sent(12, 5, as: 10, 5),
                ]
            ),
            (
                "a late packet of a dropped picture changes nothing",
                [.sent(7, 3, as: 7, 3), .dropped(8), .sent(9, 4, as: 8, 4), .dropped(8), .sent(10, 4, as: 9, 4)]
            ),
            (
                "the rest of a picture that was begun is no gap",
                [.sent(7, 3, as: 7, 3), .sent(8, 3, as: 8, 3), .dropped(8), .sent(9, 4, as: 9, 4)]
            ),
            (
                "another stream goes on where the last one was",
                [
                    .sent(7, 3, as: 7, 3), .dropped(8), .restart, .sent(500, 90, as: 8, 4), .sent(501, 91, as: 9, 5),
                    .restart, .sent(9, 5, as: 10, 6), .dropped(10), .sent(11, 6, as: 11, 7),
                ]
            ),
            (
                "both numbers wrap",
                [
                    .sent(0x7FFE, 254, as: 0x7FFE, 254), .dropped(0x7FFF), .sent(0, 255, as: 0x7FFF, 255),
                    .sent(1, 0, as: 0, 0), .sent(0, 255, as: 0x7FFF, 255), .restart, .sent(0x7FFF, 9, as: 1, 1),
                    .sent(0, 10, as: 2, 2),
                ]
            ),
            ("a drop before anything went out counts for nothing", [.dropped(3), .sent(4, 1, as: 4, 1)]),
        ] as [(String, [Step])])
    func `numbers run on`(name: String, steps: [Step]) {
        var continuity = VP8Continuity()
        for (place, step) in steps.enumerated() {
            switch step {
            case .sent(let picture, let index, let out, let outIndex):
                let told = continuity.forward(VP8PictureNumbers(pictureID: picture, temporalLayerZeroIndex: index))
                #expect(
                    told == VP8PictureNumbers(pictureID: out, temporalLayerZeroIndex: outIndex),
                    "\(name), step \(place)")
            case .dropped(let picture):
                continuity.drop(VP8PictureNumbers(pictureID: picture, temporalLayerZeroIndex: 0))
            case .restart: continuity.restart()
            }
        }
    }

    @Test func `streams without TL0PICIDX have none afterwards`() {
        var continuity = VP8Continuity()
        #expect(continuity.forward(VP8PictureNumbers(pictureID: 1, temporalLayerZeroIndex: nil)).pictureID == 1)
        continuity.restart()
        let next = continuity.forward(VP8PictureNumbers(pictureID: 100, temporalLayerZeroIndex: nil))
        #expect(next == VP8PictureNumbers(pictureID: 2, temporalLayerZeroIndex: nil))
    }

    @Test func `any mix of layers and streams comes out without gaps`() {
        let seed: UInt64 = 21
        var generator = SeededGenerator(seed: seed)
        var continuity = VP8Continuity()
        var (picture, index, last): (UInt16, UInt8, VP8PictureNumbers?) = (0x7F00, 250, nil)
        for round in 0..<20_000 {
            if round % 97 == 0 {
                continuity.restart()
                (picture, index) = (.random(in: 0...0x7FFF, using: &generator), .random(in: 0...255, using: &generator))
            }
            picture = (picture + 1) & 0x7FFF
            let isBase = round % 97 == 0 || Bool.random(using: &generator)
            if isBase { index &+= 1 }
            let numbers = VP8PictureNumbers(pictureID: picture, temporalLayerZeroIndex: index)
            if !isBase, Bool.random(using: &generator) {
                continuity.drop(numbers)
                continue
            }
            let out = continuity.forward(numbers)
            if let last {
                #expect(out.pictureID == (last.pictureID + 1) & 0x7FFF, "seed \(seed), round \(round)")
                let step = (out.temporalLayerZeroIndex ?? 0) &- (last.temporalLayerZeroIndex ?? 0)
                #expect(step == (isBase ? 1 : 0), "seed \(seed), round \(round)")
            }
            last = out
        }
    }
}
