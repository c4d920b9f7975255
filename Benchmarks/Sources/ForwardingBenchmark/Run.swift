import CBench
import Figures
import Foundation

/// One forwarder under one load.
struct Run: Codable {
    /// CPU nanoseconds of the forwarder's process per forwarded packet.
    let nanoseconds: Double
    /// Of all packets of the run; by the forwarder's own count, and by the socket that is read.
    let lost: Double
    /// How late the generator was at worst: above some 1 ms the load was not what it should be.
    let latenessNanoseconds: Int64
    /// From before the send call to after the read, at the socket that is read: the last consumer's.
    let p50Microseconds: Double
    let p99Microseconds: Double
    /// CPU time of everything else on the machine, as a share of one core: the run was not alone.
    let others: Double

    /// The machine took a core away for so long that packets were lost or came in heaps: the figure is no measure of
    /// forwarding then.
    var isDisturbed: Bool { lost > 0 || latenessNanoseconds > 5_000_000 }

    static func measure(_ contestant: Contestant, _ load: Load, seconds: Double, warmUp: Double) throws -> Run {
        var sinks: [Int32] = []
        defer { for sink in sinks { close(sink) } }
        var ports: [UInt16] = []
        for number in 0..<load.consumers {
            var port: UInt16 = 0
            let sink = bench_socket(&port)
            guard sink >= 0 else { throw Failure("cannot open sink \(number): \(String(cString: strerror(errno)))") }
            sinks.append(sink)
            ports.append(port)
            if number < load.consumers - 1 { _ = bench_drop_all(sink) }
        }
        let sampled = sinks[load.consumers - 1]

        let child = try Child(contestant, load, ports: ports)
        var ownPort: UInt16 = 0
        let sender = bench_socket(&ownPort)
        defer { close(sender) }
        var stream = bench_stream()
        stream.fd = sender
        stream.to.sin_family = sa_family_t(AF_INET)
        stream.to.sin_port = child.port.bigEndian
        stream.to.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        stream.longer = load.isSplit ? 4 : 0
        (stream.ssrc, stream.payload_type, stream.size) = (2222, 101, Int32(Plan.packetBytes))

        _ = bench_send(&stream, load.rate, Int32(load.burst), Int64(warmUp * 1e9), sampled)
        bench_latency_reset()
        let (busyBefore, start) = (Self.busySeconds(), bench_now_ns())
        let ownBefore = bench_process_cpu_ns(getpid())
        let (before, sentBefore) = (bench_process_cpu_ns(child.pid), stream.sent)
        let lateness = bench_send(&stream, load.rate, Int32(load.burst), Int64(seconds * 1e9), sampled)
        let (after, sentAfter) = (bench_process_cpu_ns(child.pid), stream.sent)
        let seconds = Double(bench_now_ns() - start) / 1e9
        let ours = Double(after - before + bench_process_cpu_ns(getpid()) - ownBefore) / 1e9
        let others = max(0, (Self.busySeconds() - busyBefore - ours) / seconds)
        bench_drain(&stream, sampled)

        var stop: UInt8 = 0
        withUnsafePointer(to: &stream.to) { to in
            to.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(sender, &stop, 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let forwarded = try child.finish()
        let expected = Double(stream.sent) * Double(load.consumers)
        let lost = max(1 - Double(forwarded) / expected, 1 - Double(stream.sampled) / Double(stream.sent))
        return Run(
            nanoseconds: Double(after - before) / (Double(sentAfter - sentBefore) * Double(load.consumers)),
            lost: max(0, lost), latenessNanoseconds: lateness,
            p50Microseconds: Double(bench_latency(0.5)) / 1000,
            p99Microseconds: Double(bench_latency(0.99)) / 1000, others: others)
    }

    /// What all cores have worked since the machine started (proc(5), /proc/stat), to some 10 ms.
    private static func busySeconds() -> Double {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let ticks = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard ticks.count >= 8 else { return 0 }
        // user, nice, system, (idle, iowait,) irq, softirq; stolen time is nobody's work here.
        return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A forwarder in a process of its own, so that its CPU time is its alone.
private final class Child {
    let port: UInt16
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    var pid: Int32 { process.processIdentifier }

    init(_ contestant: Contestant, _ load: Load, ports: [UInt16]) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--forward", contestant.rawValue, "\(load.burst)"] + ports.map(String.init)
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        guard let line = Self.line(from: output), let port = UInt16(line) else {
            throw Failure("the forwarder did not say its port")
        }
        self.port = port
    }

    /// Ends it; returns how many packets it forwarded.
    func finish() throws -> UInt64 {
        try input.fileHandleForWriting.close()
        let line = Self.line(from: output)
        process.waitUntilExit()
        guard let line, let forwarded = UInt64(line) else { throw Failure("the forwarder did not say its count") }
        return forwarded
    }

    private static func line(from pipe: Pipe) -> String? {
        var bytes: [UInt8] = []
        while let next = try? pipe.fileHandleForReading.read(upToCount: 1)?.first {
            if next == 10 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(next)
        }
        return nil
    }
}
