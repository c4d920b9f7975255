import Control
import HTTPTypes

/// The pages for people: watching a room and sending into one. They hold nothing secret and change nothing, so anybody may
/// have them; what they then ask for needs the token as ever.
struct PageRoutes: Sendable {
    var routes: [Route] {
        [
            Route(.get, "/rooms/{room}/watch", isOpen: true) { try page(.watch, $0) },
            Route(.get, "/rooms/{room}/publish", isOpen: true) { try page(.publish, $0) },
            Route(.get, "/pages/{file}", isOpen: true, part),
        ]
    }

    /// Making a room is left to those who send.
    private func page(_ file: PageFile, _ call: Call) throws -> Answer {
        _ = try call.room()
        var answer = answer(file, call)
        for field in Self.pageFields { answer.fields[field.name] = field.value }
        return answer
    }

    private func part(_ call: Call) async throws -> Answer {
        guard let file = PageFile.parts[call.name("file")] else {
            throw ControlError.notFound("the pages have no file \"\(call.name("file"))\"")
        }
        return answer(file, call)
    }

    private func answer(_ file: PageFile, _ call: Call) -> Answer {
        var answer = Answer(body: .text(file.text), contentType: file.contentType)
        // Asked for each time, sent once: after an upgrade no page runs with half of its old parts.
        answer.fields = [.cacheControl: "no-cache", .eTag: file.tag, .xContentTypeOptions: "nosniff"]
        if call.request.headers[.ifNoneMatch] == file.tag {
            answer.body = .none
            answer.status = .notModified
        }
        return answer
    }

    /// Nothing but our own files is run or asked (W3C CSP 3), and no other page may put itself around these: a person would
    /// press "Publish" without seeing it.
    private static let pageFields: HTTPFields = {
        var fields: HTTPFields = [
            .contentSecurityPolicy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                + "connect-src 'self'; media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'none'"
        ]
        for (name, value) in [
            ("Referrer-Policy", "no-referrer"),
            ("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), autoplay=(self)"),
        ] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()
}
