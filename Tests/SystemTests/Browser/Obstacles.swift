import Base
import Foundation
import Testing

/// Why there is no picture, in words.
extension AllSystemTests.Pages {
    @Test func `a codec that the browser can't play is named, with its sound and without`() async throws {
        let h265: JSONValue = [
            "codecs": [["mimeType": "video/H265", "payloadType": 101, "clockRate": 90_000]],
            "encodings": [["ssrc": 2222]],
        ]
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let browser = try await driver.open()
        for (room, hasSound) in [("loud", true), ("mute", false)] {
            let script = BroadcasterScript(daemon: daemon, room: room)
            try await script.join(device: "camera")
            if hasSound {
                try await script.produce(
                    try await script.createTransport(), kind: "audio", rtpParameters: BroadcasterScript.opus)
            }
            try await script.produce(try await script.createTransport(), kind: "video", rtpParameters: h265)
            try await browser.go("\(daemon.url)/rooms/\(room)/watch")
            let text = try await browser.eventually(
                "the words for it",
                """
                const words = document.querySelector('.words')?.innerText;
                return words?.includes('H265') && words;
                """)
            #expect(
                text.stringValue?.hasPrefix("The picture is H265, which this browser can’t play. It plays VP8") == true,
                "\(text.text)")
            try await browser.screenshot("watch-codec-\(room)")
        }
        try await driver.stop()
        try await daemon.stop()
    }

    @Test func `a viewer whom media doesn't reach is told the address and the port`() async throws {
        // TEST-NET-1 (RFC 5737): nobody has it.
        let daemon = try await Daemon(["--webrtc-announced-address", "192.0.2.1"])
        let clip = daemon.media.appendingPathComponent("clip.mp4").path
        try await Clips.make(clip, Clips.h264AAC)
        let ingest = try daemon.ladle(["ingest", clip, "--room", "far", "--loop"])
        try await daemon.event("media.flowing", room: "far") { $0["kind"] == "video" }
        let driver = try await WebDriver()
        let browser = try await driver.open()
        try await browser.go("\(daemon.url)/rooms/far/watch")
        let text = try await browser.eventually(
            "the reason",
            "const text = document.querySelector('.sender .notice')?.innerText; return text?.includes('ICE failed') && text"
        )
        #expect(text.stringValue?.contains("No connection for media to 192.0.2.1, UDP port ") == true, "\(text.text)")
        try await browser.screenshot("watch-ice-failed")
        // Firefox leaves the loopback alone, where a gateway is at first.
        for (address, agent, hint) in [
            ("127.0.0.1", "Firefox/153.0", "webrtc.addresses"), ("::1", "Firefox/153.0", "webrtc.addresses"),
            ("127.0.0.1", "Chrome/156.0", "webrtc.announcedAddresses"),
            ("192.0.2.1", "Firefox/153.0", "webrtc.announcedAddresses"),
        ] {
            let words = try await browser.run(
                """
                const source = document.querySelector('script[type=module]').src;
                const { unreachable } = await import(new URL('session.js', source));
                return unreachable(`a=candidate:1 1 udp 1 ${arguments[0]} 4000 typ host`, arguments[1]);
                """, [.string(address), .string(agent)])
            #expect(
                words.stringValue?.hasPrefix("No connection for media to \(address), UDP port 4000 (ICE failed).")
                    == true,
                "\(words.text)")
            #expect(words.stringValue?.contains(hint) == true, "\(words.text)")
        }
        ingest.signal(SIGINT)
        #expect(try await ingest.wait(seconds: 60) == 0, "\(ingest.text)")
        try await driver.stop()
        try await daemon.stop()
    }
}
