import Base
import RTP
import TestSupport
import Testing

@Suite struct KeyFrameTests {
    private func isKeyFrame(_ codec: PayloadCodec, _ payload: [UInt8]) -> Bool {
        KeyFrame.isKeyFrame(codec: codec, payload: payload.span.bytes)
    }

    @Test(
        arguments: [
            ([0x10, 0x00], true),  // S, partition 0, P = 0
            ([0x10, 0x01], false),  // inter frame
            ([0x00, 0x00], false),  // not the start
            ([0x11, 0x00], false),  // partition 1
            ([0x10], false), ([], false),  // no data
            ([0x90, 0x80, 0x05, 0x00], true),  // 7-bit picture id
            ([0x90, 0x80, 0x85, 0x01, 0x00], true),  // 15-bit picture id
            ([0x90, 0xE0, 0x85, 0x01, 0x07, 0x20, 0x01], false),  // all fields, inter frame
            ([0x90, 0xF0, 0x85, 0x01, 0x07, 0x20, 0x00], true),
            ([0x90, 0xF0, 0x85, 0x01, 0x07], false),  // cut in the descriptor
        ] as [([UInt8], Bool)])
    func `VP8`(payload: [UInt8], expected: Bool) { #expect(isKeyFrame(.vp8, payload) == expected) }

    @Test(
        arguments: [
            ([0x88, 0x01, 0x00], true),  // I and B: the descriptor decides
            ([0x08, 0x82], true),  // B alone: the frame header is asked
            ([0x08, 0x86], false), ([0x08, 0x8A], false),  // inter frame, shown again
            ([0x08, 0xB0], true), ([0x08, 0xB2], false),  // profile 3 has one bit more
            ([0x48, 0x00], false),  // B and P
            ([0x04, 0x00], false),  // no B
            ([0x8A, 0x81, 0x02, 0x18, 0x00, 0xB0, 0x00, 0x90, 0x01, 0x00, 0x00], true),  // I, B, V with resolution
            ([0xA8, 0x01, 0x00, 0x00], true),  // L, spatial layer 0
            ([0xA8, 0x01, 0x02, 0x00], false),  // spatial layer 1
            ([0x28], false), ([], false),
        ] as [([UInt8], Bool)])
    func `VP9`(payload: [UInt8], expected: Bool) { #expect(isKeyFrame(.vp9, payload) == expected) }

    @Test(
        arguments: [
            ([0x67, 0x42], true),  // SPS
            ([0x65, 0x88], false),  // IDR alone is none
            ([0x68], false),
            ([0x78, 0x00, 0x02, 0x67, 0x42, 0x00, 0x01, 0x68], true),  // STAP-A: SPS, PPS
            ([0x78, 0x00, 0x01, 0x09, 0x00, 0x02, 0x67, 0x42], true),  // STAP-A: AUD, SPS
            ([0x78, 0x00, 0x01, 0x68, 0x00, 0x01, 0x65], false),
            ([0x78, 0xFF, 0xFF, 0x65], false), ([0x78, 0x00], false),
            ([0x7C, 0x87, 0x42], true),  // FU-A, start of an SPS
            ([0x7C, 0x07, 0x42], false),  // FU-A, not the start
            ([0x7C, 0x85, 0x42], false),  // FU-A, start of an IDR slice
            ([0x7D, 0x87], true), ([0x7C], false), ([], false),
        ] as [([UInt8], Bool)])
    func `H264`(payload: [UInt8], expected: Bool) { #expect(isKeyFrame(.h264, payload) == expected) }

    @Test func `codecs come from mime types, case does not matter`() {
        #expect(PayloadCodec(mimeType: "video/VP8") == .vp8)
        #expect(PayloadCodec(mimeType: "VIDEO/vp9") == .vp9)
        #expect(PayloadCodec(mimeType: "video/H264") == .h264)
        #expect(PayloadCodec(mimeType: "audio/opus") == .opus)
        #expect(PayloadCodec(mimeType: "video/H265") == .h265)
        #expect(PayloadCodec(mimeType: "video/AV1") == .av1)
        #expect(PayloadCodec(mimeType: "video/H266") == .other)
        #expect(!isKeyFrame(.opus, [0x10, 0x00]) && !isKeyFrame(.other, [0x10, 0x00]))
    }

    @Test func `the VP8 descriptor with all optional fields`() throws {
        let bytes: [UInt8] = [0xB3, 0xF0, 0x92, 0x34, 0x56, 0xA9, 0xFF]
        let descriptor = try VP8PayloadDescriptor(parsing: bytes.span.bytes)
        #expect(descriptor.isNonReference)
        #expect(descriptor.startsPartition)
        #expect(descriptor.partition == 3)
        #expect(descriptor.pictureID == 0x1234)
        #expect(descriptor.hasLongPictureID)
        #expect(descriptor.pictureIDOffset == 2)
        #expect(descriptor.temporalLayerZeroIndex == 0x56)
        #expect(descriptor.temporalLayer == 2)
        #expect(descriptor.isLayerSync)
        #expect(descriptor.keyIndex == 9)
        #expect(descriptor.length == 6)
        for length in 0..<6 {
            let cut = Array(bytes[..<length])
            #expect(throws: PayloadParseError.self) { _ = try VP8PayloadDescriptor(parsing: cut.span.bytes) }
        }
    }

    @Test func `the VP9 descriptor, non-flexible with a scalability structure`() throws {
        let bytes: [UInt8] = [
            0xAA, 0x81, 0x02,  // I L B V, picture id 0x102
            0x52, 0x09,  // TID 2, U, SID 1; TL0PICIDX 9
            0x38, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68,  // 2 layers: 320x180, 640x360
            0x02, 0x04, 0x01, 0x48, 0x02, 0x03,  // 2 pictures: R = 1, R = 2
            0xFF,
        ]
        let descriptor = try VP9PayloadDescriptor(parsing: bytes.span.bytes)
        #expect(descriptor.pictureID == 0x102)
        #expect(descriptor.temporalLayer == 2)
        #expect(descriptor.isSwitchingUpPoint)
        #expect(descriptor.spatialLayer == 1)
        #expect(descriptor.temporalLayerZeroIndex == 9)
        #expect(descriptor.spatialLayerCount == 2)
        #expect(descriptor.width == 640)
        #expect(descriptor.height == 360)
        #expect(descriptor.length == bytes.count - 1)
        for length in 0..<bytes.count - 1 {
            let cut = Array(bytes[..<length])
            #expect(throws: PayloadParseError.self) { _ = try VP9PayloadDescriptor(parsing: cut.span.bytes) }
        }
    }

    @Test func `the VP9 descriptor, flexible with references`() throws {
        let bytes: [UInt8] = [0xF4, 0x07, 0x22, 0x03, 0x05, 0x06, 0xFF]  // I P L F E, three P_DIFF
        let descriptor = try VP9PayloadDescriptor(parsing: bytes.span.bytes)
        #expect(descriptor.isFlexible && descriptor.isInterPicturePredicted && descriptor.endsFrame)
        #expect(descriptor.pictureID == 7)
        #expect(descriptor.temporalLayerZeroIndex == nil)
        #expect(descriptor.temporalLayer == 1)
        #expect(descriptor.spatialLayer == 1)
        #expect(descriptor.length == 6)
    }

    @Test func `random payloads never trap`() {
        var generator = SeededGenerator(seed: 9)
        var found = 0
        for _ in 0..<50_000 {
            let payload = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let span = payload.span.bytes
            for codec in [PayloadCodec.vp8, .vp9, .h264, .h265, .av1]
            where KeyFrame.isKeyFrame(codec: codec, payload: span) {
                found += 1
            }
            if let descriptor = try? VP8PayloadDescriptor(parsing: span) { #expect(descriptor.length <= payload.count) }
            if let descriptor = try? VP9PayloadDescriptor(parsing: span) { #expect(descriptor.length <= payload.count) }
        }
        #expect(found > 1_000)
    }
}
