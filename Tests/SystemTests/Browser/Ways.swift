import Base
import Foundation
import Testing

/// How media gets through: by TCP, over a network that breaks or changes.
extension AllSystemTests.Pages {
    @Test func `where UDP doesn't get through, pages send and watch by TCP`() async throws {
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let publisher = try await driver.open()
        let viewer = try await driver.open()
        for browser in [publisher, viewer] {
            try await browser.before(
                """
                const set = RTCPeerConnection.prototype.setRemoteDescription;
                RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
                    return set.call(this, { type, sdp: sdp.replace(/^a=candidate:\\S+ \\d+ udp .*\\r\\n/gim, '') });
                };
                """)
        }
        try await publisher.go("\(daemon.url)/rooms/tunnel/publish")
        try await publisher.click("#start")
        try await viewer.go("\(daemon.url)/rooms/tunnel/watch")
        let seen = try await viewer.watch(frames: 60)
        figure("a page's first picture by TCP: \(seen["first"]?.text ?? "?") ms after POST")
        for (browser, session) in [(publisher, Self.sending), (viewer, Self.watching)] {
            let way = try await browser.run("\(Self.way) return way(\(session));")
            #expect(way["local"] == "tcp" && way["remote"] == "tcp", "\(way.text)")
        }
        try await driver.stop()
        try await daemon.stop()
    }

    @Test func `ICE begins anew under other credentials, and the picture goes on`() async throws {
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let publisher = try await driver.open()
        let viewer = try await driver.open()
        try await publisher.go("\(daemon.url)/rooms/anew/publish")
        try await publisher.click("#start")
        try await viewer.go("\(daemon.url)/rooms/anew/watch")
        _ = try await viewer.watch(frames: 30)
        for (browser, session) in [(publisher, Self.sending), (viewer, Self.watching)] {
            let before = try await browser.run("\(Self.way) return way(\(session));")
            try await browser.run("await \(session).restart();")
            let after = try await browser.eventually(
                "other credentials",
                """
                \(Self.way)
                const now = await way(\(session));
                return now.fragment !== '\(before["fragment"]?.stringValue ?? "")' && now.state === 'connected' && now;
                """)
            #expect(after["session"] == before["session"] && after["session"]?.stringValue?.isEmpty == false)
            try await viewer.eventually("the picture", Self.pictureGrows)
        }
        try await driver.stop()
        try await daemon.stop()
    }

    /// The gateway stands still, as behind a cable that was pulled; the page notices, says so, and begins ICE anew.
    @Test func `after a break the picture comes back by itself`() async throws {
        let daemon = try await Daemon()
        let clip = daemon.media.appendingPathComponent("clip.mp4").path
        try await Clips.make(clip, seconds: 20, size: "320x180", rate: 15, Clips.h264AAC)
        let ingest = try daemon.ladle(["ingest", clip, "--room", "bridge", "--loop"])
        try await daemon.event("media.flowing", room: "bridge") { $0["kind"] == "video" }
        let driver = try await WebDriver()
        let viewer = try await driver.open()
        try await viewer.go("\(daemon.url)/rooms/bridge/watch")
        _ = try await viewer.watch(frames: 30)
        let before = try await viewer.run("\(Self.way) return way(\(Self.watching));")
        daemon.kill(SIGSTOP)
        try await viewer.eventually(
            "the words for it",
            "return document.querySelector('.sender .notice').innerText.includes('is interrupted')")
        try await viewer.eventually(
            "a restart", "return \(Self.watching).pc.signalingState === 'have-local-offer'")
        try await viewer.screenshot("watch-interrupted")
        daemon.kill(SIGCONT)
        try await viewer.eventually(
            "other credentials",
            """
            \(Self.way)
            const now = await way(\(Self.watching));
            return now.fragment !== '\(before["fragment"]?.stringValue ?? "")' && now.state === 'connected' && now;
            """)
        try await viewer.eventually("the picture", Self.pictureGrows)
        let after = try await viewer.run("\(Self.way) return way(\(Self.watching));")
        // A machine so busy that it took longer than the gateway's patience makes another session, which is as good.
        figure("after a break: \(after["session"] == before["session"] ? "the same session" : "another session")")
        ingest.signal(SIGINT)
        #expect(try await ingest.wait(seconds: 60) == 0, "\(ingest.text)")
        try await driver.stop()
        try await daemon.stop()
    }

    /// Where the pages keep their session.
    static let sending = "ladle.session"
    static let watching = "[...ladle.senders.values()][0].session"

    /// The candidates that media takes, and the credentials that they were found with.
    static let way = """
        async function way(session) {
            const report = await session.pc.getStats();
            const transport = [...report.values()].find(({ type }) => type === 'transport');
            const pair = report.get(transport.selectedCandidatePairId);
            return {
                local: report.get(pair?.localCandidateId)?.protocol, remote: report.get(pair?.remoteCandidateId)?.protocol,
                fragment: transport.iceLocalUsernameFragment,
                theirs: report.get(pair?.remoteCandidateId)?.usernameFragment, state: session.pc.iceConnectionState,
                session: session.location,
            };
        }
        """
}
