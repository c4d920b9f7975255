import Base
import Foundation
import Testing

extension AllSystemTests {
    /// aiortc is no browser and shares no code with one: ICE, DTLS, SRTP and SCTP of its own.
    @Suite(.serialized) struct `Other implementations of WebRTC` {
        @Test(arguments: ["VP8", "H264"])
        func `aiortc sends by WHIP, and what it sends comes back by WHEP`(codec: String) async throws {
            let daemon = try await Daemon()
            let sender = try await RTCPeer.start(
                "rtc_peer.py", ["whip", "\(daemon.url)/rooms/two/whip", "--video", codec])
            let seen = try await RTCPeer.run("rtc_peer.py", ["whep", "\(daemon.url)/rooms/two/whep", "--video", codec])
            #expect(seen["width"] == 320 && seen["height"] == 180, "\(seen.text)")
            // The tone has a quarter of what 16 bits can be; its beginning may be softer.
            #expect((1000...16_000).contains(seen["loudest"]?.integerValue ?? 0), "\(seen.text)")
            try await sender.stop()
            try await daemon.event("broadcaster.closed", room: "two") { $0["role"] == "publisher" }
            try await daemon.stop()
        }

        @Test func `a browser sees what aiortc sends, and aiortc what a browser sends`() async throws {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let sender = try await RTCPeer.start("rtc_peer.py", ["whip", "\(daemon.url)/rooms/there/whip"])
            let viewer = try await driver.open()
            try await viewer.go("\(daemon.url)/rooms/there/watch")
            let seen = try await viewer.watch(frames: 30)
            #expect(seen["width"] == 320 && seen["height"] == 180, "\(seen.text)")
            try await viewer.screenshot("watch-aiortc")
            try await sender.stop()

            try await viewer.go("\(daemon.url)/rooms/back/publish")
            try await viewer.click("#start")
            try await daemon.event("media.flowing", room: "back") { $0["kind"] == "video" }
            let returned = try await RTCPeer.run("rtc_peer.py", ["whep", "\(daemon.url)/rooms/back/whep"])
            #expect(returned["width"]?.integerValue ?? 0 >= 320, "\(returned.text)")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `an application of mediasoup-client's sends, receives, pauses and closes over protoo`() async throws
        {
            let daemon = try await Daemon()
            let told = try await RTCPeer.run(
                "mediasoup_peer.py", ["ws://127.0.0.1:\(daemon.port)", "conference"])
            #expect(told["seen"]?["width"] == 320 && told["seen"]?["height"] == 180, "\(told.text)")
            #expect(told["codecs"] == ["audio/opus", "video/VP8"], "\(told.text)")
            #expect(told["statistics"] == "outbound-rtp", "\(told.text)")
            try await daemon.stop()
        }

        @Test func `data channels of mediasoup-client's carry messages both ways, beside media and without`()
            async throws
        {
            let daemon = try await Daemon()
            let told = try await RTCPeer.run(
                "mediasoup_peer.py", ["ws://127.0.0.1:\(daemon.port)", "chat", "--data"])
            #expect(told["heard"] == ["anna": ["hello anna"], "bert": ["hello bert"]], "\(told.text)")
            #expect(told["seen"]?["width"] == 320, "\(told.text)")
            try await daemon.stop()
        }
    }
}
