import Glibc

/// Who has a port, so that "address already in use" can name it.
public struct PortOwner: Sendable, Hashable, CustomStringConvertible {
    public let processID: Int
    public let program: String

    public var description: String { "\(program) (pid \(processID))" }

    /// Looks the listener on a TCP port up in /proc; nil when there is none or its process belongs to another user.
    public static func ofListener(port: UInt16) -> PortOwner? {
        owner(of: port, in: ["/proc/net/tcp", "/proc/net/tcp6"], state: "0A")
    }

    /// The same for a UDP socket that is connected to nobody.
    public static func ofUDP(port: UInt16) -> PortOwner? {
        owner(of: port, in: ["/proc/net/udp", "/proc/net/udp6"], state: "07")
    }

    private static func owner(of port: UInt16, in tables: [String], state: Substring) -> PortOwner? {
        let inodes = tables.flatMap { inodes(in: $0, port: port, state: state) }
        guard !inodes.isEmpty else { return nil }
        let wanted = Set(inodes.map { "socket:[\($0)]" })
        for process in entries(of: "/proc") {
            guard let pid = Int(process) else { continue }
            for descriptor in entries(of: "/proc/\(pid)/fd") {
                guard let target = link("/proc/\(pid)/fd/\(descriptor)"), wanted.contains(target) else { continue }
                let name = text(of: "/proc/\(pid)/comm")?.split(separator: "\n").first.map(String.init)
                return PortOwner(processID: pid, program: name ?? "a process")
            }
        }
        return nil
    }

    /// Columns of proc(5): sl, local_address (hex), rem_address, st (0A = LISTEN, 07 = CLOSE), …, inode as the tenth.
    private static func inodes(in table: String, port: UInt16, state: Substring) -> [Substring] {
        guard let lines = text(of: table)?.split(separator: "\n").dropFirst() else { return [] }
        return lines.compactMap { line in
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count > 9, columns[3] == state, let hex = columns[1].split(separator: ":").last,
                UInt16(hex, radix: 16) == port
            else { return nil }
            return columns[9]
        }
    }

    private static func entries(of folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    private static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let length = readlink(path, base, 255)
            guard length > 0 else { return nil }
            return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
