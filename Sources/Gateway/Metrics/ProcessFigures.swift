import Glibc
import Signaling

/// What every Prometheus client tells of its process, under the names that they share.
enum ProcessFigures {
    static func metrics() -> [Metric] {
        var metrics: [Metric] = []
        func add(_ name: String, _ kind: Metric.Kind, _ help: String, _ value: Double?) {
            metrics.append(Metric("process_\(name)", kind, help, value.map { [.init($0)] } ?? []))
        }
        let memory = text(of: "/proc/self/statm")?.split(separator: " ").compactMap { Double($0) } ?? []
        let pageSize = Double(sysconf(Int32(_SC_PAGESIZE)))
        add(
            "cpu_seconds_total", .counter,
            "Processor time used by the gateway itself, without its pipelines, in seconds.",
            cpuSeconds)
        add(
            "resident_memory_bytes", .gauge, "Memory of the gateway itself that lies in RAM, in bytes.",
            memory.count > 1 ? memory[1] * pageSize : nil)
        add("virtual_memory_bytes", .gauge, "Address space in use, in bytes.", memory.first.map { $0 * pageSize })
        add("open_fds", .gauge, "File descriptors that are open.", openDescriptors)
        add("max_fds", .gauge, "File descriptors that may be open.", maximumDescriptors)
        add("start_time_seconds", .gauge, "When the process was started, in seconds since 1970.", startTime)
        return metrics
    }

    private static var cpuSeconds: Double? {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static var openDescriptors: Double? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // ".", ".." and the folder's own.
        return Double(count - 3)
    }

    private static var maximumDescriptors: Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }

    /// The machine's start and the process's after it: proc(5), "btime" of /proc/stat, field 22 of /proc/pid/stat. Does
    /// not change, so it is read once.
    private static let startTime: Double? = {
        let boot = text(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }?.split(
            separator: " ")
        // The second field is the program's name, which may hold spaces and brackets.
        let fields = text(of: "/proc/self/stat")?.split(separator: ")").last?.split(separator: " ") ?? []
        guard let boot = boot?.last.flatMap({ Double($0) }), fields.count > 19, let ticks = Double(fields[19])
        else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }()

    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}
