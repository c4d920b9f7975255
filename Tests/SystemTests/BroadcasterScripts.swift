import Base
import Foundation
import Testing

/// The calls of mediasoup-demo's broadcaster scripts (October 2024), step by step.
struct BroadcasterScript {
    let daemon: Daemon
    let room: String
    let id = String(UUID().uuidString.replacingOccurrences(of: "-", with: "").prefix(32))

    struct Endpoint {
        let id: String
        let ip: String
        let port: Int64
        let rtcpPort: Int64
    }

    /// Steps 1 and 2: the room's capabilities, then the broadcaster.
    func join(device: String) async throws {
        let capabilities = try await daemon.call("GET", "/rooms/\(room)")
        try #require(capabilities.status == 200)
        #expect(capabilities.contentType == "application/json; charset=utf-8")
        #expect(capabilities.json["codecs"]?.arrayValue?.first?["mimeType"] == "audio/opus")
        let created = try await daemon.call(
            "POST", "/rooms/\(room)/broadcasters",
            json: ["id": JSONValue(id), "displayName": "Broadcaster", "device": ["name": JSONValue(device)]])
        try #require(created.status == 200, "\(created.text)")
        #expect(created.json == ["peers": []])
    }

    /// Steps 4 and 5.
    func createTransport() async throws -> Endpoint {
        let answer = try await daemon.call(
            "POST", "/rooms/\(room)/broadcasters/\(id)/transports",
            json: ["type": "plain", "comedia": true, "rtcpMux": false])
        try #require(answer.status == 200, "\(answer.text)")
        return Endpoint(
            id: try #require(answer.json["id"]?.stringValue), ip: try #require(answer.json["ip"]?.stringValue),
            port: try #require(answer.json["port"]?.integerValue),
            rtcpPort: try #require(answer.json["rtcpPort"]?.integerValue))
    }

    /// Steps 6 and 7.
    @discardableResult
    func produce(_ transport: Endpoint, kind: String, rtpParameters: JSONValue) async throws -> String {
        let answer = try await daemon.call(
            "POST", "/rooms/\(room)/broadcasters/\(id)/transports/\(transport.id)/producers",
            json: ["kind": JSONValue(kind), "rtpParameters": rtpParameters])
        try #require(answer.status == 200, "\(answer.text)")
        return try #require(answer.json["id"]?.stringValue)
    }

    /// What the scripts' EXIT trap does.
    func leave() async throws {
        let answer = try await daemon.call("DELETE", "/rooms/\(room)/broadcasters/\(id)")
        #expect(answer.status == 200)
        #expect(answer.text == "broadcaster deleted")
    }

    static let opus: JSONValue = [
        "codecs": [
            [
                "mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2,
                "parameters": ["sprop-stereo": 1],
            ]
        ], "encodings": [["ssrc": 1111]],
    ]
    static let vp8: JSONValue = [
        "codecs": [["mimeType": "video/vp8", "payloadType": 101, "clockRate": 90_000]], "encodings": [["ssrc": 2222]],
    ]
}

extension AllSystemTests {
    @Suite struct `Scripts written for mediasoup-demo` {
        @Test func `ffmpeg sends VP8 and Opus, and a recording gets them from the first key frame on`() async throws {
            let daemon = try await Daemon()
            let clip = daemon.scratch.path("clip.mp4")
            try await Clips.make(clip, Clips.h264AAC)

            let script = BroadcasterScript(daemon: daemon, room: "ffmpeg")
            try await script.join(device: "FFmpeg")
            let audio = try await script.createTransport()
            let video = try await script.createTransport()
            try await script.produce(audio, kind: "audio", rtpParameters: BroadcasterScript.opus)
            try await script.produce(video, kind: "video", rtpParameters: BroadcasterScript.vp8)
            let ffmpeg = try Tool(
                "ffmpeg",
                [
                    "-re", "-v", "info", "-stream_loop", "-1", "-i", clip,
                    "-map", "0:a:0", "-acodec", "libopus", "-ab", "128k", "-ac", "2", "-ar", "48000",
                    "-map", "0:v:0", "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-b:v", "1000k", "-deadline", "realtime",
                    "-cpu-used", "4", "-f", "tee",
                    "[select=a:f=rtp:ssrc=1111:payload_type=100]rtp://\(audio.ip):\(audio.port)?rtcpport=\(audio.rtcpPort)|"
                        + "[select=v:f=rtp:ssrc=2222:payload_type=101]rtp://\(video.ip):\(video.port)?rtcpport=\(video.rtcpPort)",
                ], output: daemon.scratch.url.appendingPathComponent("ffmpeg.log"))
            try await daemon.event("media.flowing", room: "ffmpeg") { $0["kind"] == "video" }
            try await daemon.event("media.flowing", room: "ffmpeg") { $0["kind"] == "audio" }
            // RTP and RTCP come from sockets of their own and are latched separately.
            for endpoint in [audio, video] {
                for isRTCP in [false, true] {
                    try await daemon.event("transport.connected", room: "ffmpeg") {
                        $0["transportId"]?.stringValue == endpoint.id && $0["rtcp"]?.boolValue == isRTCP
                    }
                }
            }

            // ffmpeg signals no feedback and gives a key frame each 128 frames only: the recording starts from the cache.
            let recording = try await daemon.call("POST", "/api/v1/recordings", json: ["room": "ffmpeg"])
            try #require(recording.status == 201, "\(recording.text)")
            let id = try #require(recording.json["id"]?.stringValue)
            try await daemon.event("recording.started", room: "ffmpeg", seconds: 30)
            try await eventually("three seconds in the file") {
                let status = try await daemon.call("GET", "/api/v1/recordings/\(id)").json
                return status["seconds"]?.doubleValue ?? 0 >= 3 ? true : nil
            }
            try await script.leave()
            ffmpeg.signal(SIGKILL)
            let finished = try await daemon.event("recording.finished", room: "ffmpeg")
            let file = try #require(finished["file"]?.stringValue)
            let streams = try await MediaFile.probe(file)
            #expect(Set(streams.codecs) == ["vp8", "opus"])
            #expect(streams.durationSeconds >= 2.8)
            #expect(try await MediaFile.decodeErrors(file) == "")

            let closed = try await daemon.events(room: "ffmpeg").filter { $0["type"] == "producer.closed" }
            #expect(closed.count == 2)
            try await daemon.stop()
        }

        @Test func `gst-launch sends VP8 and Opus to the same calls`() async throws {
            let daemon = try await Daemon()
            let clip = daemon.scratch.path("clip.mp4")
            try await Clips.make(clip, Clips.h264AAC)
            let script = BroadcasterScript(daemon: daemon, room: "gst")
            try await script.join(device: "GStreamer")
            let audio = try await script.createTransport()
            let video = try await script.createTransport()
            try await script.produce(audio, kind: "audio", rtpParameters: BroadcasterScript.opus)
            try await script.produce(video, kind: "video", rtpParameters: BroadcasterScript.vp8)
            let recording = try await daemon.call("POST", "/api/v1/recordings", json: ["room": "gst"])
            try #require(recording.status == 201, "\(recording.text)")

            let gst = try Tool(
                "gst-launch-1.0",
                """
                rtpbin name=rtpbin filesrc location=\(clip) ! qtdemux name=demux
                demux.video_0 ! queue ! decodebin ! videoconvert ! vp8enc target-bitrate=1000000 deadline=1 cpu-used=4
                ! rtpvp8pay pt=101 ssrc=2222 picture-id-mode=2 ! rtpbin.send_rtp_sink_0
                rtpbin.send_rtp_src_0 ! udpsink host=\(video.ip) port=\(video.port)
                rtpbin.send_rtcp_src_0 ! udpsink host=\(video.ip) port=\(video.rtcpPort) sync=false async=false
                demux.audio_0 ! queue ! decodebin ! audioresample ! audioconvert ! opusenc
                ! rtpopuspay pt=100 ssrc=1111 ! rtpbin.send_rtp_sink_1
                rtpbin.send_rtp_src_1 ! udpsink host=\(audio.ip) port=\(audio.port)
                rtpbin.send_rtcp_src_1 ! udpsink host=\(audio.ip) port=\(audio.rtcpPort) sync=false async=false
                """.split(whereSeparator: \.isWhitespace).map(String.init),
                output: daemon.scratch.url.appendingPathComponent("gst.log"))
            // rtpbin holds the end of the file back: gst-launch would never end by itself.
            let id = try #require(recording.json["id"]?.stringValue)
            try await eventually("three seconds in the file\n\(gst.text)") {
                let status = try await daemon.call("GET", "/api/v1/recordings/\(id)").json
                return status["seconds"]?.doubleValue ?? 0 >= 3 ? true : nil
            }
            gst.signal(SIGKILL)
            try await script.leave()
            let finished = try await daemon.event("recording.finished", room: "gst")
            let file = try #require(finished["file"]?.stringValue)
            let streams = try await MediaFile.probe(file)
            #expect(Set(streams.codecs) == ["vp8", "opus"])
            #expect(streams.durationSeconds >= 3)
            #expect(try await MediaFile.decodeErrors(file) == "")
            try await daemon.stop()
        }
    }
}
