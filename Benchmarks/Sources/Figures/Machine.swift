import Foundation

/// Where figures were taken: without it they say nothing.
public struct Machine: Codable, Sendable {
    public let processor: String
    public let kernel: String
    public let cores: Int

    public static var current: Machine {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
        return Machine(
            processor: model?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown",
            kernel: release.trimmingCharacters(in: .whitespacesAndNewlines),
            cores: ProcessInfo.processInfo.processorCount)
    }

    public var line: String { "\(processor), \(cores) cores, Linux \(kernel)" }
}

/// A line of kilobytes out of a file of /proc; 0 when it is not there.
public func readKilobytes(_ file: String, _ name: String) -> Double {
    let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0
}

/// What earlier rooms have left to the allocator would be taken first, and not be seen.
public func giveBackFreeMemory() {
    // Of glibc alone, and in no module map; it takes what is to stay, and says whether anything went.
    typealias Trim = @convention(c) (Int) -> Int32
    if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: Trim.self)(0) }
}
