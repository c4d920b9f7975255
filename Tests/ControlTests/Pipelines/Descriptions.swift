import Control
import PipelineControl
import PipelineDescription
import Pipelines

/// Descriptions as a gateway may have them, made here so that the shipped ones can change.
enum Descriptions {
    static let video = PipelineParameter(
        name: "video", type: .string, defaultValue: "vp8", allowed: ["vp8", "h264"], help: "What video becomes.")
    static let test = PipelineBlueprint(
        name: "ingest-test", kind: .ingest, engine: .libav(.ingest(.test)), help: "Plays the built-in picture.",
        parameters: [
            video,
            PipelineParameter(
                name: "width", type: .integer, defaultValue: 640, minimum: 160, maximum: 3840, help: "In pixels."),
            PipelineParameter(name: "seconds", type: .number, minimum: 0.1, help: "How long."),
        ], slots: [.codecs, .endpoints], file: "ingest-test.yaml")
    static let file = PipelineBlueprint(
        name: "ingest-file", kind: .ingest, engine: .libav(.ingest(.file)), help: "Plays a file.",
        parameters: [
            video, PipelineParameter(name: "loop", type: .boolean, defaultValue: false, help: "Begin again."),
        ], slots: [.input, .codecs, .endpoints], file: "ingest-file.yaml")
    static let network = PipelineBlueprint(
        name: "ingest-network", kind: .ingest, engine: .libav(.ingest(.network)), help: "Plays a network source.",
        parameters: [
            video,
            PipelineParameter(
                name: "transport", type: .string, defaultValue: "tcp", allowed: ["tcp", "udp"], help: "Of RTSP."),
            PipelineParameter(name: "listen", type: .boolean, defaultValue: false, help: "Wait for a publisher."),
            PipelineParameter(
                name: "patience", type: .number, defaultValue: 5, minimum: 1, maximum: 60, help: "In seconds."),
        ], slots: [.address, .codecs, .endpoints], file: "ingest-network.yaml")
    static let mkv = PipelineBlueprint(
        name: "record-mkv", kind: .record, engine: .libav(.record(.matroska)), help: "Writes Matroska.",
        slots: [.output, .listen, .tracks], file: "record-mkv.yaml")

    static let catalog = PipelineCatalog([test, file, network, mkv])

    /// What comes with the program, and a network description as long as there is none among it.
    static func shipped(_ folder: String) throws -> PipelineCatalog {
        let blueprints = try PipelineCatalog(folder: folder).blueprints
        return PipelineCatalog(blueprints + (blueprints.contains { $0.name == network.name } ? [] : [network]))
    }
}
