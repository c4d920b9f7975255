import Base
import Glibc
import MediaPlane
import Signaling

/// Whether the gateway can do its work: asked by supervisors and load balancers, answered with reasons.
public struct HealthCheck: HealthSource {
    public struct Limits: Sendable, Hashable {
        /// For the media loop to run what it is given. 500 ms: a thousand times what it takes on a busy machine.
        public var loopAnswer = Duration.milliseconds(500)
        /// For the file system of the recordings.
        public var diskAnswer = Duration.seconds(1)
        /// With less than this free no recording should begin. 1 GiB: an hour of video at 2.4 Mbit/s.
        public var freeBytes: UInt64 = 1 << 30
        /// Nothing is looked at more often than this.
        public var lifetime = Duration.seconds(1)

        public init() {}
    }

    private let isShuttingDown = Locked(false)
    private let reasons: Remembered<[String]>

    /// - Parameter pipelineProgram: Nil: pipelines are not to be started.
    public init(core: EmbeddedCore, recordingsFolder: String, pipelineProgram: String?, limits: Limits = Limits()) {
        let disk = RecordingsDisk(folder: recordingsFolder)
        reasons = Remembered(for: limits.lifetime) {
            async let ofMedia = Self.reasons(of: core, limits)
            async let ofDisk = Self.reasons(of: disk, recordingsFolder, limits)
            return await ofMedia + ofDisk + Self.reasons(ofProgram: pipelineProgram)
        }
    }

    public func reasonsNotReady() async -> [String] {
        // Not remembered: it is true from one moment to the next.
        let ending = isShuttingDown.withLock { $0 } ? ["the gateway is shutting down"] : []
        return ending + (await reasons.value())
    }

    /// From now on the gateway is not ready. For the begin of the end, when requests are still answered.
    public func shuttingDown() { isShuttingDown.withLock { $0 = true } }

    // MARK: - Helpers

    private static func reasons(of core: EmbeddedCore, _ limits: Limits) async -> [String] {
        let measured = await core.measurements(within: limits.loopAnswer)
        guard !measured.contains(nil) else {
            return ["the media loop does not answer within \(limits.loopAnswer.seconds) s"]
        }
        let range = core.configuration.portRange
        let ports = core.portFigures
        let free = ports.free + ports.quarantined
        // A transport needs two where RTCP has a port of its own.
        guard free < 2 else { return [] }
        let left = free == 0 ? "no UDP port" : "only one UDP port"
        return ["\(left) of \(range.lowerBound)-\(range.upperBound) is free for another transport"]
    }

    private static func reasons(of disk: RecordingsDisk, _ folder: String, _ limits: Limits) async -> [String] {
        guard let look = await disk.look(within: limits.diskAnswer) else {
            return ["the disk of the recordings folder \(folder) does not answer within \(limits.diskAnswer.seconds) s"]
        }
        if let problem = look.problem { return ["the recordings folder \(folder) can't be written to: \(problem)"] }
        guard let free = look.freeBytes, free < limits.freeBytes else { return [] }
        return [
            "the disk of the recordings folder \(folder) is nearly full: \(free >> 20) MiB are free, "
                + "at least \(limits.freeBytes >> 20) should be"
        ]
    }

    private static func reasons(ofProgram program: String?) -> [String] {
        guard let program, access(program, X_OK) != 0 else { return [] }
        return ["\(program), which runs ingests and recordings, can't be started: \(String(cString: strerror(errno)))"]
    }
}
