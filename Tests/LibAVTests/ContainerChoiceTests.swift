import Glibc
import LibAV
import TestSupport
import Testing

/// What each container holds, and streams that change.
struct ContainerChoiceTests {
    @Test func `WebM says so, has an index and a duration, and holds VP8 and Opus`() throws {
        let file = try TemporaryFile()
        let writer = try ContainerWriter(
            descriptor: file.descriptor, name: "out.webm", format: .webm,
            tracks: [ContainerTrack(video: .vp8, width: 64, height: 48), ContainerTrack(opusChannels: 2)])
        let frames = FragmentedMP4Tests.frames(
            pictures: try Sample.pictures(.vp8, count: 100), sound: try Sample.sound(seconds: 4))
        for frame in frames { try writer.write(frame.packet, track: frame.track) }
        try writer.finish()
        let head = file.bytes.prefix(64)
        // DocType (RFC 8794 §11.2.6).
        #expect(head.indices.contains { head[$0...].starts(with: [0x42, 0x82, 0x84] + Array("webm".utf8)) })
        let bytes = file.bytes
        // Cues (RFC 9559 §5.1.5), found by the four bytes of its name.
        #expect(bytes.indices.contains { bytes[$0...].starts(with: [0x1C, 0x53, 0xBB, 0x6B]) })
        let input = try Input(descriptor: file.descriptor, name: "out.webm")
        let duration = try #require(input.duration)
        #expect(duration > .milliseconds(3970) && duration < .milliseconds(4030), "\(duration)")
        #expect(try FragmentedMP4Tests.read(bytes, name: "out.webm") == [100, frames.count - 100])
    }

    @Test(arguments: [(ContainerFormat.webm, ContainerTrack.Codec.h264), (.mp4, .vp8)])
    func `what a container can't hold is an error, no file`(format: ContainerFormat, codec: ContainerTrack.Codec) throws
    {
        LibAVLog.silence()
        defer { LibAVLog.toStandardError() }
        let file = try TemporaryFile()
        let error = #expect(throws: LibAVError.self) {
            try ContainerWriter(
                descriptor: file.descriptor, name: "out", format: format,
                tracks: [
                    ContainerTrack(
                        video: codec, width: 64, height: 48,
                        setup: codec == .h264 ? try Sample.pictures(.h264, count: 1)[0].bytes : [])
                ])
        }
        #expect(error?.description.contains("the header of out") == true)
    }

    /// A sender whose encoder begins anew with another size: a browser does that when its network gets worse.
    @Test(arguments: [ContainerFormat.matroska, .mp4])
    func `H264 whose size changes stays decodable, also behind a seek back`(format: ContainerFormat) throws {
        let file = try TemporaryFile()
        let sizes = [(64, 48), (128, 96), (64, 48)]
        let first = try Sample.pictures(.h264, count: 1)
        let writer = try ContainerWriter(
            descriptor: file.descriptor, name: "out", format: format,
            tracks: [ContainerTrack(video: .h264, width: 64, height: 48, setup: first[0].bytes)])
        var number = 0
        for (width, height) in sizes {
            for picture in try Sample.pictures(.h264, count: 50, width: width, height: height) {
                try writer.write(
                    Packet(
                        copying: picture.bytes, presentation: .milliseconds(40 * number),
                        duration: .milliseconds(40), isKey: picture.isKey), track: 0)
                number += 1
            }
        }
        try writer.finish()
        for tool in [
            ["ffmpeg", "-v", "error", "-i", file.path, "-f", "framecrc", "-autoscale", "0", "-"],
            ["ffmpeg", "-v", "error", "-ss", "4", "-i", file.path, "-f", "framecrc", "-autoscale", "0", "-"],
        ] {
            let result = try ExternalTool.run(tool)
            #expect(result.status == 0)
            #expect(result.errors == "")
            let pictures = result.text.split(separator: "\n").filter { $0.first != "#" }
            #expect(pictures.count == (tool.contains("-ss") ? 50 : 150))
        }
        let list = try ExternalTool.output([
            "ffprobe", "-v", "error", "-show_entries", "frame=width,height", "-of", "csv=p=0", file.path,
        ])
        let seen = String(decoding: list, as: UTF8.self).split(whereSeparator: \.isWhitespace).map { line in
            line.split(separator: ",").compactMap { Int($0) }
        }
        #expect(seen == sizes.flatMap { size in Array(repeating: [size.0, size.1], count: 50) })
    }
}
