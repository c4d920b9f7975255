import Base
import ICE
import TestSupport
import Testing

@Suite struct FrameReaderTests {
    /// What comes out of reads of these lengths, the last one being the rest.
    private func frames(_ stream: [UInt8], reads: [Int], _ reader: inout FrameReader) throws(FrameError) -> [[UInt8]] {
        var (frames, start) = ([[UInt8]](), 0)
        for length in reads + [stream.count] {
            let read = Array(stream[start..<min(stream.count, start + length)])
            start += read.count
            while let frame = try reader.next(in: read.span.bytes) {
                switch frame {
                case .within(let range): frames.append(Array(read[range]))
                case .gathered: frames.append(reader.gathered)
                }
            }
        }
        return frames
    }

    private func framed(_ frames: [[UInt8]]) -> [UInt8] {
        frames.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
    }

    private let packets: [[UInt8]] = [[1], [2, 2], [], [3, 3, 3], [UInt8](repeating: 4, count: 300), [], [5]]

    @Test func `whole frames are found where they are`() throws {
        var reader = FrameReader()
        let found = try frames(framed(packets), reads: [], &reader)
        #expect(found == packets.filter { !$0.isEmpty })
        #expect(reader.gathered.isEmpty)
    }

    @Test func `cut at any place, and into single bytes, they come out the same`() throws {
        let stream = framed(packets)
        let whole = packets.filter { !$0.isEmpty }
        for cut in 0...stream.count {
            var reader = FrameReader()
            let found = try frames(stream, reads: [cut], &reader)
            #expect(found == whole, "cut at \(cut)")
        }
        var reader = FrameReader()
        let found = try frames(stream, reads: [Int](repeating: 1, count: stream.count), &reader)
        #expect(found == whole)
    }

    @Test func `cut at random, any stream comes out the same`() throws {
        let seed: UInt64 = 12
        var random = SeededGenerator(seed: seed)
        for round in 0..<200 {
            let packets = (0..<Int.random(in: 0...12, using: &random)).map { number in
                [UInt8](repeating: UInt8(number), count: [0, 1, 2, 40, 1200, 3000].randomElement(using: &random) ?? 0)
            }
            let reads = (0..<30).map { _ in Int.random(in: 0...700, using: &random) }
            var reader = FrameReader()
            let found = try frames(framed(packets), reads: reads, &reader)
            #expect(found == packets.filter { !$0.isEmpty }, "round \(round), seed \(seed)")
        }
    }

    @Test func `a frame above the limit is an error before anything of it is kept`() throws {
        for reads in [[], [1], [2]] {
            var reader = FrameReader(limit: 100)
            let most = try frames(framed([[UInt8](repeating: 1, count: 100)]), reads: reads, &reader)
            #expect(most.count == 1)
            #expect(throws: FrameError.oversized(limit: 100, got: 101)) {
                _ = try frames(framed([[UInt8](repeating: 1, count: 101)]), reads: reads, &reader)
            }
            #expect(reader.gathered.isEmpty || reads == [])
        }
    }

    @Test func `a frame that never ends keeps what was sent of it, and no more`() throws {
        var reader = FrameReader()
        let found = try frames([0x40, 0, 1, 2, 3], reads: [], &reader)
        #expect(found.isEmpty)
        #expect(reader.gathered == [1, 2, 3])
    }

    @Test func `a check arrives in a frame as in a datagram`() throws {
        var client = try Client()
        var reader = FrameReader()
        let found = try frames(framed([Check().bytes]), reads: [30, 40], &reader)
        let answer = client.send(try #require(found.first), from: try ICETuple.tcp(1, socket: 4))
        #expect(answer.verdict == .accepted)
    }
}
