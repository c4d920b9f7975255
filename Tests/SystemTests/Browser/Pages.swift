import Base
import Foundation
import Testing

extension AllSystemTests {
    /// The pages for people, in Debian's Chromium: what a person sees and hears.
    @Suite(.serialized) struct Pages {
        @Test func `an empty room says that nobody sends, and how to change that`() async throws {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let browser = try await driver.open()
            try await browser.go("\(daemon.url)/rooms/an%20empty%20room/watch")
            try await browser.eventually(
                "the sentence", "return document.body.innerText.includes('Nobody sends into this room')")
            #expect(try await browser.run("return document.querySelector('h1').innerText") == "Room an empty room")
            try await browser.screenshot("watch-empty")
            let rooms = try await daemon.call("GET", "/api/v1/rooms").json["rooms"]
            #expect(rooms == [], "looking makes no room")
            // One 404, of the room that isn't there; nothing else is on the console: no part of a page was refused.
            let lines = try await browser.console().filter { !$0.contains("/api/v1/rooms/") }
            #expect(lines == [])
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `what a browser publishes is seen and heard in another, muted, dark, on and after a reload`()
            async throws
        {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let publisher = try await driver.open()
            let viewer = try await driver.open(dark: true)
            try await viewer.go("\(daemon.url)/rooms/studio/watch")
            try await publisher.go("\(daemon.url)/rooms/studio/publish")
            try await publisher.screenshot("publish-before")
            try await publisher.click("#start")
            try await publisher.eventually(
                "the connection", "return document.getElementById('summary').innerText === 'Sending'")
            let seen = try await viewer.watch(frames: 60)
            #expect(seen["width"]?.integerValue ?? 0 >= 320, "\(seen.text)")
            #expect(seen["energy"]?.doubleValue ?? 0 > 0, "\(seen.text)")
            figure("a page's first picture: \(seen["first"]?.text ?? "?") ms after POST")
            try await Task.sleep(for: .seconds(2))
            try await publisher.screenshot("publish-sending")
            try await viewer.screenshot("watch-studio-dark")

            // Mute: the sound goes on, silent. Nothing of the energy of beeps is added any more.
            try await publisher.click("#mute")
            try await viewer.eventually("silence", "\(Self.energy) ; return await grown() < 1e-5")
            try await publisher.click("#mute")
            try await viewer.eventually("sound again", "\(Self.energy) ; return await grown() > 1e-5")

            // Picture off, and on again: the same tile.
            try await publisher.click("#camera-off")
            try await viewer.eventually(
                "the words for it", "return document.querySelector('.words').innerText.includes('no picture')")
            try await viewer.screenshot("watch-picture-off")
            try await publisher.click("#camera-off")
            try await viewer.eventually("the picture again", Self.pictureGrows)

            // A reload ends the session at once, and the page can begin again.
            try await publisher.reload()
            try await viewer.eventually(
                "nobody sends", "return document.getElementById('summary').innerText === 'Nobody sends'")
            try await publisher.click("#start")
            _ = try await viewer.watch(frames: 30)
            // The viewer's reload.
            try await viewer.reload()
            _ = try await viewer.watch(frames: 30)
            try await publisher.click("#start")
            try await viewer.eventually(
                "nobody sends", "return document.getElementById('summary').innerText === 'Nobody sends'")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test(arguments: ["VP8", "VP9", "H264"])
        func `pages publish and play each codec`(codec: String) async throws {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let publisher = try await driver.open()
            let viewer = try await driver.open()
            try await publisher.go("\(daemon.url)/rooms/codecs/publish")
            try await publisher.run("document.getElementById('codec').value = arguments[0]", [.string(codec)])
            try await publisher.click("#start")
            try await viewer.go("\(daemon.url)/rooms/codecs/watch")
            let seen = try await viewer.watch(frames: 30)
            #expect(seen["codec"]?.stringValue == codec && seen["sound"] == "opus", "\(seen.text)")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `of several sizes the viewer chooses one, and goes back to the best`() async throws {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let publisher = try await driver.open()
            let viewer = try await driver.open()
            try await publisher.go("\(daemon.url)/rooms/sizes/publish")
            try await publisher.click("#simulcast")
            try await publisher.click("#start")
            try await viewer.go("\(daemon.url)/rooms/sizes/watch")
            _ = try await viewer.watch(frames: 10)
            for (place, fits) in [(3, "=== 180"), (0, "> 180"), (2, "=== 360")] {
                try await viewer.choose(quality: place, ofHeight: fits)
            }
            try await viewer.screenshot("watch-sizes")
            try await publisher.screenshot("publish-sizes")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `an address that doesn't reach the gateway is named, and what to check`() async throws {
            // TEST-NET-1 (RFC 5737): nobody has it.
            let daemon = try await Daemon(["--announced-address", "192.0.2.1"])
            let driver = try await WebDriver()
            let browser = try await driver.open()
            try await browser.go("\(daemon.url)/rooms/far/publish")
            try await browser.click("#start")
            let text = try await browser.eventually(
                "the reason",
                "const text = document.getElementById('notices').innerText; return text.includes('ICE failed') && text")
            #expect(
                text.stringValue?.contains("No connection for media to 192.0.2.1, UDP port ") == true, "\(text.text)")
            #expect(text.stringValue?.contains("webrtc.announcedAddresses") == true)
            try await browser.screenshot("publish-ice-failed")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `a viewer joins a file that plays, and sees it at once`() async throws {
            let daemon = try await Daemon()
            let clip = daemon.media.appendingPathComponent("clip.mp4").path
            try await Clips.make(clip, seconds: 20, Clips.h264AAC)
            let ingest = try daemon.ladle(["ingest", clip, "--room", "cinema", "--loop"])
            try await daemon.event("media.flowing", room: "cinema") { $0["kind"] == "video" }
            let driver = try await WebDriver()
            let viewer = try await driver.open()
            var firsts: [Int] = []
            for _ in 0..<5 {
                try await viewer.go("\(daemon.url)/rooms/cinema/watch")
                let seen = try await viewer.watch(frames: 30)
                #expect(seen["width"] == 640 && seen["height"] == 360, "\(seen.text)")
                #expect(seen["codec"] == "H264")
                firsts.append(Int(try #require(seen["first"]?.integerValue)))
                figure(
                    "a viewer's first picture of a file: \(firsts.last ?? 0) ms after POST, "
                        + "\(seen["afterConnecting"]?.text ?? "?") ms after ICE")
            }
            try await Task.sleep(for: .seconds(2))
            try await viewer.screenshot("watch-file")
            ingest.signal(SIGINT)
            #expect(try await ingest.wait(seconds: 30) == 0, "\(ingest.text)")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `without its token a page asks for it, and takes it from the address`() async throws {
            let scratch = try Scratch()
            try "s3cret-enough".write(toFile: scratch.path("token"), atomically: true, encoding: .utf8)
            let daemon = try await Daemon(["--token-file", scratch.path("token")], token: "s3cret-enough")
            let driver = try await WebDriver()
            let browser = try await driver.open(width: 420, height: 800)
            try await browser.go("\(daemon.url)/rooms/locked/watch")
            try await browser.eventually(
                "the question for a token",
                "return !document.getElementById('token').hidden && document.body.innerText.includes('a bearer token is required')"
            )
            try await browser.screenshot("watch-token-narrow")
            try await browser.run("document.getElementById('token-text').value = 'wrong'")
            try await browser.click("#token button")
            try await browser.eventually(
                "the gateway's word about a wrong one",
                "return document.body.innerText.includes('the bearer token is not the right one')")
            try await browser.go("\(daemon.url)/rooms/locked/publish#token=s3cret-enough")
            try await browser.click("#start")
            try await browser.eventually(
                "the connection", "return document.getElementById('summary').innerText === 'Sending'")
            #expect(try await browser.run("return location.href").stringValue?.contains("s3cret-enough") == false)
            // The tab remembers.
            try await browser.go("\(daemon.url)/rooms/locked/watch")
            try await browser.eventually(
                "the room", "return document.getElementById('summary').innerText === 'Nobody sends'")
            try await driver.stop()
            try await daemon.stop()
        }

        @Test func `the pages can be used with the keyboard alone`() async throws {
            let daemon = try await Daemon()
            let driver = try await WebDriver()
            let browser = try await driver.open()
            try await browser.go("\(daemon.url)/rooms/keys/publish")
            // Tab until the button has the focus, then the space bar.
            for _ in 0..<30 {
                try await browser.press("\u{E004}")
                if try await browser.run("return document.activeElement.id") == "start" { break }
            }
            #expect(try await browser.run("return document.activeElement.id") == "start")
            try await browser.press(" ")
            try await browser.eventually(
                "the connection", "return document.getElementById('summary').innerText === 'Sending'")
            // Everything that can be operated has a name (WCAG 2.2, 4.1.2).
            let nameless = try await browser.run(
                """
                return [...document.querySelectorAll('button, select, input, a, meter, video')].filter((element) =>
                    element.checkVisibility() && !(element.ariaLabel || element.textContent.trim() || element.labels?.length))
                    .map((element) => element.outerHTML)
                """)
            #expect(nameless == [], "\(nameless.text)")
            try await driver.stop()
            try await daemon.stop()
        }

        /// How much the energy of the received sound grows within a second.
        private static let energy = """
            async function grown() {
                const energy = async () => {
                    const [sender] = ladle.senders.values();
                    const report = await sender.session.pc.getStats();
                    return [...report.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio').totalAudioEnergy;
                };
                const before = await energy();
                await new Promise((done) => setTimeout(done, 1500));
                return await energy() - before;
            }
            """

        static let pictureGrows = """
            const decoded = () => Number(document.querySelector('.tile')?.dataset.decoded ?? 0);
            const before = decoded();
            await new Promise((done) => setTimeout(done, 2500));
            return decoded() > before + 10 && document.querySelector('.words').hidden;
            """
    }
}

extension Browser {
    /// On the watch page: waits for the first sender's picture to have been decoded so often.
    func watch(frames: Int) async throws -> JSONValue {
        let text = try await eventually(
            "\(frames) pictures",
            """
            const [sender] = globalThis.ladle?.senders.values() ?? [];
            if (!sender?.session) return null;
            const report = [...(await sender.session.pc.getStats()).values()];
            const picture = report.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
            const sound = report.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
            if (!picture || picture.framesDecoded < arguments[0] || !(sound?.totalAudioEnergy > 0)) return null;
            const { firstFrame, afterConnecting } = document.querySelector('.tile').dataset;
            return JSON.stringify({
                frames: picture.framesDecoded, width: picture.frameWidth, height: picture.frameHeight,
                energy: sound.totalAudioEnergy, first: Number(firstFrame), afterConnecting: Number(afterConnecting),
                codec: report.find(({ id }) => id === picture.codecId).mimeType.split('/')[1],
                sound: report.find(({ id }) => id === sound.codecId).mimeType.split('/')[1],
            });
            """.replacingOccurrences(of: "arguments[0]", with: "\(frames)"))
        return try JSONValue(parsing: text.stringValue ?? "")
    }
}
