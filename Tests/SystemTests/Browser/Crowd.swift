import Base
import Foundation
import Testing

extension AllSystemTests.Pages {
    /// A key frame comes each 10 s: who comes between two sees a picture at once, or the gateway keeps none for them.
    @Test func `twenty viewers of one picture, coming one after the other, all see and hear it`() async throws {
        let daemon = try await Daemon()
        let clip = daemon.media.appendingPathComponent("clip.mp4").path
        try await Clips.make(clip, seconds: 20, size: "320x180", rate: 15, Clips.h264AAC + ["-g", "150"])
        let ingest = try daemon.ladle(["ingest", clip, "--room", "hall", "--loop"])
        try await daemon.event("media.flowing", room: "hall") { $0["kind"] == "video" }
        let driver = try await WebDriver()
        let browser = try await driver.open()
        try await browser.go("\(daemon.url)/rooms/hall/publish")
        try await browser.run(Self.crowd)
        let text = try await browser.eventually("20 pictures", seconds: 300, Self.crowdSees)
        let viewers = try #require(try JSONValue(parsing: text.stringValue ?? "").arrayValue)
        #expect(viewers.count == 20)
        for viewer in viewers {
            #expect(viewer["width"] == 320 && viewer["height"] == 180, "\(viewer.text)")
            #expect(viewer["codecs"] == "H264 opus", "\(viewer.text)")
        }
        for (name, what) in [("first", "after POST"), ("afterICE", "after ICE")] {
            let sorted = viewers.compactMap { $0[name]?.doubleValue }.sorted()
            figure("twenty viewers' first pictures: p50 \(Int(sorted[9])) ms, p95 \(Int(sorted[18])) ms \(what)")
        }
        #expect(try await daemon.call("GET", "/api/v1/rooms/hall").json["broadcasters"]?.arrayValue?.count == 21)
        try await browser.screenshot("crowd")
        // All leave at once, as a closed window does.
        try await browser.close()
        _ = try await eventually("an empty hall", seconds: 120) {
            let members = try await daemon.call("GET", "/api/v1/rooms/hall").json["broadcasters"]?.arrayValue
            return members?.count == 1 ? true : nil
        }
        ingest.signal(SIGINT)
        #expect(try await ingest.wait(seconds: 60) == 0, "\(ingest.text)")
        try await driver.stop()
        try await daemon.stop()
    }

    private static let crowd = """
        globalThis.crowd = [];
        const { Session } = await import('/pages/session.js');
        const wall = document.createElement('div');
        Object.assign(wall.style, { display: 'grid', gridTemplateColumns: 'repeat(5, 1fr)' });
        document.body.prepend(wall);
        const come = async () => {
            const session = new Session('/rooms/hall/whep');
            const video = document.createElement('video');
            // Both tracks in one element: sound that nobody plays isn't decoded either.
            Object.assign(video, { autoplay: true, playsInline: true, width: 200 });
            wall.append(video);
            for (const kind of ['audio', 'video']) session.pc.addTransceiver(kind, { direction: 'recvonly' });
            session.pc.addEventListener('track', ({ streams }) => { [video.srcObject] = streams; });
            const first = new Promise((done) => video.requestVideoFrameCallback(done));
            const viewer = { session };
            crowd.push(viewer);
            await session.start();
            const now = await first;
            viewer.first = now - session.times.posted;
            viewer.afterICE = now - (session.times.ice ?? now);
        };
        (async () => { for (let place = 0; place < 20; place += 1) await come(); })()
            .catch((error) => { globalThis.crowdProblem = String(error); });
        """

    private static let crowdSees = """
        if (globalThis.crowdProblem) throw new Error(crowdProblem);
        if (crowd.length < 20 || crowd.some(({ first }) => first === undefined)) return null;
        const all = await Promise.all(crowd.map(async ({ session, first, afterICE }) => {
            const report = [...(await session.pc.getStats()).values()];
            const [picture, sound] = ['video', 'audio'].map((wanted) =>
                report.find(({ type, kind }) => type === 'inbound-rtp' && kind === wanted));
            const codec = (stream) => report.find(({ id }) => id === stream?.codecId)?.mimeType.split('/')[1];
            return {
                first, afterICE, frames: picture?.framesDecoded, energy: sound?.totalAudioEnergy,
                width: picture?.frameWidth, height: picture?.frameHeight, codecs: `${codec(picture)} ${codec(sound)}`,
            };
        }));
        return all.every(({ frames, energy }) => frames >= 45 && energy > 0) && JSON.stringify(all);
        """
}
