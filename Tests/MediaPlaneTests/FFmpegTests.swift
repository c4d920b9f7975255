import Base
import Glibc
import MediaCore
import MediaPlane
import Testing

@Suite struct FFmpegTests {
    /// The first thin slice of the house: a real sender, the core, and sockets that dump what comes out.
    @Test func `ffmpeg's VP8 and Opus come out unbroken, and the picture starts with a key frame`() async throws {
        let stage = try await Stage()
        let (audioSink, videoSink) = (try TestSocket(), try TestSocket())
        let audioIn = try await stage.inlet(rtcpMux: false)
        let videoIn = try await stage.inlet(rtcpMux: false)
        let audio = try await stage.produceAudio(on: audioIn.id, ssrc: 1111)
        let video = try await stage.produceVideo(on: videoIn.id, ssrc: 2222)
        let audioOut = try await stage.outlet(to: audioSink.address.port)
        let videoOut = try await stage.outlet(to: videoSink.address.port)
        let audioConsumer = try await stage.consume(audio.id, on: audioOut.id)
        let videoConsumer = try await stage.consume(video.id, on: videoOut.id)

        let sender = try Tool(
            "ffmpeg",
            [
                "-nostdin", "-loglevel", "error", "-re",
                "-f", "lavfi", "-i", "testsrc=size=320x240:rate=30", "-f", "lavfi", "-i", "sine=sample_rate=48000",
                "-t", "20", "-map", "1:a", "-c:a", "libopus", "-ac", "2", "-map", "0:v", "-pix_fmt", "yuv420p",
                "-c:v", "libvpx", "-b:v", "1000k", "-g", "30", "-deadline", "realtime", "-cpu-used", "8", "-f", "tee",
                "[select=a:f=rtp:ssrc=1111:payload_type=111]\(try url(audioIn))|"
                    + "[select=v:f=rtp:ssrc=2222:payload_type=101]\(try url(videoIn))",
            ])
        defer { sender.stop() }

        let audioPackets = dump(audioSink, 50)
        let videoPackets = dump(videoSink, 150)
        check(audioPackets, of: audioConsumer)
        check(videoPackets, of: videoConsumer)
        #expect(audioPackets.count == 50)
        #expect(videoPackets.count == 150)
        #expect(try startsKeyFrame(#require(videoPackets.first)))
        // A frame's packets share a timestamp, and only the last has the marker.
        for (packet, next) in zip(videoPackets, videoPackets.dropFirst()) {
            #expect((packet.timestamp != next.timestamp) == packet.marker)
        }

        // RTCP came from another port of ffmpeg's, and was latched by itself.
        var isRTCPConnected = false
        for await event in stage.core.events {
            if case .transportRTCPConnected(videoIn.id, let tuple) = event {
                #expect(tuple.localPort == videoIn.rtcpTuple?.localPort)
                isRTCPConnected = true
                break
            }
        }
        #expect(isRTCPConnected)
        await stage.core.shutDown()
    }

    private func url(_ transport: PlainTransportDescription) throws -> String {
        let rtcp = try #require(transport.rtcpTuple)
        return "rtp://127.0.0.1:\(transport.tuple.localPort)?rtcpport=\(rtcp.localPort)"
    }

    private func dump(_ socket: TestSocket, _ count: Int) -> [SeenPacket] {
        var packets: [SeenPacket] = []
        while packets.count < count, let packet = socket.receiveRTP() { packets.append(packet) }
        return packets
    }

    private func check(_ packets: [SeenPacket], of consumer: ConsumerDescription) {
        for packet in packets {
            #expect(packet.ssrc == consumer.rtpParameters.encodings.first?.ssrc)
            #expect(packet.payloadType == consumer.rtpParameters.codecs.first?.payloadType)
        }
        for (packet, next) in zip(packets, packets.dropFirst()) {
            #expect(next.sequence == packet.sequence &+ 1)
        }
    }

    /// VP8's payload descriptor (RFC 7741 §4.2) and the first bit of the frame header (§4.3): 0 is a key frame.
    private func startsKeyFrame(_ packet: SeenPacket) throws -> Bool {
        let bytes = Array(packet.payload)
        try #require(bytes.count > 6)
        var start = 1
        if bytes[0] & 0x80 != 0 {
            let extensions = bytes[1]
            start += 1
            if extensions & 0x80 != 0 { start += bytes[start] & 0x80 != 0 ? 2 : 1 }
            if extensions & 0x40 != 0 { start += 1 }
            if extensions & 0x30 != 0 { start += 1 }
        }
        try #require(start < bytes.count)
        return bytes[0] & 0x10 != 0 && bytes[0] & 0x07 == 0 && bytes[start] & 1 == 0
    }
}

/// A program of the system's, found by its name; ends with its owner's `stop`.
struct Tool {
    private let process: pid_t

    init(_ name: String, _ arguments: [String]) throws {
        var process = pid_t()
        var words: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        try #require(posix_spawnp(&process, name, nil, nil, &words, environ) == 0, "cannot start \(name)")
        self.process = process
    }

    func stop() {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}
