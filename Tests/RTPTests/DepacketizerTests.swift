import Base
import RTP
import Testing

/// A packet for a depacketizer: index, timestamp, marker, payload.
struct Piece {
    var index: Int64
    var timestamp: UInt32
    var marker = false
    var payload: [UInt8]
}

func feed(_ depacketizer: inout Depacketizer, _ pieces: [Piece]) throws -> [AccessUnit] {
    var units: [AccessUnit] = []
    for piece in pieces {
        let packet = try RTPHeaderWriter(
            payloadType: 96, marker: piece.marker, sequenceNumber: UInt16(truncatingIfNeeded: piece.index),
            timestamp: piece.timestamp, ssrc: 1
        ).packet(payload: piece.payload)
        let span = packet.span.bytes
        let header = try RTPHeader(parsing: span)
        depacketizer.receive(span.extracting(header.payloadRange), of: header, index: piece.index, into: &units)
    }
    return units
}

@Suite struct DepacketizerTests {
    @Test func `without markers, a frame ends where the timestamp changes`() throws {
        var vp8 = try #require(Depacketizer(codec: .vp8))
        var units = try feed(
            &vp8,
            [
                Piece(index: 0, timestamp: .max, payload: [0x10, 0x00, 1]),
                Piece(index: 1, timestamp: .max, payload: [0x00, 2]),
                Piece(index: 2, timestamp: 2_999, payload: [0x10, 0x01, 3]),
            ])
        #expect(units == [AccessUnit(bytes: [0x00, 1, 2], timestamp: 0xFFFF_FFFF, isKeyFrame: true, isComplete: true)])
        #expect(!vp8.needsKeyFrame)
        vp8.end(into: &units)
        #expect(units.count == 2)
        #expect(
            units[1] == AccessUnit(bytes: [0x01, 3], timestamp: 0x1_0000_0BB7, isKeyFrame: false, isComplete: true))
    }

    @Test func `an end without a marker is no end for a sender that sets markers`() throws {
        var vp8 = try #require(Depacketizer(codec: .vp8))
        var units = try feed(
            &vp8,
            [
                Piece(index: 0, timestamp: 0, marker: true, payload: [0x10, 0x00, 1]),
                Piece(index: 1, timestamp: 9, payload: [0x10, 0x01, 2]),
            ])
        vp8.end(into: &units)
        #expect(units.map(\.isComplete) == [true, false])
    }

    @Test func `before the first key frame, and from a loss on, a key frame is needed`() throws {
        var vp8 = try #require(Depacketizer(codec: .vp8))
        func single(_ index: Int64, key: Bool) -> Piece {
            Piece(index: index, timestamp: UInt32(index) * 3_000, marker: true, payload: [0x10, key ? 0x00 : 0x01, 7])
        }
        _ = try feed(&vp8, [single(0, key: false)])
        #expect(vp8.needsKeyFrame)
        _ = try feed(&vp8, [single(1, key: true), single(2, key: false)])
        #expect(!vp8.needsKeyFrame)
        // A whole frame is lost: the next one is complete, but its reference is missing.
        let units = try feed(&vp8, [single(4, key: false)])
        #expect(units.map(\.isComplete) == [true])
        #expect(vp8.needsKeyFrame)
        _ = try feed(&vp8, [single(5, key: true)])
        #expect(!vp8.needsKeyFrame)
    }

    @Test func `padding-only packets fill the sequence and nothing else`() throws {
        var vp8 = try #require(Depacketizer(codec: .vp8))
        let units = try feed(
            &vp8,
            [
                Piece(index: 0, timestamp: 0, payload: [0x10, 0x00, 1]),
                Piece(index: 1, timestamp: 0, payload: []),
                Piece(index: 2, timestamp: 0, marker: true, payload: [0x00, 2]),
                Piece(index: 2, timestamp: 0, marker: true, payload: [0x00, 9]),
            ])
        #expect(units == [AccessUnit(bytes: [0x00, 1, 2], timestamp: 0, isKeyFrame: true, isComplete: true)])
    }

    @Test func `VP9 layer frames of one picture become a superframe`() throws {
        var vp9 = try #require(Depacketizer(codec: .vp9))
        let units = try feed(
            &vp9,
            [
                // I L B E, spatial layers 0 and 1 (of two packets), non-flexible.
                Piece(index: 0, timestamp: 5, payload: [0xAC, 1, 0x00, 0, 0x82, 1, 2]),
                Piece(index: 1, timestamp: 5, payload: [0xA8, 1, 0x03, 0, 0x86, 3]),
                Piece(index: 2, timestamp: 5, marker: true, payload: [0xA4, 1, 0x03, 0, 4]),
            ])
        let index: [UInt8] = [0xD9, 3, 0, 0, 0, 3, 0, 0, 0, 0xD9]
        #expect(
            units == [
                AccessUnit(bytes: [0x82, 1, 2, 0x86, 3, 4] + index, timestamp: 5, isKeyFrame: true, isComplete: true)
            ])
    }

    @Test func `VP9 flexible mode with references`() throws {
        var vp9 = try #require(Depacketizer(codec: .vp9))
        let units = try feed(
            &vp9,
            [
                Piece(index: 0, timestamp: 1, marker: true, payload: [0x9C, 1, 0x82, 1]),  // I F B E
                Piece(index: 1, timestamp: 2, marker: true, payload: [0xDC, 2, 0x03, 0x04, 0x86, 2]),  // P_DIFF 1, 2
            ])
        #expect(units.map(\.bytes) == [[0x82, 1], [0x86, 2]])
        #expect(units.map(\.isKeyFrame) == [true, false])
    }

    @Test func `an IDR picture without parameter sets gets those of before`() throws {
        var h264 = try #require(Depacketizer(codec: .h264))
        var units = try feed(&h264, [Piece(index: 0, timestamp: 0, marker: true, payload: [0x65, 0x88, 1])])
        #expect(units.map(\.isKeyFrame) == [false], "no parameter sets are known")
        #expect(h264.needsKeyFrame)
        units = try feed(
            &h264,
            [
                Piece(index: 1, timestamp: 1, payload: [0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xCE]),
                Piece(index: 2, timestamp: 1, marker: true, payload: [0x65, 0x88, 1]),
                Piece(index: 3, timestamp: 2, marker: true, payload: [0x65, 0x88, 2]),
                Piece(index: 4, timestamp: 3, marker: true, payload: [0x41, 0x9A, 3]),
            ])
        let sets: [UInt8] = [0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xCE]
        #expect(
            units.map(\.bytes) == [
                sets + [0, 0, 0, 1, 0x65, 0x88, 1], sets + [0, 0, 0, 1, 0x65, 0x88, 2], [0, 0, 0, 1, 0x41, 0x9A, 3],
            ])
        #expect(units.map(\.isKeyFrame) == [true, true, false])
        guard case .h264(let inner) = h264 else { return }
        #expect(inner.parameterSets.sequence == [0x67, 0x42])
        #expect(inner.parameterSets.picture == [0x68, 0xCE])
    }

    @Test func `broken H264 payloads make the frame incomplete`() throws {
        for payload: [UInt8] in [
            [0x78, 0, 9, 0x65],  // STAP-A that runs over the end
            [0x78, 0],  // … that ends in a length
            [0x7C],  // FU-A without its head
            [0x7C, 0x05, 1],  // FU-A that never began
            [0x79, 0, 0, 0, 1, 0x65], [0x7D, 0x85, 1], [0x00, 1],  // STAP-B, FU-B, type 0
        ] {
            var h264 = try #require(Depacketizer(codec: .h264))
            let units = try feed(
                &h264,
                [
                    Piece(index: 0, timestamp: 0, payload: [0x67, 0x42]),
                    Piece(index: 1, timestamp: 0, marker: true, payload: payload),
                ])
            #expect(units.map(\.isComplete) == [false], "\(payload)")
            #expect(h264.needsKeyFrame)
        }
    }

    @Test func `a fragmented unit that is not ended makes the frame incomplete`() throws {
        var h264 = try #require(Depacketizer(codec: .h264))
        let units = try feed(
            &h264,
            [
                Piece(index: 0, timestamp: 0, payload: [0x67, 0x42]),
                Piece(index: 1, timestamp: 0, payload: [0x7C, 0x85, 0x88]),
                Piece(index: 2, timestamp: 0, marker: true, payload: [0x65, 0x08]),
            ])
        #expect(units.map(\.isComplete) == [false])
    }

    @Test func `Opus loses only what is lost`() throws {
        var opus = try #require(Depacketizer(codec: .opus))
        let units = try feed(
            &opus,
            [
                Piece(index: 0, timestamp: 0, payload: [1]), Piece(index: 2, timestamp: 1_920, payload: [3]),
                Piece(index: 1, timestamp: 960, payload: [2]), Piece(index: 3, timestamp: 2_880, payload: []),
            ])
        #expect(units.map(\.bytes) == [[1], [3]])
        #expect(units.map(\.timestamp) == [0, 1_920])
        #expect(!opus.needsKeyFrame)
        #expect(Depacketizer(codec: .other).map { _ in 0 } == nil)
    }
}
