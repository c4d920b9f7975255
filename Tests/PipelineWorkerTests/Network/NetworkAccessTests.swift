import PipelineControl
import PipelineWorker
import Testing

/// Protocols and formats that reach into this machine, make media up, or lead anywhere.
private let never: Set<String> = [
    "file", "concat", "concatf", "subfile", "data", "pipe", "fd", "unix", "cache", "async", "ftp", "sftp", "gopher",
    "tee",
    "lavfi", "sdp", "image2", "dash", "tty", "concatdec", "httpproxy", "ffrtmphttp", "bluray", "x11grab", "v4l2",
    "alsa",
]

@Test(arguments: [
    ("http://h/a", ["http", "tcp", "crypto"]), ("https://h/a", ["https", "http", "tls", "tcp", "crypto"]),
    ("rtsp://h/a", ["rtsp", "rtp", "udp", "tcp"]), ("rtsps://h/a", ["rtsps", "rtsp", "rtp", "udp", "tls", "tcp"]),
    ("rtmp://h/a/b", ["rtmp", "tcp"]), ("rtmps://h/a/b", ["rtmps", "rtmp", "tls", "tcp"]), ("srt://h:1", ["srt"]),
    ("udp://@:1", ["udp"]),
])
func `each scheme has its protocols and no other`(url: String, protocols: [String]) throws {
    let access = try NetworkAccess(NetworkSource(url: url))
    #expect(access.protocols == protocols)
    #expect(never.isDisjoint(with: access.protocols + access.formats))
    #expect(access.formats.contains("hls") == url.hasPrefix("http"))
    #expect(access.input().readPatience != nil)
    // Who is called is given a time to answer; who calls is awaited.
    #expect((access.input().openPatience == nil) == access.isAwaited)
}

@Test func `what waits for others knows it`() throws {
    #expect(try NetworkAccess(NetworkSource(url: "rtmp://0.0.0.0/a/b", listens: true)).isAwaited)
    #expect(try !NetworkAccess(NetworkSource(url: "rtmp://h/a/b")).isAwaited)
    #expect(try NetworkAccess(NetworkSource(url: "srt://0.0.0.0:1?mode=listener")).isAwaited)
    #expect(try !NetworkAccess(NetworkSource(url: "srt://h:1")).isAwaited)
}

@Test func `a passphrase goes by an option and not by the address that libav repeats in messages`() throws {
    let access = try NetworkAccess(
        NetworkSource(url: "srt://h:1?passphrase=a%20b%26cdefghi&mode=caller&streamid=x%2Fy"))
    let input = access.input()
    #expect(input.url == "srt://h:1?mode=caller")
    #expect(input.options["passphrase"] == "a b&cdefghi")
    #expect(input.options["streamid"] == "x/y")
    #expect(!input.name.contains("cdefghi"))
}

@Test(arguments: [
    NetworkSource(url: "v4l2:/dev/video0"), NetworkSource(url: "rtsp://h/a", listens: true),
    NetworkSource(url: "srt://h:1", listens: true), NetworkSource(url: "gopher://h"), NetworkSource(url: "file:///a"),
])
func `what is no network source is refused`(source: NetworkSource) {
    #expect(throws: SourceAddress.Refusal.self) { try NetworkAccess(source) }
}

@Test(arguments: [(0.2, 1.0, 1.0), (0.5, 10, 1.5), (0.5, 60, 6), (0.5, 600, 10), (30, 1, 10)])
func `a try is given up soon while the source is away for a short time only`(
    usual: Double, away: Double, patience: Double
) {
    #expect(NetworkAccess.retryPatience(usual: .seconds(usual), away: .seconds(away)) == .seconds(patience))
}
