import GStreamer
import Testing

@Suite struct `The library` {
    @Test func `says its version`() {
        #expect(GStreamerRuntime.version.hasPrefix("1."))
    }
}
