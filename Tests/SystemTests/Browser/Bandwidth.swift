import Base
import Foundation
import Testing

/// What a viewer sees whose line gets narrow: congestion control from the gateway's estimate to the browser's picture.
extension AllSystemTests.Pages {
    @Test func `on a narrow line the picture gets smaller and goes on, on a wide one it is large again`() async throws {
        let port = try LoopbackPort.free(.udp)
        let daemon = try await Daemon(["--rtp-workers", "1", "--webrtc-port", "\(port)"])
        let line = try CutRelay(.udp, to: port)
        let driver = try await WebDriver()
        let publisher = try await driver.open()
        let viewer = try await driver.open()
        try await viewer.before(Self.only(through: line.port))
        try await publisher.go("\(daemon.url)/rooms/line/publish")
        try await publisher.click("#simulcast")
        try await publisher.click("#start")
        try await viewer.go("\(daemon.url)/rooms/line/watch")
        _ = try await viewer.watch(frames: 30)
        try await daemon.sendsLayer("the largest") { $0 == 2 }
        let large = try await viewer.lines { $0 > 360 }
        try await viewer.run(Self.watchPauses)

        line.narrow(to: 250_000)
        var clock = ContinuousClock.now
        try await daemon.sendsLayer("a smaller one") { $0 != 2 }
        let small = try await viewer.lines { $0 < large }
        figure("on a line of 250 kbit/s: \(small) instead of \(large) lines after \(seconds(since: clock))")
        figure("longest pause \(try await viewer.run(Self.longestPause).text) ms, \(line.lost) datagrams lost")
        try await viewer.run(Self.watchPauses)
        let before = try await viewer.run(Self.pictures).integerValue ?? 0
        try await Task.sleep(for: .seconds(10))
        let pictures = (try await viewer.run(Self.pictures).integerValue ?? 0) - before
        figure("then \(pictures) pictures in 10 s, longest pause \(try await viewer.run(Self.longestPause).text) ms")
        #expect(pictures > 10, "a tenth of what a viewer sees then")
        try await viewer.screenshot("watch-narrow")

        line.narrow(to: nil)
        clock = .now
        try await daemon.sendsLayer("the largest again") { $0 == 2 }
        _ = try await viewer.lines { $0 >= large }
        figure("wide again: \(large) lines after \(seconds(since: clock))")
        try await driver.stop()
        try await daemon.stop()
    }

    /// Media goes to the gateway's address, but to this port, by UDP.
    private static func only(through port: UInt16) -> String {
        """
        const set = RTCPeerConnection.prototype.setRemoteDescription;
        RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
            return set.call(this, {
                type, sdp: sdp.replace(/^a=candidate:\\S+ \\d+ tcp .*\\r\\n/gim, '')
                    .replace(/^(a=candidate:\\S+ \\d+ udp \\d+ \\S+ )\\d+/gim, '$1\(port)'),
            });
        };
        """
    }

    private static let pictures = """
        const report = await [...ladle.senders.values()][0].session.pc.getStats();
        return [...report.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video').framesDecoded;
        """

    /// From now on.
    private static let watchPauses = """
        globalThis.pauses?.end();
        const video = document.querySelector('.tile video');
        let [last, longest, isOver] = [performance.now(), 0, false];
        const look = (now) => {
            longest = Math.max(longest, now - last);
            last = now;
            if (!isOver) video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
        globalThis.pauses = {
            end: () => { isOver = true; }, longest: () => Math.round(Math.max(longest, performance.now() - last)),
        };
        """

    private static let longestPause = "return pauses.longest()"
}

extension Daemon {
    /// Waits until the layer that was told last is such a one; -1: none.
    fileprivate func sendsLayer(_ what: String, where fits: (Int64) -> Bool) async throws {
        _ = try await eventually("\(what) of the layers\n\(log)", seconds: 180) {
            guard let event = try await self.events().last(where: { $0["type"] == "consumer.layers" }) else {
                return Bool?.none
            }
            return fits(event["spatialLayer"]?.integerValue ?? -1) ? true : nil
        }
    }
}

extension Browser {
    /// Waits for a picture of such a height.
    fileprivate func lines(where fits: (Int64) -> Bool) async throws -> Int64 {
        try await SystemTests.eventually("a picture of another size", seconds: 180) {
            let lines = try await self.run("return document.querySelector('.tile video').videoHeight").integerValue ?? 0
            return fits(lines) ? lines : nil
        }
    }
}

private func seconds(since clock: ContinuousClock.Instant) -> String {
    String(format: "%.1f s", (ContinuousClock.now - clock).seconds)
}
