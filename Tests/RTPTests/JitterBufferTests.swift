import Base
import RTP
import TestSupport
import Testing

@Suite struct JitterBufferTests {
    private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

    private func receive(_ buffer: inout JitterBuffer, _ number: UInt16, at ms: Int64, size: Int = 1) throws -> [String]
    {
        let packet = try RTPHeaderWriter(payloadType: 96, sequenceNumber: number, timestamp: 0, ssrc: 1)
            .packet(payload: [UInt8](repeating: 0, count: size))
        var out: [JitterBuffer.Output] = []
        buffer.receive(packet, try header(of: packet), at: milliseconds(ms), into: &out)
        return describe(out)
    }

    private func advance(_ buffer: inout JitterBuffer, to ms: Int64) -> [String] {
        var out: [JitterBuffer.Output] = []
        buffer.advance(to: milliseconds(ms), into: &out)
        return describe(out)
    }

    /// "7" is packet 7, "8-9" the gap of both.
    private func describe(_ out: [JitterBuffer.Output]) -> [String] {
        out.map { output in
            switch output {
            case .packet(let packet): "\(packet.index)"
            case .gap(let first, let count): "\(first)-\(first + count - 1)"
            }
        }
    }

    @Test func `packets in order go straight through`() throws {
        var buffer = JitterBuffer()
        #expect(try receive(&buffer, 65_535, at: 0) == ["65535"])
        #expect(try receive(&buffer, 0, at: 1) == ["65536"])
        #expect(buffer.nextDeadline == nil)
    }

    @Test func `a late packet fills its hole`() throws {
        var buffer = JitterBuffer()
        _ = try receive(&buffer, 1, at: 0)
        #expect(try receive(&buffer, 4, at: 10) == [])
        #expect(try receive(&buffer, 3, at: 11) == [])
        #expect(buffer.nextDeadline == milliseconds(210))
        #expect(advance(&buffer, to: 209) == [])
        #expect(try receive(&buffer, 2, at: 209) == ["2", "3", "4"])
        #expect(buffer.nextDeadline == nil)
        #expect(buffer.statistics == JitterBuffer.Statistics())
    }

    @Test func `after the delay a hole is told and given up`() throws {
        var buffer = JitterBuffer()
        _ = try receive(&buffer, 1, at: 0)
        _ = try receive(&buffer, 4, at: 10)
        _ = try receive(&buffer, 6, at: 50)
        #expect(advance(&buffer, to: 210) == ["2-3", "4"])
        #expect(buffer.nextDeadline == milliseconds(250))
        #expect(try receive(&buffer, 3, at: 220) == [])
        #expect(buffer.statistics.late == 1)
        #expect(advance(&buffer, to: 400) == ["5-5", "6"])
        #expect(buffer.statistics.missing == 3)
    }

    @Test func `duplicates are dropped, waiting or gone`() throws {
        var buffer = JitterBuffer()
        _ = try receive(&buffer, 1, at: 0)
        _ = try receive(&buffer, 3, at: 1)
        #expect(try receive(&buffer, 3, at: 2) == [])
        #expect(try receive(&buffer, 1, at: 3) == [])
        #expect(buffer.statistics.duplicates == 1 && buffer.statistics.late == 1)
        #expect(try receive(&buffer, 2, at: 4) == ["2", "3"])
    }

    @Test func `bounds in packets and bytes give a hole up early`() throws {
        var configuration = JitterBuffer.Configuration()
        configuration.maximumPackets = 2
        var buffer = JitterBuffer(configuration: configuration)
        _ = try receive(&buffer, 1, at: 0)
        #expect(try receive(&buffer, 3, at: 1) == [])
        #expect(try receive(&buffer, 4, at: 1) == [])
        #expect(try receive(&buffer, 6, at: 1) == ["2-2", "3", "4"])

        configuration.maximumPackets = 100
        configuration.maximumBytes = 1_000
        buffer = JitterBuffer(configuration: configuration)
        _ = try receive(&buffer, 1, at: 0, size: 2_000)
        #expect(try receive(&buffer, 3, at: 1, size: 900) == [])
        #expect(try receive(&buffer, 5, at: 1, size: 900) == ["2-2", "3"])
    }

    @Test func `a stranger is dropped, two in a row are a restart`() throws {
        var buffer = JitterBuffer()
        _ = try receive(&buffer, 30_000, at: 0)
        #expect(try receive(&buffer, 100, at: 1) == [])
        #expect(buffer.statistics.strangers == 1)
        #expect(try receive(&buffer, 101, at: 2) == [])
        #expect(advance(&buffer, to: 202) == ["30001-65636", "65637"])
        #expect(try receive(&buffer, 102, at: 203) == ["65638"])
    }

    @Test func `flush hands out all that waits`() throws {
        var buffer = JitterBuffer()
        _ = try receive(&buffer, 1, at: 0)
        _ = try receive(&buffer, 3, at: 1)
        _ = try receive(&buffer, 5, at: 1)
        var out: [JitterBuffer.Output] = []
        buffer.flush(into: &out)
        #expect(describe(out) == ["2-2", "3", "4-4", "5"])
        #expect(buffer.nextDeadline == nil)
    }

    @Test func `any shuffle within the delay comes out in order`() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<50 {
            var buffer = JitterBuffer()
            var found = try receive(&buffer, 65_000, at: 0)
            for start in stride(from: 1, through: 1_000, by: 20) {
                for step in (start..<start + 20).shuffled(using: &generator) {
                    found += try receive(&buffer, 65_000 &+ UInt16(step), at: Int64(start))
                }
            }
            #expect(found == (0...1_000).map { "\(65_000 + $0)" })
        }
    }
}
