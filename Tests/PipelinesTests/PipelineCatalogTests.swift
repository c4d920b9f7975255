import FoundationEssentials
import PipelineDescription
import Pipelines
import TestSupport
import Testing

/// The descriptions that come with the program.
private let shipped = Vectors.path("../../pipelines")

private final class Folder {
    let path: String

    init(_ files: [String: String]) throws {
        path = "/tmp/ladle-catalog-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)")) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func recorder(_ name: String) -> String {
    """
    name: \(name)
    kind: record
    engine: libav
    help: Records.
    container: matroska
    slots: [output, listen, tracks]
    """
}

@Suite struct `The catalog` {
    @Test func `has the shipped descriptions`() throws {
        let catalog = try PipelineCatalog(folder: shipped)
        // What a request without `pipeline` gets, and both engines.
        let usual: Set = [
            "ingest-file", "ingest-test", "ingest-network", "ingest-camera", "ingest-microphone", "record-mkv",
            "record-webm", "record-mp4",
        ]
        #expect(usual.isSubset(of: catalog.blueprints.map(\.name)))
        #expect(Set(catalog.blueprints.map(\.engine.name)) == ["libav", "gstreamer"])
        #expect(catalog["ingest-test"]?.engine == .libav(.ingest(.test)))
        #expect(catalog["record-mkv"]?.kind == .record)
        #expect(catalog["nothing"] == nil)
    }

    @Test func `takes yaml files only`() throws {
        let folder = try Folder(["b.yaml": recorder("b"), "a.yaml": recorder("a"), "x.txt": "?", ".c.yaml": "?"])
        #expect(try PipelineCatalog(folder: folder.path).blueprints.map(\.name) == ["a", "b"])
    }

    @Test func `tells all errors of a folder at once`() throws {
        let folder = try Folder([
            "1.yaml": recorder("a"), "2.yaml": recorder("a"), "3.yaml": "name: [", "4.yaml": recorder("B"),
            "5.yaml": String(repeating: "#", count: 70_000),
        ])
        let error = #expect(throws: PipelineCatalogError.self) { try PipelineCatalog(folder: folder.path) }
        let lines = error?.errors.map { $0.description.dropFirst(folder.path.count + 1) } ?? []
        #expect(lines.count == 4)
        #expect(lines.first == "2.yaml: name: \"a\" is the name of \(folder.path)/1.yaml already")
        #expect(lines.contains { $0.hasPrefix("3.yaml:") && $0.contains("no YAML") })
        #expect(lines.contains { $0.hasPrefix("4.yaml:1:7: name: ") })
        #expect(lines.contains { $0.hasPrefix("5.yaml: the file is longer than 64 KiB") })
    }

    @Test func `is of several folders, and no name is taken twice`() throws {
        let shipped = try Folder(["a.yaml": recorder("a")])
        let own = try Folder(["b.yaml": recorder("b")])
        #expect(try PipelineCatalog(folders: [shipped.path, own.path]).blueprints.map(\.name) == ["a", "b"])
        let twice = try Folder(["mine.yaml": recorder("a"), "wrong.yaml": "name: ["])
        let error = #expect(throws: PipelineCatalogError.self) {
            try PipelineCatalog(folders: [shipped.path, twice.path, "/no/such/folder"])
        }
        #expect(error?.errors.count == 3)
        #expect(
            error?.errors.first?.description
                == "\(twice.path)/mine.yaml: name: \"a\" is the name of \(shipped.path)/a.yaml already")
        #expect(error?.errors.last?.description == "/no/such/folder: the folder can't be read")
    }

    @Test func `needs a folder`() {
        #expect(throws: PipelineCatalogError.self) { try PipelineCatalog(folder: "/no/such/folder") }
    }
}
