import Base
import CLinux
import MediaCore
import SFU

/// The sockets of one worker, each with the number by which epoll and the engine name it.
public struct SocketTable: ~Copyable {
    struct Entry: ~Copyable {
        let socket: UDPSocket
        /// False after the kernel refused a run here: the path's MTU is below the segment, or the device can't.
        var takesRuns = true
        /// When its buffer was found full, by the caller's count of turns.
        var fullTurn: UInt64?
        var remote: Remote

        init(_ socket: consuming UDPSocket, _ remote: Remote) {
            self.socket = socket
            self.remote = remote
        }
    }

    /// Whom a socket talks to.
    enum Remote {
        /// Several, or ones that may change.
        case any
        /// One for all its life, not known yet.
        case one
        /// The kernel knows it too, and need not look for the way with each message: 17 % of a lone datagram's cost.
        case fixed(SocketAddress)
    }

    private var entries = Slab<Entry>()
    private let loop: MediaLoop

    public init(loop: MediaLoop) { self.loop = loop }

    var count: Int { entries.count }

    /// Takes the socket in and watches it.
    /// - Parameter hasOneRemote: All that is ever sent from it goes to one address, and nothing from others is wanted.
    public mutating func insert(_ socket: consuming UDPSocket, hasOneRemote: Bool) throws(MediaCoreError) -> SocketID {
        let descriptor = socket.descriptor
        let index = entries.insert(Entry(socket, hasOneRemote ? .one : .any))
        let failure = loop.watch(descriptor, token: index.slot)
        guard failure == 0 else {
            _ = entries.remove(index)
            throw .system("cannot watch a socket", failure)
        }
        return SocketID(index.slot)
    }

    /// Closes it; returns its port. Nil: it is closed already.
    mutating func remove(_ id: SocketID) -> UInt16? {
        guard let index = index(of: id.rawValue) else { return nil }
        loop.unwatch(entries[index].socket.descriptor)
        let port = entries[index].socket.local.port
        _ = entries.remove(index)
        return port
    }

    /// Those that are open.
    var all: [SocketID] {
        (0..<entries.slotCount).filter { entries.index(ofSlot: $0) != nil }.map { SocketID(UInt32($0)) }
    }

    /// Nil when it has been closed.
    func descriptor(_ id: SocketID) -> Int32? {
        guard let index = index(of: id.rawValue) else { return nil }
        return entries[index].socket.descriptor
    }

    /// How to send on a socket.
    struct Route {
        let descriptor: Int32
        let takesRuns: Bool
        /// The remote side that the kernel knows.
        let fixed: SocketAddress?
        /// When its buffer was found full last.
        let fullTurn: UInt64?
    }

    func route(_ id: SocketID) -> Route? {
        guard let index = index(of: id.rawValue) else { return nil }
        var fixed: SocketAddress?
        if case .fixed(let remote) = entries[index].remote { fixed = remote }
        return Route(
            descriptor: entries[index].socket.descriptor, takesRuns: entries[index].takesRuns, fixed: fixed,
            fullTurn: entries[index].fullTurn)
    }

    mutating func isFull(_ id: SocketID, turn: UInt64) {
        if let index = index(of: id.rawValue) { entries[index].fullTurn = turn }
    }

    /// Datagrams leave one by one from now on.
    public mutating func refuseRuns(_ id: SocketID) {
        if let index = index(of: id.rawValue) { entries[index].takesRuns = false }
    }

    /// After the first message to it: from now on it is the only one.
    mutating func fix(_ id: SocketID, to remote: SocketAddress) {
        guard let index = index(of: id.rawValue), case .one = entries[index].remote else { return }
        entries[index].remote = entries[index].socket.connect(to: remote) ? .fixed(remote) : .any
    }

    /// After an ICMP error. A socket with a fixed remote side hears of each of them, once per lost packet; without one
    /// they cost nothing. A receiver that comes back is reached all the same.
    mutating func loosen(_ id: SocketID) {
        guard let index = index(of: id.rawValue), case .fixed = entries[index].remote else { return }
        entries[index].socket.disconnect()
        entries[index].remote = .any
    }

    private func index(of token: UInt32) -> SlabIndex? {
        Int(token) < entries.slotCount ? entries.index(ofSlot: Int(token)) : nil
    }
}
