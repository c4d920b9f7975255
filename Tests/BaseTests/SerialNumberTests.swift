import Base
import Testing

@Suite struct SerialNumberTests {
    @Test func `sequence numbers are unwrapped to the nearest index`() {
        var unwrapper = SequenceUnwrapper()
        #expect(unwrapper.unwrap(65_534) == 65_534)
        #expect(unwrapper.unwrap(65_535) == 65_535)
        #expect(unwrapper.unwrap(1) == 65_537)
        #expect(unwrapper.unwrap(0) == 65_536)
        #expect(unwrapper.unwrap(65_533) == 65_533)
        #expect(unwrapper.highest == 65_537)
        #expect(unwrapper.peek(32_768) == 98_304)
        #expect(unwrapper.highest == 65_537)
    }

    @Test func `a packet from before the first has an index below it`() {
        var unwrapper = SequenceUnwrapper()
        #expect(unwrapper.unwrap(0) == 0)
        #expect(unwrapper.unwrap(65_535) == -1)
        #expect(unwrapper.highest == 0)
    }

    @Test func `indexes go on through many wraps`() {
        var unwrapper = SequenceUnwrapper()
        for index in stride(from: Int64(100), to: 1_000_000, by: 777) {
            #expect(unwrapper.unwrap(UInt16(truncatingIfNeeded: index)) == index)
        }
    }

    @Test func `timestamps are unwrapped like sequence numbers`() {
        var unwrapper = TimestampUnwrapper()
        #expect(unwrapper.unwrap(4_294_967_000) == 4_294_967_000)
        #expect(unwrapper.unwrap(704) == 4_294_968_000)
        #expect(unwrapper.peek(4_294_966_000) == 4_294_966_000)
        #expect(unwrapper.highest == 4_294_968_000)
    }

    @Test func `a stream in order, with loss, reordering and a duplicate`() {
        var validator = SequenceValidator()
        #expect(validator.receive(65_534) == .newest(index: 65_534, gap: 0))
        #expect(validator.receive(65_535) == .newest(index: 65_535, gap: 0))
        #expect(validator.receive(2) == .newest(index: 65_538, gap: 2))
        #expect(validator.receive(0) == .older(index: 65_536))
        #expect(validator.receive(2) == .older(index: 65_538))
        #expect(validator.peek(65_535) == 65_535)
    }

    @Test func `bounds of dropout and misorder`() {
        var validator = SequenceValidator()
        _ = validator.receive(10_000)
        #expect(validator.receive(8_501) == .older(index: 8_501))
        #expect(validator.receive(8_500) == .refused)
        #expect(validator.receive(13_000) == .refused)
        #expect(validator.receive(12_999) == .newest(index: 12_999, gap: 2_998))
    }

    @Test func `two consecutive numbers after a jump restart the stream, above all indexes before`() {
        var validator = SequenceValidator()
        _ = validator.receive(30_000)
        #expect(validator.receive(5) == .refused)
        #expect(validator.receive(6) == .restarted(index: 65_542))
        #expect(validator.receive(7) == .newest(index: 65_543, gap: 0))
    }

    @Test func `a stray packet restarts nothing`() {
        var validator = SequenceValidator()
        _ = validator.receive(30_000)
        #expect(validator.receive(5) == .refused)
        #expect(validator.receive(30_001) == .newest(index: 30_001, gap: 0))
        #expect(validator.receive(6) == .refused)
    }
}
