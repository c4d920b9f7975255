import Base
import Glibc

/// Tells the service manager how it goes: datagrams to the socket that NOTIFY_SOCKET names. sd_notify(3).
public struct ServiceNotifier: Sendable {
    /// A path, or "@" and a name without a file (abstract).
    private let socketName: String

    /// Nil when the name is none that a Unix socket can have.
    public init?(socketName: String) {
        guard socketName.hasPrefix("/") || socketName.hasPrefix("@"), socketName.utf8.count > 1,
            socketName.utf8.count < Self.longestName
        else { return nil }
        self.socketName = socketName
    }

    /// Nil when no service manager listens.
    public init?(environment: [String: String]) {
        guard let name = environment["NOTIFY_SOCKET"] else { return nil }
        self.init(socketName: name)
    }

    /// `sun_path` with its NUL: unix(7).
    private static let longestName = 108

    /// Sends assignments such as "READY=1", one a line; false when nobody took them. Never blocks.
    @discardableResult
    public func send(_ assignments: [String]) -> Bool {
        let file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socketName.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        // `init` has checked that it fits; the rest of `address` is zero, which ends a path.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // An abstract name is as long as it is told to be, a path ends with its NUL.
        let length = MemoryLayout<sa_family_t>.size + name.count + (name[0] == 0 ? 0 : 1)
        let bytes = Array(assignments.joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(file, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0, socklen_t(length))
            }
        }
        return sent == bytes.count
    }

    /// A text for people; what would begin another assignment is taken out.
    static func status(_ text: String) -> String {
        "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
    }
}

/// How often the service manager wants a sign of life: sd_watchdog_enabled(3).
public enum WatchdogInterval {
    /// Nil: it does not ask this process.
    public static func read(_ environment: [String: String], processID: Int32 = getpid()) -> Duration? {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
            return nil
        }
        // Inherited by a child of the one that was meant.
        if let wanted = environment["WATCHDOG_PID"], Int32(wanted) != processID { return nil }
        return .microseconds(microseconds)
    }
}
