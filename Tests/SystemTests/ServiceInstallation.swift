import Base
import Foundation
import Testing

extension AllSystemTests {
    /// What `make install` lays down: programs that run without the toolchain, and a unit that systemd accepts.
    @Suite(.serialized) struct `An installation` {
        private static let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()

        /// A staged installation of the built products.
        private func install(_ prefix: String = "/usr") async throws -> Scratch {
            let stage = try Scratch("ladle-stage")
            try await script(stage, prefix, [Products.folder.path])
            return stage
        }

        private func script(_ stage: Scratch, _ prefix: String, _ arguments: [String]) async throws {
            try await Tool.run(
                "env",
                [
                    "DESTDIR=\(stage.url.path)", "PREFIX=\(prefix)",
                    Self.tree.appendingPathComponent("packaging/install").path,
                ]
                    + arguments)
        }

        @Test func `runs without toolchain and environment`() async throws {
            let stage = try await install()
            let ladle = stage.path("usr/bin/ladle")
            let version = try await Tool.run("env", ["-i", ladle, "version"])
            #expect(version.hasPrefix("ladle "))
            // Its libraries are its own or the distribution's.
            let libraries = try await Tool.run(
                "env",
                ["-i", "/usr/bin/ldd", stage.path("usr/lib/ladle/ladle"), stage.path("usr/lib/ladle/ladle-pipeline")])
            #expect(!libraries.contains("not found"), "\(libraries)")
            let swift = libraries.split(separator: "\n").filter { $0.contains("libswift") || $0.contains("Foundation") }
            #expect(!swift.isEmpty && swift.allSatisfy { $0.contains(stage.path("usr/lib/ladle/")) }, "\(libraries)")

            let wrapper = stage.path("bare-ladle")
            try "#!/bin/sh\nexec env -i NOTIFY_SOCKET=\"$NOTIFY_SOCKET\" '\(ladle)' \"$@\"\n".write(
                toFile: wrapper, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: wrapper)
            let daemon = try await ServiceDaemon("sources: [{room: lobby, source: test}]", program: wrapper)
            // Descriptions and ladle-pipeline are found beside it, and media flows.
            let file = try await daemon.recording(of: "lobby")
            daemon.tool.signal(SIGTERM)
            #expect(try await daemon.tool.wait(seconds: 60) == 0, "\(daemon.tool.text)")
            #expect(FileManager.default.fileExists(atPath: file))
        }

        @Test func `keeps settings, and can be taken away`() async throws {
            let stage = try await install("/opt/media")
            let settings = stage.path("etc/ladle/ladle.yaml")
            let example = try String(
                contentsOf: Self.tree.appendingPathComponent("systemd/ladle.yaml"), encoding: .utf8)
            #expect(try String(contentsOfFile: settings, encoding: .utf8) == example)
            try "idleRoom: 5\n".write(toFile: settings, atomically: true, encoding: .utf8)
            try await script(stage, "/opt/media", [Products.folder.path])
            #expect(try String(contentsOfFile: settings, encoding: .utf8) == "idleRoom: 5\n")
            let unit = try String(
                contentsOfFile: stage.path("opt/media/lib/systemd/system/ladle.service"), encoding: .utf8)
            #expect(unit.contains("ExecStart=/opt/media/bin/ladle serve\n"))
            #expect(!unit.contains("/usr/local"))
            #expect(FileManager.default.fileExists(atPath: stage.path("opt/media/share/doc/ladle/service.md")))

            try await script(stage, "/opt/media", ["--uninstall"])
            let left = try #require(FileManager.default.enumerator(atPath: stage.url.path)).compactMap { $0 as? String }
                .filter { name in
                    var isFolder: ObjCBool = false
                    return FileManager.default.fileExists(atPath: stage.path(name), isDirectory: &isFolder)
                        && !isFolder.boolValue
                }
            #expect(left == ["etc/ladle/ladle.yaml"])
        }

        @Test func `is a Debian package that apt takes and that runs where it is unpacked`() async throws {
            let scratch = try Scratch("ladle-deb")
            let told = try await Tool.run(
                Self.tree.appendingPathComponent("packaging/deb").path, [Products.folder.path, scratch.url.path])
            let package = try #require(told.split(separator: "\n").last.map(String.init))
            let plan = try await Tool.run("apt-get", ["install", "--simulate", "--no-install-recommends", package])
            #expect(plan.contains("Inst ladle "), "\(plan)")
            let needed = try await Tool.run("dpkg-deb", ["--field", package, "Depends"])
            for library in ["libavformat", "libavcodec", "libgstreamer1.0-0"] { #expect(needed.contains(library)) }
            try await Tool.run("dpkg-deb", ["--extract", package, scratch.path("root")])
            let version = try await Tool.run("env", ["-i", scratch.path("root/usr/bin/ladle"), "version"])
            #expect(version.hasPrefix("ladle "))
            #expect(FileManager.default.fileExists(atPath: scratch.path("root/etc/ladle/ladle.yaml")))
        }

        @Test func `has a unit that systemd understands entirely, and that is well hardened`() async throws {
            let stage = try await install()
            // The program must be where the unit says: systemd looks.
            let unit = stage.path("ladle.service")
            let text = try String(contentsOfFile: stage.path("usr/lib/systemd/system/ladle.service"), encoding: .utf8)
            try text.replacingOccurrences(of: "/usr/bin/ladle", with: stage.path("usr/bin/ladle"))
                .write(toFile: unit, atomically: true, encoding: .utf8)
            // A key that it does not know leaves its status 0 and is told on standard error.
            let told = try await Tool.run("systemd-analyze", ["verify", "--man=no", unit])
            #expect(told == "", "\(told)")
            // Ends with a bad status above 3.0.
            let rating = try await Tool.run("systemd-analyze", ["security", "--offline=true", "--threshold=30", unit])
            #expect(rating.contains("Overall exposure level"), "\(rating)")
        }

        @Test func `makes its user and folders`() async throws {
            let stage = try await install()
            let root = "--root=\(stage.url.path)"
            try FileManager.default.createDirectory(
                atPath: stage.path("var/lib"), withIntermediateDirectories: true)
            try await Tool.run("systemd-sysusers", [root])
            let users = try String(contentsOfFile: stage.path("etc/passwd"), encoding: .utf8)
            #expect(users.contains("\nladle:") || users.hasPrefix("ladle:"), "\(users)")
            try await Tool.run("systemd-tmpfiles", [root, "--create"])
            let about = try FileManager.default.attributesOfItem(atPath: stage.path("var/lib/ladle/recordings"))
            #expect((about[.posixPermissions] as? NSNumber)?.intValue == 0o750)
        }
    }
}
