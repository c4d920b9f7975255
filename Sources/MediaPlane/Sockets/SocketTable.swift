import Base
import CLinux
import MediaCore
import SFU

/// The sockets of one worker, each with the number by which epoll and the engine name it.
struct SocketTable: ~Copyable {
    struct Entry: ~Copyable {
        let socket: UDPSocket
        /// False after the kernel refused a run here: the path's MTU is below the segment, or the device can't.
        var takesRuns = true

        init(_ socket: consuming UDPSocket) { self.socket = socket }
    }

    private var entries = Slab<Entry>()
    private let loop: MediaLoop

    init(loop: MediaLoop) { self.loop = loop }

    var count: Int { entries.count }

    /// Takes the socket in and watches it.
    mutating func insert(_ socket: consuming UDPSocket) throws(MediaCoreError) -> SocketID {
        let descriptor = socket.descriptor
        let index = entries.insert(Entry(socket))
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

    /// Closes all.
    mutating func removeAll() {
        for slot in 0..<entries.slotCount { _ = remove(SocketID(UInt32(slot))) }
    }

    /// Nil when it has been closed.
    func descriptor(_ id: SocketID) -> Int32? {
        guard let index = index(of: id.rawValue) else { return nil }
        return entries[index].socket.descriptor
    }

    func takesRuns(_ id: SocketID) -> Bool {
        guard let index = index(of: id.rawValue) else { return false }
        return entries[index].takesRuns
    }

    mutating func refuseRuns(_ id: SocketID) {
        if let index = index(of: id.rawValue) { entries[index].takesRuns = false }
    }

    private func index(of token: UInt32) -> SlabIndex? {
        Int(token) < entries.slotCount ? entries.index(ofSlot: Int(token)) : nil
    }
}
