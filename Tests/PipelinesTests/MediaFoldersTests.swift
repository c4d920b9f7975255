import FoundationEssentials
import Glibc
import PipelineControl
import Pipelines
import Testing

/// A tree of its own for each test, taken away with it.
private final class Sandbox {
    let root: String
    var media: String { "\(root)/media" }
    var recordings: String { "\(root)/out/recordings" }

    init() throws {
        var template = Array("/tmp/ladle-folders-XXXXXX".utf8CString)
        root = String(cString: try #require(mkdtemp(&template)))
        mkdir(media, 0o755)
        mkdir("\(root)/private", 0o755)
        try write("media/a.mp4", "media")
        try write("private/secret.mp4", "secret")
        mkdir("\(media)/sub", 0o755)
        try write("media/sub/b.mp4", "deeper")
        symlink("a.mp4", "\(media)/inner-link.mp4")
        symlink("../private/secret.mp4", "\(media)/outer-link.mp4")
        symlink("\(root)/private", "\(media)/outer-folder")
        symlink("/proc/self/root\(root)/private/secret.mp4", "\(media)/magic-link.mp4")
        symlink("loop.mp4", "\(media)/loop.mp4")
        mkfifo("\(media)/pipe.mp4", 0o644)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func write(_ name: String, _ text: String) throws {
        let file = try #require(fopen("\(root)/\(name)", "w"))
        fputs(text, file)
        fclose(file)
    }

    func folders() throws -> MediaFolders { try MediaFolders(sources: [media + "/"], recordings: recordings) }
}

private func text(of file: OpenedFile) -> String {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = pread(file.descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
}

@Suite struct `Media folders` {
    @Test(arguments: [
        ("a.mp4", "media"), ("sub/b.mp4", "deeper"), ("./sub/../a.mp4", "media"), ("inner-link.mp4", "media"),
        ("$MEDIA/a.mp4", "media"), ("$MEDIA//sub/b.mp4", "deeper"), ("$MEDIA/sub/../inner-link.mp4", "media"),
    ])
    func `open what lies in them`(name: String, expected: String) throws {
        let sandbox = try Sandbox()
        let file = try sandbox.folders().openSource(name.replacing("$MEDIA", with: sandbox.media))
        #expect(text(of: file) == expected)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test(arguments: [
        "outer-link.mp4", "outer-folder/secret.mp4", "magic-link.mp4", "loop.mp4", "../private/secret.mp4",
        "sub/../../private/secret.mp4", "$ROOT/private/secret.mp4", "$MEDIA/../private/secret.mp4", "/etc/passwd",
        "$MEDIA-else/x.mp4", "/proc/self/environ",
    ])
    func `refuse what leads out of them and name themselves`(name: String) throws {
        let sandbox = try Sandbox()
        let name = name.replacing("$MEDIA", with: sandbox.media).replacing("$ROOT", with: sandbox.root)
        let error = #expect(throws: PipelinesError.self) { try sandbox.folders().openSource(name) }
        #expect(error?.code == .forbidden)
        #expect(error?.message.contains(sandbox.media) == true)
        #expect(error?.message.contains(sandbox.recordings) == true)
    }

    @Test(arguments: [
        ("missing.mp4", PipelinesError.Code.notFound, "there is no file \"missing.mp4\" in "),
        ("a.mp4/x", .notFound, "there is no file"),
        ("", .invalid, "no name"),
        ("a\n.mp4", .invalid, #""a\n.mp4" has control characters"#),
        ("a\0.mp4", .invalid, "control characters"),
        ("sub", .invalid, "\"sub\" is a directory"),
        (".", .invalid, "is a directory"),
        ("pipe.mp4", .invalid, "is no regular file"),
        (String(repeating: "x", count: 5000), .unavailable, "File name too long"),
    ])
    func `say what is wrong with a name`(name: String, code: PipelinesError.Code, words: String) throws {
        let sandbox = try Sandbox()
        let error = #expect(throws: PipelinesError.self) { try sandbox.folders().openSource(name) }
        #expect(error?.code == code)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test func `an absolute name may come by the folder's real path`() throws {
        let sandbox = try Sandbox()
        symlink("media", "\(sandbox.root)/alias")
        let folders = try MediaFolders(sources: ["\(sandbox.root)/alias"], recordings: sandbox.recordings)
        #expect(text(of: try folders.openSource("\(sandbox.media)/a.mp4")) == "media")
        #expect(text(of: try folders.openSource("\(sandbox.root)/alias/a.mp4")) == "media")
    }

    @Test func `a recording can be read again, by its absolute name`() throws {
        let sandbox = try Sandbox()
        let folders = try sandbox.folders()
        let made = try folders.createRecording(named: "a.mkv", room: "demo")
        _ = write(made.file.descriptor, "matroska", 8)
        #expect(text(of: try folders.openSource(made.file.path)) == "matroska")
    }

    @Test func `relative folders are refused`() {
        #expect(throws: PipelinesError.self) { try MediaFolders(sources: ["media"], recordings: "/tmp") }
        #expect(throws: PipelinesError.self) { try MediaFolders(sources: [], recordings: "recordings") }
    }
}

@Suite struct `New recordings` {
    @Test func `are named by room and date and count up when a name is taken`() throws {
        let sandbox = try Sandbox()
        let date = RecordingDate(unixSeconds: 1_772_368_267)
        let made = try (0..<3).map { _ in
            try sandbox.folders().createRecording(named: nil, room: "demo", date: date).file
        }
        #expect(made.map(\.name) == ["demo-\(date).mkv", "demo-\(date)-2.mkv", "demo-\(date)-3.mkv"])
        #expect(made[0].path == "\(sandbox.recordings)/demo-\(date).mkv")
        #expect(date.description.wholeMatch(of: /\d{8}-\d{6}/) != nil)
    }

    @Test(arguments: [
        ("../../etc", "_._.._etc"), ("a/b", "a_b"), ("", "_"), (".hidden", "_hidden"), ("tab\t", "tab_"),
        (String(repeating: "ü", count: 300), String(repeating: "ü", count: 100)),
    ])
    func `of rooms with odd names stay in the folder`(room: String, stem: String) throws {
        let sandbox = try Sandbox()
        let date = RecordingDate(unixSeconds: 0)
        let made = try sandbox.folders().createRecording(named: nil, room: room, date: date)
        #expect(made.file.path == "\(sandbox.recordings)/\(stem)-\(date).mkv")
    }

    @Test func `never overwrite`() throws {
        let sandbox = try Sandbox()
        let first = try sandbox.folders().createRecording(named: "a.mkv", room: "demo")
        _ = write(first.file.descriptor, "precious", 8)
        let error = #expect(throws: PipelinesError.self) {
            try sandbox.folders().createRecording(named: "a.mkv", room: "demo")
        }
        #expect(error?.code == .exists)
        #expect(text(of: first.file) == "precious")
    }

    @Test func `do not follow a link that waits for them`() throws {
        let sandbox = try Sandbox()
        let folders = try sandbox.folders()
        _ = try folders.createRecording(named: "a.mkv", room: "demo")
        symlink("\(sandbox.root)/private/new.mkv", "\(sandbox.recordings)/b.mkv")
        #expect(throws: PipelinesError.self) { try folders.createRecording(named: "b.mkv", room: "demo") }
        #expect(access("\(sandbox.root)/private/new.mkv", F_OK) != 0)
    }

    @Test(arguments: [
        ("../a.mkv", "has a / in it"), ("a/b.mkv", "has a / in it"), ("a..mkv", "has .. in it"), ("..", ".. in it"),
        ("a\u{7}.mkv", "control characters"), ("", "is empty"), (".mkv", "begins with a dot"),
        ("a", "has no extension; possible: .mkv, .webm, .mp4"),
        ("a.avi", "has the extension .avi, which can't be written; possible: .mkv, .webm, .mp4"),
        (String(repeating: "x", count: 252) + ".mkv", "longer than 255 bytes"),
    ])
    func `refuse a bad name and say why`(name: String, words: String) throws {
        let sandbox = try Sandbox()
        let error = #expect(throws: PipelinesError.self) {
            try sandbox.folders().createRecording(named: name, room: "demo")
        }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [("a.mkv", RecordJob.Container.matroska), ("a.b.WebM", .webm), ("a.mp4", .mp4)])
    func `are what their names say`(name: String, container: RecordJob.Container) throws {
        let sandbox = try Sandbox()
        #expect(try sandbox.folders().createRecording(named: name, room: "demo").container == container)
    }

    @Test func `of a container that is asked for are named after it, and no name may say otherwise`() throws {
        let sandbox = try Sandbox()
        let made = try sandbox.folders().createRecording(named: nil, room: "demo", container: .webm)
        #expect(made.file.name.hasSuffix(".webm") && made.container == .webm)
        #expect(
            try sandbox.folders().createRecording(named: "a.webm", room: "demo", container: .webm).container == .webm)
        let error = #expect(throws: PipelinesError.self) {
            try sandbox.folders().createRecording(named: "b.mkv", room: "demo", container: .webm)
        }
        #expect(
            error?.message
                == "the file name \"b.mkv\" has the extension .mkv, and what is asked for writes WebM: .webm")
        #expect(access("\(sandbox.recordings)/b.mkv", F_OK) != 0)
    }

    @Test func `that nothing was written to can be taken away, others not`() throws {
        let sandbox = try Sandbox()
        let folders = try sandbox.folders()
        let empty = try folders.createRecording(named: "empty.MKV", room: "demo").file
        let full = try folders.createRecording(named: "full.mkv", room: "demo").file
        _ = write(full.descriptor, "x", 1)
        #expect(empty.removeIfEmpty())
        #expect(!full.removeIfEmpty())
        #expect(access(empty.path, F_OK) != 0)
        #expect(access(full.path, F_OK) == 0)
    }

    @Test func `need a folder that can be made`() throws {
        let sandbox = try Sandbox()
        let folders = try MediaFolders(sources: [], recordings: "\(sandbox.media)/a.mp4/recordings")
        let error = #expect(throws: PipelinesError.self) { try folders.createRecording(named: nil, room: "demo") }
        #expect(error?.message.contains("the recordings folder") == true)
    }
}
