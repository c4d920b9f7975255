import Base
import Foundation
import Testing

/// As it runs on the open network: by HTTPS, with servers that help through other people's networks.
extension AllSystemTests.Pages {
    @Test func `by https pages publish and watch and speak protoo, and their connections know the ICE servers`()
        async throws
    {
        let scratch = try Scratch("ladle-secure")
        let port = try Daemon.freePort()
        let url = "https://127.0.0.1:\(port)"
        try "anna:s3cret".write(toFile: scratch.path("turn"), atomically: true, encoding: .utf8)
        // The discard port: nobody helps, and nobody has to.
        try """
        webrtc:
          iceServers:
            - urls: stun:127.0.0.1:9
            - urls: ["turn:127.0.0.1:9?transport=udp"]
              credentials: \(scratch.path("turn"))
        """.write(toFile: scratch.path("ladle.yaml"), atomically: true, encoding: .utf8)
        let gateway = try Tool(
            Products.path("ladle"),
            [
                "serve", "--config", scratch.path("ladle.yaml"), "--listen", "127.0.0.1:\(port)", "--media",
                scratch.url.path, "--tls-self-signed",
            ],
            output: scratch.url.appendingPathComponent("log"),
            environment: ["XDG_STATE_HOME": scratch.path("state"), "LADLE_RECORDINGS": scratch.path("recordings")])
        _ = try await eventually("the gateway's line\n\(gateway.text)") {
            gateway.text.contains("serves \(url)") ? true : nil
        }
        let driver = try await WebDriver()
        let publisher = try await driver.open(trusts: true)
        let viewer = try await driver.open(trusts: true)
        try await publisher.go("\(url)/rooms/vault/publish")
        #expect(try await publisher.run("return isSecureContext && location.protocol") == "https:")
        try await publisher.click("#start")
        try await viewer.go("\(url)/rooms/vault/watch")
        _ = try await viewer.watch(frames: 30)
        for (browser, session) in [(publisher, Self.sending), (viewer, Self.watching)] {
            let servers = try await browser.run(
                """
                return \(session).pc.getConfiguration().iceServers.map(({ urls, username, credential }) =>
                    [urls, username, credential].flat().filter(Boolean).join(' '));
                """)
            #expect(servers == ["stun:127.0.0.1:9", "turn:127.0.0.1:9?transport=udp anna s3cret"], "\(servers.text)")
        }
        let answer = try await viewer.run(Self.asksForCapabilities)
        #expect(answer["protocol"] == "protoo")
        #expect(answer["codecs"]?.arrayValue?.contains("video/VP8") == true, "\(answer.text)")
        try await viewer.screenshot("watch-secure")
        try await driver.stop()
        gateway.signal(SIGTERM)
        #expect(try await gateway.wait(seconds: 60) == 0, "\(gateway.text)")
    }

    private static let asksForCapabilities = """
        return await new Promise((done, fail) => {
            const socket = new WebSocket(`wss://${location.host}/?roomId=vault&peerId=page`, 'protoo');
            socket.onopen = () => socket.send(
                JSON.stringify({ request: true, id: 1, method: 'getRouterRtpCapabilities', data: {} }));
            socket.onmessage = ({ data }) => {
                const message = JSON.parse(data);
                if (!message.response || message.id !== 1) return;
                done({ protocol: socket.protocol, codecs: message.data.codecs.map(({ mimeType }) => mimeType) });
                socket.close();
            };
            socket.onerror = () => fail(new Error('the WebSocket failed'));
            socket.onclose = ({ code, reason }) => fail(new Error(`closed: ${code} ${reason}`));
        });
        """
}
