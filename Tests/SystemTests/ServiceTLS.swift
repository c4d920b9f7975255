import Foundation
import Testing

extension AllSystemTests {
    /// HTTPS as a person starts it, and as the product's own commands and curl find it.
    @Suite(.serialized) struct `HTTPS` {
        @Test func `with a certificate of its own making serves the user's own commands, and others that are told`()
            async throws
        {
            let scratch = try Scratch("ladle-https")
            let port = try Daemon.freePort()
            let url = "https://127.0.0.1:\(port)"
            let certificate = scratch.path("state/ladle/self-signed.crt")
            let own = ["XDG_STATE_HOME": scratch.path("state"), "LADLE_RECORDINGS": scratch.path("recordings")]
            let foreign = ["XDG_STATE_HOME": scratch.path("other")]
            let gateway = try Tool(
                Products.path("ladle"),
                ["serve", "--listen", "127.0.0.1:\(port)", "--media", scratch.url.path, "--tls-self-signed"],
                output: scratch.url.appendingPathComponent("log"), environment: own)
            _ = try await eventually("the gateway's line") { gateway.text.contains("serves \(url)") ? true : nil }
            func rooms(_ more: [String], _ environment: [String: String]) async throws -> (status: Int32, text: String)
            {
                let tool = try Tool(
                    Products.path("ladle"), ["rooms", "--json", "--gateway", url] + more,
                    output: scratch.url.appendingPathComponent("rooms"), environment: environment)
                return (try await tool.wait(seconds: 60), tool.text)
            }
            let mine = try await rooms([], own)
            #expect(mine.status == 0 && mine.text.hasPrefix("{"), "\(mine)")
            let others = try await rooms([], foreign)
            #expect(others.status != 0 && others.text.contains("--tls-ca"), "\(others)")
            let told = try await rooms(["--tls-ca", certificate], foreign)
            #expect(told.status == 0, "\(told)")
            let page = try await Tool.run("curl", ["-sS", "--cacert", certificate, "\(url)/rooms/demo/watch"])
            #expect(page.contains("<html"))
            gateway.signal(SIGTERM)
            #expect(try await gateway.wait(seconds: 60) == 0)
        }

        @Test func `with files that can't be used does not begin, and check says why`() async throws {
            let scratch = try Scratch("ladle-https")
            for command in ["serve", "check"] {
                let tool = try Tool(
                    Products.path("ladle"),
                    [command, "--listen", "127.0.0.1:0", "--media", scratch.url.path, "--tls-cert", "/nowhere/a.pem"],
                    output: scratch.url.appendingPathComponent("output"),
                    environment: ["LADLE_RECORDINGS": scratch.path("recordings")])
                #expect(try await tool.wait(seconds: 60) == 1, "\(command): \(tool.text)")
                #expect(
                    tool.text.contains("tls.certificate: /nowhere/a.pem: No such file or directory; check the path"),
                    "\(command): \(tool.text)")
            }
        }
    }
}
