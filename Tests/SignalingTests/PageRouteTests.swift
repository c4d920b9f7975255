import Base
import Signaling
import Testing

/// The pages for people, as a browser gets them.
@Suite struct PageRouteTests {
    static let pages = ["/rooms/demo/watch", "/rooms/demo/publish"]

    @Test(arguments: pages)
    func `a page comes whole, with a policy under which it works and nothing else does`(path: String) async throws {
        try await Gateway.run { gateway in
            let reply = try await gateway.client("GET", path)
            #expect(reply.status == 200 && reply.contentType == "text/html; charset=utf-8")
            let policy = reply.headers["content-security-policy"] ?? ""
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(reply.headers["x-content-type-options"] == "nosniff")
            #expect(reply.headers["referrer-policy"] == "no-referrer")
            #expect(reply.headers["permissions-policy"]?.contains("camera=(self)") == true)
            // Inline scripts and styles would be refused.
            #expect(
                !reply.body.contains("<script>") && !reply.body.contains("style=") && !reply.body.contains("onclick"))
            #expect(await gateway.rooms.list().isEmpty, "looking at a page makes no room")
        }
    }

    @Test func `every part that a page or another part names is there, with its type`() async throws {
        try await Gateway.run { gateway in
            var waiting = Self.pages
            var seen: Set<String> = []
            while let path = waiting.popLast() {
                guard seen.insert(path).inserted else { continue }
                let reply = try await gateway.client("GET", path)
                #expect(reply.status == 200, "\(path)")
                #expect(reply.headers["cache-control"] == "no-cache", "\(path)")
                let name = String(path.split(separator: "/").last ?? "")
                let type =
                    switch name.split(separator: ".").last {
                    case "js": "text/javascript; charset=utf-8"
                    case "css": "text/css; charset=utf-8"
                    case "svg": "image/svg+xml"
                    default: "text/html; charset=utf-8"
                    }
                #expect(reply.contentType == type, "\(path)")
                waiting += reply.body.matches(of: /(?:src|href)="(\/[^"]+)"/).map { String($0.1) }
                waiting += reply.body.matches(of: /from '\.\/([a-z.]+)'/).map { "/pages/\($0.1)" }
            }
            #expect(seen.count == 13, "\(seen.sorted())")
        }
    }

    @Test func `a part that the browser has is not sent again`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            for path in ["/rooms/demo/watch", "/pages/watch.js"] {
                let first = try await client("GET", path)
                let tag = try #require(first.headers["etag"])
                #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
                let again = try await client("GET", path, headers: ["If-None-Match": tag])
                #expect(again.status == 304 && again.body.isEmpty && again.headers["etag"] == tag)
                let other = try await client("GET", path, headers: ["If-None-Match": "\"other\""])
                #expect(other.status == 200 && other.body == first.body)
                let head = try await client("HEAD", path)
                #expect(head.status == 200 && head.headers["content-length"] == "\(first.body.utf8.count)")
            }
        }
    }

    @Test func `pages need no token and may be linked to, what they ask for needs both`() async throws {
        try await Gateway.run(SecurityTests.configuration(token: "s3cret")) { gateway in
            let client = gateway.client
            let link = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"]
            for path in Self.pages { try await #expect(client("GET", path, headers: link).status == 200) }
            try await #expect(client("GET", "/pages/watch.js").status == 200)
            try await #expect(client("GET", "/api/v1/rooms/demo").status == 401)
            var more = link
            more["Authorization"] = "Bearer s3cret"
            // A link elsewhere to what makes rooms is refused still.
            try await #expect(client("GET", "/rooms/demo", headers: more).status == 403)
            // Neither may others' pages put them into a frame, nor take their parts.
            for headers in [
                ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"],
                ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"],
                ["Origin": "https://evil.example", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"],
            ] {
                try await #expect(client("GET", Self.pages[0], headers: headers).status == 403, "\(headers)")
            }
            #expect(await gateway.rooms.list().isEmpty)
        }
    }

    @Test func `a wrong room and an unknown part are told`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            try await #expect(client("GET", "/rooms/a%2Fb/watch").status == 400)
            let reply = try await client("GET", "/pages/nope.js")
            #expect(reply.status == 404 && reply.body.contains("the pages have no file \"nope.js\""))
            try await #expect(client("POST", "/rooms/demo/watch").status == 405)
            try await #expect(client("GET", "/pages/..%2Fwatch.html").status == 404)
        }
    }
}
