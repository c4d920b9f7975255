import LibAV
import PipelineControl

/// A file that is being written; belongs to the writing thread.
///
/// Two kinds: `LibAVFile`, and what a GStreamer description muxes.
protocol RecordingFile: AnyObject {
    /// Bytes in the file so far.
    var size: Int { get }
    /// Appends one frame; times of a track only rise.
    func write(_ frame: FileFrame) throws(PipelineFailure)
    /// Brings what was written into the file.
    func flush() throws(PipelineFailure)
    /// Ends the file in order.
    func finish() throws(PipelineFailure)
}

/// Opens the file of a recording: each engine has its case.
enum RecordingFiles {
    /// - Parameters:
    ///   - descriptor: empty and open for writing; stays the caller's, who keeps it open as long as the file lives.
    ///   - tracks: what the file will hold; frames name them by their position.
    static func open(
        job: RecordJob, descriptor: Int32, tracks: [ContainerTrack]
    ) throws(PipelineFailure) -> any RecordingFile {
        if let plan = job.plan {
            return try GStreamerFile(plan, name: job.fileName, descriptor: descriptor, tracks: tracks)
        }
        return try LibAVFile(
            descriptor: descriptor, name: job.fileName, format: ContainerFormat(job.container), tracks: tracks)
    }
}

extension ContainerFormat {
    init(_ container: RecordJob.Container) {
        switch container {
        case .matroska: self = .matroska
        case .webm: self = .webm
        case .mp4: self = .mp4
        }
    }
}

/// A file that libav muxes.
final class LibAVFile: RecordingFile {
    private let writer: ContainerWriter

    init(
        descriptor: Int32, name: String, format: ContainerFormat, tracks: [ContainerTrack]
    ) throws(PipelineFailure) {
        writer = try Self.asking { () throws(LibAVError) in
            try ContainerWriter(descriptor: descriptor, name: name, format: format, tracks: tracks)
        }
    }

    var size: Int { writer.size }

    func write(_ frame: FileFrame) throws(PipelineFailure) {
        try Self.asking { () throws(LibAVError) in
            if let size = frame.size { writer.setSize(width: size.width, height: size.height) }
            try writer.write(
                Packet(copying: frame.bytes, presentation: frame.time, duration: frame.duration, isKey: frame.isKey),
                track: frame.track)
        }
    }

    func flush() throws(PipelineFailure) { try Self.asking(writer.flush) }

    func finish() throws(PipelineFailure) { try Self.asking(writer.finish) }

    /// libav's no is a file's no.
    private static func asking<Result>(
        _ body: () throws(LibAVError) -> Result
    ) throws(PipelineFailure) -> Result {
        do { return try body() } catch { throw PipelineFailure(code: .cannotWrite, message: "\(error)") }
    }
}
