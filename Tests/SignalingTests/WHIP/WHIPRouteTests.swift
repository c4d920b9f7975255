import Base
import Control
import Foundation
import MediaCore
import SDP
import STUN
import Signaling
import Testing

/// Publishers: RFC 9725.
@Suite struct WHIPRouteTests {
    @Test func `an offer makes a publisher, an answer and a session; DELETE ends all`() async throws {
        try await Gateway.run { gateway in
            let made = try await gateway.post("/rooms/demo/whip?name=Studio", offer: Offers.publishing)
            #expect(made.status == 201 && made.contentType == "application/sdp")
            #expect(made.location.hasPrefix("/rooms/demo/whip/") && made.headers["etag"] == "\"ice-1\"")
            #expect(made.headers["link"] == nil)
            let answer = try WebRTCDescription(parsing: made.body)
            #expect(answer.isICELite && answer.media.map(\.direction) == [.recvonly, .recvonly])
            #expect(answer.media[0].transport.setup == .passive)
            #expect(answer.media[0].candidates.map(\.address) == ["127.0.0.1"])

            let room = try await gateway.room()
            let member = try #require(room.broadcasters.first)
            #expect(member.role == .publisher && member.displayName == "Studio")
            #expect(room.producers.map(\.kind) == [.audio, .video])
            #expect(room.producers.allSatisfy { $0.broadcaster == member.id && $0.type == "simple" })
            // Its address is a secret; the member's id is not.
            #expect(!made.location.contains(member.id.dropFirst(5)))
            #expect(await gateway.core.calls.contains("connect \(room.transports[0].id)"))

            #expect(try await gateway.client("GET", made.location).status == 204)
            let deleted = try await gateway.client("DELETE", made.location, headers: ["If-Match": "\"other\""])
            #expect(deleted.status == 200)
            let after = try await gateway.room()
            #expect(after.broadcasters.isEmpty && after.transports.isEmpty && after.producers.isEmpty)
            #expect(await gateway.core.transportIDs.isEmpty)
            let again = try await gateway.client("DELETE", made.location)
            #expect(again.status == 404 && again.body == "Error: there is no such session; it may have ended")
        }
    }

    @Test(arguments: ["chromium-simulcast", "firefox-sendonly-audio-video", "gstreamer-sendonly-vp8-opus"])
    func `offers of real programs are taken`(offer: String) async throws {
        try await Gateway.run { gateway in
            let made = try await gateway.post("/rooms/demo/whip", offer: offer)
            #expect(made.status == 201, "\(made.body)")
            let types = try await gateway.room().producers.filter { $0.kind == .video }.map(\.type)
            #expect(types == [offer.hasSuffix("simulcast") ? "simulcast" : "simple"])
        }
    }

    @Test func `layers that SDP doesn't tell are told in the query`() async throws {
        try await Gateway.run { gateway in
            let offer = "chromium-screen-vp9-svc"
            #expect(try await gateway.post("/rooms/demo/whip?scalabilityMode=L3T3_KEY", offer: offer).status == 201)
            #expect(try await gateway.room().producers.map(\.type) == ["svc"])
            let wrong = try await gateway.post("/rooms/demo/whip?scalabilityMode=much", offer: offer)
            #expect(wrong.status == 400)
            #expect(wrong.body == "TypeError: scalabilityMode \"much\" is none; it must be like L3T3_KEY")
        }
    }

    @Test func `what can't be an offer is refused in words, and leaves nobody in the room`() async throws {
        try await Gateway.run { gateway in
            let path = "/rooms/demo/whip"
            let good = try Offers.text(Offers.publishing)
            let type = ["Content-Type": "application/sdp"]
            func send(_ text: String) async throws -> Reply {
                try await gateway.client.send("POST", path, text: text, headers: type)
            }
            let json = try await gateway.client("POST", path, json: [:])
            #expect(json.status == 415)
            #expect(json.body == "TypeError: the body must be said to be application/sdp (Content-Type)")
            #expect(try await gateway.client.send("POST", path, text: good).status == 415)
            let noSDP = try await send("hello")
            #expect(noSDP.status == 400 && noSDP.body.hasPrefix("SyntaxError: SDP"))
            #expect(try await send("").status == 400)
            #expect(try await send(good + String(repeating: "a=x\r\n", count: 30_000)).status == 413)
            let receiving = try await gateway.post(path, offer: Offers.playing)
            #expect(receiving.status == 422 && receiving.body.contains("who publishes offers sendonly"))
            let plain = try await send(good.replacing("UDP/TLS/RTP/SAVPF", with: "RTP/AVP"))
            #expect(plain.status == 422 && plain.body.hasPrefix("NegotiationError: "))
            let codecs = try await send(good.replacing("opus/48000", with: "speex/16000"))
            #expect(codecs.status == 406, "no half sessions: \(codecs.body)")
            #expect(codecs.body.contains("the room takes opus"))
            let room = try await gateway.room()
            #expect(room.broadcasters.isEmpty && room.transports.isEmpty)
            #expect(await gateway.core.transportIDs.isEmpty)
        }
    }

    @Test func `a core that refuses leaves nobody in the room`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.client("GET", "/rooms/demo")
            await gateway.core.refuse(MediaCoreError(.exhausted, name: "Error", message: "no port is free"))
            let reply = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            #expect(reply.status == 503 && reply.body == "Error: no port is free")
            #expect(try await gateway.room().broadcasters.isEmpty)
        }
    }

    // MARK: - PATCH

    /// The credentials of the offer, with a candidate.
    private func fragment(ufrag: String, password: String = "abcdefghijklmnopqrstuvwx") -> String {
        """
        a=ice-ufrag:\(ufrag)\r
        a=ice-pwd:\(password)\r
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r
        a=mid:0\r
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag \(ufrag)\r
        a=end-of-candidates\r\n
        """
    }

    @Test func `candidates are taken, new credentials restart ICE, entity tags are heeded`() async throws {
        try await Gateway.run { gateway in
            let made = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing)
            let offer = try WebRTCDescription(parsing: try Offers.text(Offers.publishing))
            let ufrag = try #require(offer.transport(of: offer.media[0]).credentials).usernameFragment
            let path = made.location

            let trickled = try await gateway.patch(path, fragment(ufrag: ufrag), ifMatch: "\"ice-1\"")
            #expect(trickled.status == 204 && trickled.body.isEmpty && trickled.headers["etag"] == nil)
            #expect(try await gateway.patch(path, fragment(ufrag: ufrag)).status == 204, "GStreamer sends no tags")
            #expect(try await gateway.patch(path, fragment(ufrag: ufrag), ifMatch: "\"ice-9\"").status == 412)
            #expect(try await gateway.patch(path, "a=end-of-candidates\r\n").status == 428)
            let untagged = try await gateway.patch(path, fragment(ufrag: "new1"))
            #expect(untagged.status == 428 && untagged.body.contains("Send If-Match"))
            #expect(await gateway.core.calls.contains { $0.hasPrefix("restartICE") } == false)

            let restarted = try await gateway.patch(path, fragment(ufrag: "new1"), ifMatch: "*")
            #expect(restarted.status == 200 && restarted.contentType == "application/trickle-ice-sdpfrag")
            #expect(restarted.headers["etag"] == "\"ice-2\"")
            let told = try TrickleICEFragment(parsing: restarted.body)
            #expect(told.isICELite && told.credentials?.usernameFragment == String(repeating: "v", count: 32))
            #expect(told.media.first?.candidates.count == 1)
            // What belongs to the ICE session before is over.
            #expect(try await gateway.patch(path, fragment(ufrag: "new1"), ifMatch: "\"ice-1\"").status == 412)
            #expect(try await gateway.patch(path, fragment(ufrag: "new1"), ifMatch: "\"ice-2\"").status == 204)
            // With quotes, as RFC 9725's examples have it.
            #expect(try await gateway.patch(path, fragment(ufrag: "new2"), ifMatch: "\"*\"").status == 200)
        }
    }

    @Test func `a PATCH that is no fragment, or of no session, is refused`() async throws {
        try await Gateway.run { gateway in
            let path = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing).location
            #expect(try await gateway.client("PATCH", path, json: [:]).status == 415)
            #expect(try await gateway.patch(path, "v=0\r\n", ifMatch: "*").status == 400)
            #expect(try await gateway.patch("/rooms/demo/whip/0", fragment(ufrag: "abcd")).status == 404)
            #expect(try await gateway.patch(path.replacing("whip", with: "whep"), "a=x\r\n").status == 404)
            #expect(try await gateway.patch(path.replacing("demo", with: "other"), "a=x\r\n").status == 404)
            await gateway.core.refuse(MediaCoreError(.failed, name: "Error", message: "not now"))
            #expect(try await gateway.patch(path, fragment(ufrag: "new1"), ifMatch: "*").status == 500)
            // The session stands (RFC 9725 §4.3.3).
            #expect(try await gateway.client("GET", path).status == 204)
        }
    }

    // MARK: - Browsers

    @Test func `pages of allowed origins may use it and read where the session is`() async throws {
        let configuration = SecurityTests.configuration(token: "secret", origins: ["https://app.example"])
        try await Gateway.run(configuration) { gateway in
            let origin = ["Origin": "https://app.example"]
            let preflight = try await gateway.client("OPTIONS", "/rooms/demo/whip", headers: origin)
            #expect(preflight.status == 200 && preflight.headers["accept-post"] == "application/sdp")
            #expect(preflight.headers["access-control-allow-methods"]?.contains("POST") == true)
            let session = try await gateway.client("OPTIONS", "/rooms/demo/whip/x", headers: origin)
            #expect(session.headers["accept-patch"] == "application/trickle-ice-sdpfrag")
            #expect(session.headers["access-control-allow-methods"] == "GET,HEAD,PATCH,DELETE")
            #expect(session.headers["access-control-allow-headers"]?.contains("If-Match") == true)

            let refused = try await gateway.post("/rooms/demo/whip", offer: Offers.publishing, headers: origin)
            #expect(refused.status == 401)
            let made = try await gateway.post(
                "/rooms/demo/whip", offer: Offers.publishing,
                headers: origin.merging(["Authorization": "Bearer secret"]) { $1 })
            #expect(made.status == 201)
            #expect(made.headers["access-control-expose-headers"] == "Location, ETag, Link, Retry-After")
            #expect(try await gateway.client("DELETE", made.location, headers: origin).status == 401)
        }
    }

    @Test func `methods that mean nothing are 405, GET says nothing`() async throws {
        try await Gateway.run { gateway in
            for (method, path) in [
                ("PUT", "/rooms/demo/whip"), ("DELETE", "/rooms/demo/whep"), ("POST", "/rooms/demo/whip/x"),
            ] {
                #expect(try await gateway.client(method, path).status == 405, "\(method) \(path)")
            }
            let nothing = try await gateway.client("GET", "/rooms/demo/whip")
            #expect(nothing.status == 204 && nothing.body.isEmpty)
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `who shares a secret with a TURN server is told of an account of a day`() async throws {
        var configuration = SignalingConfiguration(port: 0)
        configuration.iceServers = [ICEServer(url: "turn:turn.example.net", account: .secret("north"))]
        try await Gateway.run(configuration) { gateway in
            let before = Int64(Date.now.timeIntervalSince1970)
            let link = try await gateway.post("/rooms/a/whip", offer: Offers.publishing).headers["link"] ?? ""
            let match = try #require(
                link.wholeMatch(
                    of: /<turn:turn.example.net>; rel="ice-server"; username="((\d+):ladle)"; credential="(.+)"; .*/))
            let end = try #require(Int64(match.2))
            #expect((before + 86_400...before + 86_460).contains(end))
            #expect(TURNAccount(secret: "north", expiry: end, user: "ladle").password == match.3)
            #expect(!link.contains("north"))
        }
    }

    @Test func `ICE servers are told in links, rooms with any name are found again`() async throws {
        var configuration = SignalingConfiguration(port: 0)
        configuration.iceServers = [
            ICEServer(url: "stun:stun.example.net"),
            ICEServer(url: "turn:turn.example.net?transport=udp", account: .password(name: "user", "word")),
        ]
        try await Gateway.run(configuration) { gateway in
            let made = try await gateway.post("/rooms/a%20b%C3%BC/whip", offer: Offers.publishing)
            #expect(
                made.headers["link"] == "<stun:stun.example.net>; rel=\"ice-server\", "
                    + "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"user\"; "
                    + "credential=\"word\"; credential-type=\"password\"")
            #expect(made.location.hasPrefix("/rooms/a%20b%C3%BC/whip/"))
            #expect(try await gateway.client("DELETE", made.location).status == 200)
        }
        configuration.token = BearerToken("s3cret")
        try await Gateway.run(configuration) { gateway in
            for path in ["/rooms/a/whip", "/rooms/a/whep"] {
                // Preflights bring no token, and the password is not for everybody.
                #expect(try await gateway.client("OPTIONS", path).headers["link"] == nil)
                let told = try await gateway.client("OPTIONS", path, headers: ["Authorization": "Bearer s3cret"])
                #expect(told.status == 200 && told.headers["link"]?.contains("credential=\"word\"") == true)
            }
            let other = try await gateway.client(
                "OPTIONS", "/api/v1/rooms", headers: ["Authorization": "Bearer s3cret"])
            #expect(other.headers["link"] == nil)
        }
        configuration.iceServers = [ICEServer(url: "stun:x>\r\nEvil: 1")]
        #expect(throws: SignalingError.self) { try configuration.validate() }
    }
}
