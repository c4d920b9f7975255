import Base
import CLinux
import Glibc
import MediaCore
import MediaPlane
import Testing

/// Descriptors by the kernel's own list; the one that reads it is left out.
private func listedDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count - 3
}

/// Memory of this process that lies in RAM, in bytes.
private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return -1 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return -1 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? -1) * sysconf(Int32(_SC_PAGESIZE))
}

@Suite struct ManyTransportsTests {
    @Test func `ten thousand transports with a consumer each leave no port, no descriptor and no memory behind`() async
    {
        // In a process of its own: other tests open and close descriptors meanwhile.
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

            let alive = 1000
            let stage = try await Stage(MediaPlaneConfiguration(portQuarantine: .zero, workers: 2))
            let inlet = try await stage.inlet()
            let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
            func round(_ transports: inout [TransportID], _ count: Int) async throws {
                for _ in 0..<count {
                    if transports.count == alive { await stage.core.close(transports.removeFirst()) }
                    let outlet = try await stage.outlet(to: 9)
                    _ = try await stage.consume(producer.id, on: outlet.id)
                    transports.append(outlet.id)
                }
            }
            var transports: [TransportID] = []
            // What the first thousand grow (tables, arrays, the allocator's pools) stays.
            try await round(&transports, 2 * alive)
            let before = (descriptors: listedDescriptors(), memory: residentBytes())
            let start = ladle_monotonic_ns()
            try await round(&transports, 10_000)
            let seconds = Double(ladle_monotonic_ns() - start) / 1e9
            let after = (descriptors: listedDescriptors(), memory: residentBytes())
            print("10,000 transports with a consumer each: \(seconds) s, \(after.memory >> 20) MB resident")
            #expect(after.descriptors == before.descriptors)
            // 400 bytes for each transport would be found. The thread sanitizer keeps several for each byte of ours.
            let shadow = dlsym(nil, "__tsan_init") == nil ? 1 : 5
            #expect(after.memory - before.memory < shadow * 4 << 20, "\(before) \(after)")
            #expect(stage.core.portFigures.used == alive + 1)
            for transport in transports { await stage.core.close(transport) }
            #expect(stage.core.portFigures == PortFigures(used: 1, free: 9999))
            #expect(before.descriptors - listedDescriptors() == alive)
            #expect(stage.core.objectCount == 3, "router, inlet, producer")
            await stage.core.close(stage.router.id)
            #expect(stage.core.objectCount == 0)
            await stage.core.shutDown()
        }
        // The child's output would be lost.
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self), terminator: "")
    }
}
