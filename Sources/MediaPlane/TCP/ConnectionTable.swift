import Base
import CLinux
import Glibc
import ICE
import MediaCore
import SFU

/// The TCP sockets of one worker: listeners and their clients' connections, each with the number by which epoll and the
/// engine name it.
struct ConnectionTable: ~Copyable {
    private struct Listener: ~Copyable {
        let socket: TCPListener
        /// Nobody is let in: descriptors are used up. Until the next look around.
        var isResting = false

        init(_ socket: consuming TCPListener) { self.socket = socket }
    }

    /// Connections that have not proved to be a client's: the oldest gives way to a new one. A client takes two round
    /// trips for it.
    private static let maximumStrangers = 128
    /// Of all kinds.
    private static let maximumConnections = 4096
    /// How long one may be that is no way to a client (any more).
    private let patience: Duration
    private static let interval = Duration.seconds(1)

    private var listeners = Slab<Listener>()
    private var connections = Slab<TCPConnection>()
    private var strangers = 0
    private let loop: MediaLoop
    /// What one read fills: 64 KB. Uninitialised until then.
    private let input: UnsafeMutableRawPointer
    private var batch = FrameBatch()
    /// When somebody has to look around.
    private(set) var nextLook: Instant?
    /// What of the last outbox was not sent, by outgoing stream; what belongs to none is left out.
    private(set) var unsent: [(owner: SlabIndex, count: Int)] = []

    static let inputSize = 65_536

    init(loop: MediaLoop, patience: Duration) {
        self.loop = loop
        self.patience = patience
        input = .allocate(byteCount: Self.inputSize, alignment: 64)
    }

    deinit { input.deallocate() }

    var count: Int { connections.count }

    // MARK: - Coming and going

    mutating func insert(_ listener: consuming TCPListener) throws(MediaCoreError) -> SocketID {
        let descriptor = listener.descriptor
        let index = listeners.insert(Listener(listener))
        let id = SocketID(listener: index)
        let failure = loop.watch(descriptor, token: id.rawValue)
        guard failure == 0 else {
            _ = listeners.remove(index)
            throw .system("cannot watch a TCP port", failure)
        }
        return id
    }

    /// What became of a connection that waited.
    enum Arrival {
        case accepted
        /// None waits.
        case none
        /// There are too many: one has to close first, or none does and the new one was.
        case crowded(oldest: SocketID?)
    }

    /// Lets one connection in.
    mutating func accept(_ id: SocketID, now: Instant) -> Arrival {
        guard let index = listener(id), !listeners[index].isResting else { return .none }
        if strangers >= Self.maximumStrangers, let oldest = oldestStranger { return .crowded(oldest: oldest) }
        switch listeners[index].socket.accept(index, now: now) {
        case .none: return .none
        case .exhausted:
            // Level-triggered: it would be reported again at once, and again.
            loop.unwatch(listeners[index].socket.descriptor)
            listeners[index].isResting = true
            nextLook = nextLook ?? now + Self.interval
            return .none
        case .connection(let connection):
            // Closed with its end of life, here.
            if connections.count >= Self.maximumConnections { return .crowded(oldest: nil) }
            let descriptor = connection.descriptor
            let index = connections.insert(connection)
            guard loop.watch(descriptor, token: SocketID(connection: index).rawValue) == 0 else {
                _ = connections.remove(index)
                return .none
            }
            strangers += 1
            nextLook = nextLook ?? now + Self.interval
            return .accepted
        }
    }

    /// Closes a connection. Returns what the engine knows it by; nil: it is closed already.
    mutating func remove(_ id: SocketID) -> ICETuple? {
        guard let index = connection(id) else { return nil }
        let tuple = tuple(id, index)
        loop.unwatch(connections[index].descriptor)
        if !connections[index].hasBeenKnown { strangers -= 1 }
        _ = connections.remove(index)
        return tuple
    }

    mutating func removeListeners() {
        for slot in 0..<listeners.slotCount {
            guard let index = listeners.index(ofSlot: slot) else { continue }
            loop.unwatch(listeners[index].socket.descriptor)
            _ = listeners.remove(index)
        }
    }

    var all: [SocketID] {
        (0..<connections.slotCount).compactMap { connections.index(ofSlot: $0) }.map { SocketID(connection: $0) }
    }

    private var oldestStranger: SocketID? {
        var oldest: SlabIndex?
        for slot in 0..<connections.slotCount {
            guard let index = connections.index(ofSlot: slot), !connections[index].hasBeenKnown else { continue }
            if let found = oldest, connections[found].known <= connections[index].known { continue }
            oldest = index
        }
        return oldest.map { SocketID(connection: $0) }
    }

    /// Wakes listeners that rest. Returns the connections that are no way to a client, and have not been for too long.
    mutating func look(now: Instant, asking engine: borrowing MediaEngine) -> [SocketID] {
        var overdue: [SocketID] = []
        for slot in 0..<connections.slotCount {
            guard let index = connections.index(ofSlot: slot) else { continue }
            let id = SocketID(connection: index)
            if engine.knows(tuple(id, index)) {
                makeKnown(index, now: now)
            } else if now - connections[index].known >= patience {
                overdue.append(id)
            }
        }
        for slot in 0..<listeners.slotCount {
            guard let index = listeners.index(ofSlot: slot), listeners[index].isResting else { continue }
            let token = SocketID(listener: index).rawValue
            listeners[index].isResting = loop.watch(listeners[index].socket.descriptor, token: token) != 0
        }
        let hasMore = connections.count > 0 || areSomeResting
        nextLook = hasMore ? now + Self.interval : nil
        return overdue
    }

    private var areSomeResting: Bool {
        (0..<listeners.slotCount).contains { listeners.index(ofSlot: $0).map { listeners[$0].isResting } ?? false }
    }

    private mutating func makeKnown(_ index: SlabIndex, now: Instant) {
        if !connections[index].hasBeenKnown { strangers -= 1 }
        connections[index].hasBeenKnown = true
        connections[index].known = now
    }

    // MARK: - Receiving

    /// The engine knows this one now.
    mutating func makeKnown(_ id: SocketID, now: Instant) {
        if let index = connection(id) { makeKnown(index, now: now) }
    }

    func hasBeenKnown(_ id: SocketID) -> Bool { connection(id).map { connections[$0].hasBeenKnown } ?? false }

    /// Nil when it has been closed.
    func tuple(_ id: SocketID) -> ICETuple? { connection(id).map { tuple(id, $0) } }

    private func tuple(_ id: SocketID, _ index: SlabIndex) -> ICETuple {
        ICETuple(
            socket: id.rawValue, remote: connections[index].remote, transport: .tcp,
            listener: SocketID(listener: connections[index].listener).rawValue)
    }

    /// Reads what waits, `inputSize` bytes at most. Returns their number, 0 at the end, or a negated errno.
    mutating func receive(on id: SocketID) -> Int {
        guard let index = connection(id) else { return -Int(EBADF) }
        return Int(ladle_tcp_receive(connections[index].descriptor, input, Self.inputSize))
    }

    enum Frame {
        /// Good until the next `receive`.
        case whole(UnsafeRawBufferPointer)
        case gathered([UInt8])
    }

    /// The next frame of the last `receive`, to be asked for until it is nil.
    /// - Parameter count: What that returned.
    mutating func nextFrame(on id: SocketID, of count: Int) throws(FrameError) -> Frame? {
        guard let index = connection(id) else { return nil }
        let bytes = UnsafeRawBufferPointer(start: input, count: count)
        switch try connections[index].nextFrame(in: bytes.bytes) {
        case nil: return nil
        case .within(let range): return .whole(UnsafeRawBufferPointer(rebasing: bytes[range]))
        case .gathered: return .gathered(connections[index].reader.gathered)
        }
    }

    // MARK: - Sending

    /// Sends what of an outbox is for connections, and counts what became of it.
    mutating func send(_ outbox: borrowing Outbox, counting counters: inout MediaPlaneCounters) {
        unsent.removeAll(keepingCapacity: true)
        let slots = UnsafeRawBufferPointer(start: outbox.slots.base, count: outbox.used)
        var current: SlabIndex?
        for run in outbox.runs where run.socket.isConnection {
            // One may have closed since, and its number may be somebody else's.
            guard let index = connection(run.socket), connections[index].remote == run.destination else {
                lose(Int(run.count), of: run.owner, errno: EPIPE, &counters)
                continue
            }
            if let current, current != index { send(on: current, &counters) }
            current = index
            var offset = Int(run.offset)
            let end = offset + Int(run.length)
            while offset < end {
                let size = min(Int(run.segmentSize), end - offset)
                if batch.isFull { send(on: index, &counters) }
                batch.add(UnsafeRawBufferPointer(rebasing: slots[offset..<offset + size]), of: run.owner)
                offset += size
            }
        }
        if let current { send(on: current, &counters) }
    }

    /// Empties the batch.
    private mutating func send(on index: SlabIndex, _ counters: inout MediaPlaneCounters) {
        if batch.count == 0 { return }
        var losses: [(place: Int, errno: Int32)] = []
        connections[index].send(batch) { losses.append(($0, $1)) }
        counters.messages += 1
        for place in 0..<batch.count {
            counters.sent += 1
            counters.sentBytes += UInt64(batch.datagramLength(place))
        }
        for (place, number) in losses {
            counters.sent -= 1
            counters.sentBytes -= UInt64(batch.datagramLength(place))
            lose(1, of: batch.owner(place), errno: number, &counters)
        }
        batch.removeAll()
        watchForRoom(index)
    }

    private mutating func lose(
        _ count: Int, of owner: SlabIndex?, errno number: Int32, _ counters: inout MediaPlaneCounters
    ) {
        if number == EAGAIN { counters.overflowed += UInt64(count) } else { counters.failed += UInt64(count) }
        guard let owner else { return }
        if let last = unsent.last, last.owner == owner {
            unsent[unsent.count - 1].count += count
        } else {
            unsent.append((owner, count))
        }
    }

    /// There may be room again.
    mutating func sendWaiting(on id: SocketID) {
        guard let index = connection(id), !connections[index].waiting.isEmpty else { return }
        connections[index].sendWaiting()
        watchForRoom(index)
    }

    private mutating func watchForRoom(_ index: SlabIndex) {
        let isWanted = !connections[index].waiting.isEmpty
        guard isWanted != connections[index].isWatchedForRoom else { return }
        connections[index].isWatchedForRoom = isWanted
        loop.rewatch(
            connections[index].descriptor, token: SocketID(connection: index).rawValue, forRoom: isWanted)
    }

    // MARK: - Names

    private func connection(_ id: SocketID) -> SlabIndex? {
        guard id.isConnection else { return nil }
        let slot = Int(id.rawValue & SocketID.slotMask)
        return slot < connections.slotCount ? connections.index(ofSlot: slot) : nil
    }

    private func listener(_ id: SocketID) -> SlabIndex? {
        guard id.isListener else { return nil }
        let slot = Int(id.rawValue & SocketID.slotMask)
        return slot < listeners.slotCount ? listeners.index(ofSlot: slot) : nil
    }
}

/// Numbers of UDP sockets are below those of TCP's, ways to code of this process above.
extension SocketID {
    fileprivate static let slotMask: UInt32 = 0x1FFF_FFFF
    private static let firstConnection: UInt32 = 0x4000_0000
    private static let firstListener: UInt32 = 0x6000_0000

    fileprivate init(connection: SlabIndex) { self.init(Self.firstConnection | connection.slot) }
    fileprivate init(listener: SlabIndex) { self.init(Self.firstListener | listener.slot) }

    /// A connection or a listener.
    var isTCP: Bool { rawValue >> 30 == 1 }
    var isConnection: Bool { rawValue >> 29 == 2 }
    var isListener: Bool { rawValue >> 29 == 3 }
}
