import Base
import CLinux
import Glibc
import MediaPlane
import SFU
import Testing

/// Stands in for the kernel: loopback takes datagrams at once, so that its buffers are never full.
private enum Kernel {
    struct State {
        /// Descriptors whose buffers are full, with how many messages they still take.
        var room: [Int32: Int] = [:]
        var answer = EAGAIN
        var calls: [Int32] = []
        var taken: [Int32: Int] = [:]
    }

    static let state = Locked(State())

    static let call: SendBatch.Call = { descriptor, _, count in
        state.withLock { state in
            state.calls.append(descriptor)
            let taken = min(Int(count), state.room[descriptor] ?? .max)
            if taken == 0 { return -state.answer }
            state.taken[descriptor, default: 0] += taken
            if let room = state.room[descriptor] { state.room[descriptor] = room - taken }
            return Int32(taken)
        }
    }
}

@Suite(.serialized) struct SendBatchTests {
    private let loop: MediaLoop
    private let destination: SocketAddress

    init() throws {
        loop = try MediaLoop.start(name: "send-batch")
        destination = try #require(SocketAddress("127.0.0.1", port: 9))
        Kernel.state.value = Kernel.State()
    }

    /// A socket of the table, and its descriptor.
    private func open(_ sockets: inout SocketTable) throws -> (id: SocketID, descriptor: Int32) {
        let socket = try UDPSocket.bind(to: try #require(SocketAddress("127.0.0.1", port: 0)))
        let descriptor = socket.descriptor
        return (try sockets.insert(socket, hasOneRemote: false), descriptor)
    }

    private func put(_ count: Int, on socket: SocketID, into outbox: inout Outbox) {
        // Each is a run of its own.
        for _ in 0..<count { _ = outbox.send([1, 2, 3, 4].span.bytes, to: destination, on: socket) }
    }

    @Test(arguments: [EAGAIN, ENOBUFS])
    func `a full buffer loses its own packets, and costs one call a turn`(answer: Int32) throws {
        var sockets = SocketTable(loop: loop)
        var outbox = Outbox()
        var batch = SendBatch(Kernel.call)
        var counters = MediaPlaneCounters()
        let (full, good) = (try open(&sockets), try open(&sockets))
        Kernel.state.withLock { ($0.room[full.descriptor], $0.answer) = (2, answer) }
        counters.turns = 1
        put(10, on: full.id, into: &outbox)
        put(5, on: good.id, into: &outbox)
        put(10, on: full.id, into: &outbox)
        put(5, on: good.id, into: &outbox)
        batch.send(outbox, on: &sockets, counting: &counters)
        // One call took two, the next found it full; nothing more was tried.
        #expect(Kernel.state.value.calls == [full.descriptor, full.descriptor, good.descriptor, good.descriptor])
        #expect((counters.sent, counters.overflowed, counters.failed) == (12, 18, 0))
        // Still the same turn: another outbox, no further call.
        batch.send(outbox, on: &sockets, counting: &counters)
        #expect(Kernel.state.value.calls.count { $0 == full.descriptor } == 2)
        #expect(Kernel.state.value.taken[good.descriptor] == 20)
        #expect((counters.sent, counters.overflowed) == (22, 38))
        // The next turn finds room again.
        counters.turns = 2
        Kernel.state.withLock { $0.room = [:] }
        batch.send(outbox, on: &sockets, counting: &counters)
        #expect((counters.sent, counters.overflowed) == (52, 38))
        loop.stop()
    }

    @Test func `where datagrams leave one by one, a full buffer costs one call as well`() throws {
        var sockets = SocketTable(loop: loop)
        var outbox = Outbox()
        var batch = SendBatch(Kernel.call)
        var counters = MediaPlaneCounters()
        let full = try open(&sockets)
        counters.turns = 1
        for _ in 0..<2 { put(3, on: full.id, into: &outbox) }
        // The kernel refuses segments here: EMSGSIZE only counts for runs, so the table is told directly.
        sockets.refuseRuns(full.id)
        Kernel.state.withLock { $0.room[full.descriptor] = 1 }
        batch.send(outbox, on: &sockets, counting: &counters)
        #expect(Kernel.state.value.calls.count == 2)
        #expect((counters.sent, counters.overflowed) == (1, 5))
        batch.send(outbox, on: &sockets, counting: &counters)
        #expect(Kernel.state.value.calls.count == 2)
        #expect((counters.sent, counters.overflowed) == (1, 11))
        loop.stop()
    }
}
