import Base
import Foundation
import Testing

/// Layers of one stream, and a screen.
extension AllSystemTests.Pages {
    @Test(arguments: ["VP9"])
    func `of a stream with layers the viewer chooses one, and goes back to the best`(codec: String) async throws {
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let publisher = try await driver.open()
        let viewer = try await driver.open()
        try await publisher.go("\(daemon.url)/rooms/layers/publish")
        try await publisher.run("document.getElementById('codec').value = arguments[0]", [.string(codec)])
        try await publisher.click("#simulcast")
        try await publisher.click("#start")
        try await viewer.go("\(daemon.url)/rooms/layers/watch")
        let seen = try await viewer.watch(frames: 10)
        #expect(seen["codec"]?.stringValue == codec, "\(seen.text)")
        let producers = try await daemon.call("GET", "/api/v1/rooms/layers").json["producers"]?.arrayValue ?? []
        let picture = producers.first { $0["kind"] == "video" }
        #expect(picture?["type"] == "svc", "\(picture?.text ?? "nothing is sent")")
        for (place, fits) in [(3, "=== 180"), (0, "> 360"), (2, "=== 360"), (0, "> 360")] {
            try await viewer.choose(quality: place, ofHeight: fits)
            try await viewer.eventually("pictures of it", Self.pictureGrows)
        }
        try await viewer.screenshot("watch-layers-\(codec)")
        try await publisher.screenshot("publish-layers-\(codec)")
        try await driver.stop()
        try await daemon.stop()
    }

    /// Headless Chromium has no screen, and shares a picture of its own in its place.
    @Test func `a screen that is shared is watched`() async throws {
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let publisher = try await driver.open()
        let viewer = try await driver.open()
        try await publisher.go("\(daemon.url)/rooms/screen/publish")
        try await publisher.click("input[value=screen]")
        try await publisher.click("#start")
        try await viewer.go("\(daemon.url)/rooms/screen/watch")
        let seen = try await viewer.watch(frames: 10)
        figure("a screen of \(seen["width"]?.text ?? "?")x\(seen["height"]?.text ?? "?")")
        try await viewer.eventually("pictures of it", Self.pictureGrows)
        let surface = try await publisher.run("return ladle.stream.getVideoTracks()[0].getSettings().displaySurface")
        #expect(surface.stringValue?.isEmpty == false, "\(surface.text)")
        try await viewer.screenshot("watch-screen")
        try await publisher.screenshot("publish-screen")
        // The bar of the browser that ends it.
        try await publisher.run(
            "const [track] = ladle.stream.getVideoTracks(); track.stop(); track.dispatchEvent(new Event('ended'))")
        try await publisher.eventually(
            "the words for it", "return document.getElementById('notices').innerText.includes('no longer shared')")
        try await driver.stop()
        try await daemon.stop()
    }
}

extension Browser {
    /// Chooses among a picture's qualities, as a viewer does, and waits for it.
    /// - Parameters:
    ///   - place: In the list; 0: the best.
    ///   - height: Of the picture then, as the right side of a comparison.
    func choose(quality place: Int, ofHeight height: String) async throws {
        try await run(
            """
            const select = document.querySelector('.tile select');
            select.selectedIndex = \(place);
            select.dispatchEvent(new Event('change'));
            """)
        try await eventually("a height \(height)", "return document.querySelector('.tile video').videoHeight \(height)")
        #expect(try await run("return document.querySelector('.tile select').title") == "Quality")
    }
}
