import PipelineControl
import TestSupport
import Testing

@Test(arguments: [
    ("rtsp://cam/1", "rtsp://cam/1"),
    ("RTSP://Cam:554/1", "RTSP://Cam:554/1"),
    ("rtsp://user:secret@cam/1", "rtsp://user:•••@cam/1"),
    ("rtsp://user@cam/1", "rtsp://user@cam/1"),
    ("rtsp://user:@cam/1", "rtsp://user@cam/1"),
    ("rtsp://user:se:c@ret@cam:8554/1?a=b", "rtsp://user:•••@cam:8554/1?a=b"),
    ("rtsp://user:secret@[fe80::1]:554/1", "rtsp://user:•••@[fe80::1]:554/1"),
    ("http://[::1]/a.mp4", "http://[::1]/a.mp4"),
    ("https://h/live.m3u8?token=secret&quality=high", "https://h/live.m3u8?token=•••&quality=high"),
    ("https://h/live.m3u8?TOKEN=secret", "https://h/live.m3u8?TOKEN=•••"),
    ("https://h/live.m3u8?%74oken=secret", "https://h/live.m3u8?%74oken=•••"),
    ("https://h/?token=&x", "https://h/?token=&x"),
    ("srt://h:9000?mode=caller&passphrase=secretsecret", "srt://h:9000?mode=caller&passphrase=•••"),
    ("srt://h:9000?streamid=#!::r=secret", "srt://h:9000?streamid=#!::r=secret"),
    ("rtmp://h/live/name", "rtmp://h/live/name"),
    ("udp://@:5000", "udp://@:5000"),
    ("udp://239.1.1.1:5000?localaddr=10.0.0.1", "udp://239.1.1.1:5000?localaddr=10.0.0.1"),
    ("v4l2:/dev/video0?microphone=hw:1", "v4l2:/dev/video0?microphone=hw:1"),
    ("alsa:hw:1", "alsa:hw:1"),
])
func `an address shows everything but its secrets`(text: String, shown: String) throws {
    let address = try SourceAddress(text)
    #expect(address.secretText == text)
    if text.contains("#!") {
        // A fragment ends no query for libav: all of it belongs to the stream's id.
        #expect(address.description == "srt://h:9000?streamid=•••")
    } else {
        #expect(address.description == shown)
    }
}

@Test(arguments: [
    ("rtmp://0.0.0.0/live/secret", "rtmp://0.0.0.0/live/•••"),
    ("rtmp://0.0.0.0:1935/secret", "rtmp://0.0.0.0:1935/•••"),
    ("rtmp://0.0.0.0/live/a/secret?x=1", "rtmp://0.0.0.0/live/a/•••?x=1"),
    ("rtmp://0.0.0.0", "rtmp://0.0.0.0"),
])
func `the last part of an rtmp path is a key when it is waited for`(text: String, shown: String) throws {
    let address = try SourceAddress(text, listens: true)
    #expect(address.description == shown)
    #expect(address.cleaned("the key secret") == (text.contains("secret") ? "the key •••" : "the key secret"))
}

@Test func `a secret is cleaned as it is written, decoded, and as it stands in an HTTP header`() throws {
    let address = try SourceAddress("rtsp://admin:p%40ss@cam/1")
    #expect(address.user == "admin")
    // base64 of "admin:p@ss"
    for text in ["p%40ss", "p@ss", "YWRtaW46cEBzcw=="] {
        #expect(address.cleaned("before \(text) behind") == "before ••• behind")
    }
    #expect(address.cleaned("admin stays") == "admin stays")
}

@Test func `the longest secret is cleaned first`() throws {
    let address = try SourceAddress("srt://h:1?passphrase=abcdefghijkl&streamid=abcd")
    #expect(address.cleaned("abcdefghijkl abcd") == "••• •••")
}

@Test(arguments: [
    "", "x", "file:///etc/passwd", "concat:a|b", "rtsp:cam", "rtsp://", "rtsp://user:pw@", "rtsp://:/1",
    "rtsp:// cam/1",
    "http://h/\n", "rtsp://[::1/1", "rtsp://[::1]x/1", "rtsp://cam:port/1", "rtsp://cam:70000/1",
    "rtsp://admin:pa/ss@cam/1", "rtsp://admin:123/ss@cam/1", "rtsp://admin:p@a/ss@cam/1", "rtsp://admin:123?ss@cam/1",
    "rtsp://admin:pa?ss@cam/1", "alsa:", "v4l2:",
    "rtsp://h/" + String(repeating: "a", count: 5000),
])
func `what is no address is refused in one line that repeats nothing`(text: String) {
    let refusal = #expect(throws: SourceAddress.Refusal.self) { try SourceAddress(text) }
    let words = refusal?.description ?? ""
    #expect(!words.isEmpty && !words.contains("\n"))
    for secret in ["pa/ss", "123/ss", "a/ss", "?ss", "pa?ss", "etc/passwd"] { #expect(!words.contains(secret)) }
}

@Test func `members of a query can be taken out`() throws {
    let address = try SourceAddress("srt://h:1?passphrase=abcdefghijkl&mode=caller&%73treamid=x")
    #expect(address.secretText(without: ["passphrase", "streamid"]) == "srt://h:1?mode=caller")
    #expect(address.secretText(without: ["passphrase", "mode", "streamid"]) == "srt://h:1")
    #expect(address.query["passphrase"] == "abcdefghijkl")
    #expect(address.query["streamid"] == "x")
}

@Test func `no secret is ever shown, whatever stands around it`() {
    let seed: UInt64 = 7
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("ab09:/?#@[]&=%.-_~!$'()*+,; •é")
    var accepted = 0
    for round in 0..<20_000 {
        func noise(_ most: Int) -> String {
            String(
                (0..<Int.random(in: 0...most, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a"
                })
        }
        let scheme = SourceAddress.Scheme.allCases.filter { !$0.isDevice }.randomElement(using: &random) ?? .rtsp
        // Capitals are nowhere else: where they appear, the secret does.
        let secret = "SECRET" + noise(4) + "HIDDEN"
        let text =
            switch Int.random(in: 0..<3, using: &random) {
            case 0: "\(scheme.rawValue)://user:\(secret)@host\(noise(8))"
            case 1:
                "\(scheme.rawValue)://host/\(noise(6))?\(noise(3))&token=\(secret.replacing("&", with: ""))&\(noise(5))"
            default:
                "rtmp://host/app\(noise(3).replacing("?", with: ""))/\(secret.replacing("/", with: "").replacing("?", with: ""))"
            }
        do throws(SourceAddress.Refusal) {
            let address = try SourceAddress(text, listens: text.hasPrefix("rtmp://host/app"))
            accepted += 1
            #expect(!address.description.contains("SECRET"), "seed \(seed), round \(round): \(text)")
            #expect(!address.description.contains("HIDDEN"), "seed \(seed), round \(round): \(text)")
        } catch {
            #expect(!error.description.contains("SECRET") && !error.description.contains("HIDDEN"), "round \(round)")
        }
    }
    #expect(accepted > 2000)
}
