import Base
import CLinux
import Glibc
import SFU

/// Gives an outbox's runs to the kernel: one `sendmmsg` per socket, one UDP_SEGMENT message per run of two or more.
///
/// Nothing waits and nothing is tried again later: a destination that can't take its packets now loses them, and only
/// it. Real-time media are worth nothing late, and receivers ask for what they miss. A socket whose buffer is full is left
/// alone until the next turn: no system call is made for the rest of its packets.
public struct SendBatch: ~Copyable {
    /// sendmmsg(2) without blocking: the number of messages, or a negated errno.
    public typealias Call = @convention(c) (Int32, UnsafeMutablePointer<ladle_mmsghdr>?, UInt32) -> Int32

    /// Messages a call.
    private static let capacity = 256

    private let messages: UnsafeMutablePointer<ladle_mmsghdr>
    private let pieces: UnsafeMutablePointer<iovec>
    private let control: UnsafeMutableRawPointer

    private let call: Call
    /// What of the last outbox was not sent, by outgoing stream; what belongs to none is left out.
    public private(set) var unsent: [(owner: SlabIndex, count: Int)] = []

    /// - Parameter call: The kernel's, but for tests of what a full buffer does.
    public init(_ call: @escaping Call = ladle_sendmmsg) {
        self.call = call
        messages = .allocate(capacity: Self.capacity)
        messages.initialize(repeating: ladle_mmsghdr(), count: Self.capacity)
        pieces = .allocate(capacity: Self.capacity)
        pieces.initialize(repeating: iovec(), count: Self.capacity)
        control = .allocate(byteCount: Self.capacity * Int(LADLE_CONTROL_SPACE), alignment: 16)
    }

    deinit {
        messages.deallocate()
        pieces.deallocate()
        control.deallocate()
    }

    /// Sends all and counts what became of it. The outbox still holds its runs afterwards.
    /// - Parameter counters: Their `turns` tell one turn from the next.
    public mutating func send(
        _ outbox: borrowing Outbox, on sockets: inout SocketTable, counting counters: inout MediaPlaneCounters
    ) {
        unsent.removeAll(keepingCapacity: true)
        let slots = UnsafeRawBufferPointer(start: outbox.slots.base, count: outbox.used)
        let runs = outbox.runs
        var start = 0
        while start < runs.count {
            let socket = runs[start].socket
            var end = start + 1
            while end < runs.count, end - start < Self.capacity, runs[end].socket == socket { end += 1 }
            send(UnsafeBufferPointer(rebasing: runs[start..<end]), of: slots, on: socket, &sockets, &counters)
            start = end
        }
    }

    /// Runs of one socket, `capacity` at most.
    private mutating func send(
        _ runs: UnsafeBufferPointer<SegmentRun>, of slots: UnsafeRawBufferPointer, on socket: SocketID,
        _ sockets: inout SocketTable, _ counters: inout MediaPlaneCounters
    ) {
        guard let route = sockets.route(socket) else { return }
        if route.fullTurn == counters.turns {
            for run in runs { lose(run, errno: EAGAIN, &counters) }
            return
        }
        guard route.takesRuns else {
            sendSingly(runs[...], of: slots, on: socket, &sockets, &counters)
            return
        }
        for index in runs.indices { fill(index, runs, slots, route.fixed) }
        var next = 0
        while next < runs.count {
            let result = Int(call(route.descriptor, messages + next, UInt32(runs.count - next)))
            if result > 0 {
                for run in runs[next..<next + result] { counters.countSent(run) }
                next += result
                if route.fixed == nil, next == runs.count { sockets.fix(socket, to: runs[0].destination) }
                continue
            }
            switch Int32(-result) {
            case EINTR: continue
            case ECONNREFUSED:
                // An ICMP error for something sent earlier, reported once: this message has not been tried.
                counters.refused += 1
                sockets.loosen(socket)
                for index in next..<runs.count { fill(index, runs, slots, nil) }
            case EMSGSIZE, EINVAL, EIO:
                if runs[next].count > 1 {
                    // The path or the device does not take segments. It will not another time either.
                    sockets.refuseRuns(socket)
                    counters.runsCutUp += 1
                    sendSingly(runs[next...], of: slots, on: socket, &sockets, &counters)
                    return
                }
                lose(runs[next], errno: Int32(-result), &counters)
                next += 1
            case EAGAIN, ENOBUFS:
                sockets.isFull(socket, turn: counters.turns)
                for run in runs[next...] { lose(run, errno: Int32(-result), &counters) }
                return
            default:
                lose(runs[next], errno: Int32(-result), &counters)
                next += 1
            }
        }
    }

    private func fill(
        _ index: Int, _ runs: UnsafeBufferPointer<SegmentRun>, _ slots: UnsafeRawBufferPointer, _ fixed: SocketAddress?
    ) {
        let run = runs[index]
        let bytes = slots[Int(run.offset)..<Int(run.offset) + Int(run.length)]
        // The kernel only reads through these pointers; they hold until sendmmsg returns: the outbox is borrowed.
        pieces[index].iov_base = UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(rebasing: bytes).baseAddress)
        pieces[index].iov_len = bytes.count
        guard let first = runs.baseAddress else { return }
        if let fixed, fixed == run.destination {
            messages[index].msg_hdr.msg_name = nil
            messages[index].msg_hdr.msg_namelen = 0
        } else {
            messages[index].msg_hdr.msg_name = UnsafeMutableRawPointer(mutating: first + index) + Self.destinationOffset
            messages[index].msg_hdr.msg_namelen = run.destination.length
        }
        messages[index].msg_hdr.msg_iov = pieces + index
        messages[index].msg_hdr.msg_iovlen = 1
        if run.count > 1 {
            ladle_put_segment_size(
                &messages[index].msg_hdr, control + index * Int(LADLE_CONTROL_SPACE), run.segmentSize)
        } else {
            messages[index].msg_hdr.msg_control = nil
            messages[index].msg_hdr.msg_controllen = 0
        }
    }

    /// Each datagram of the runs by itself.
    private mutating func sendSingly(
        _ runs: Slice<UnsafeBufferPointer<SegmentRun>>, of slots: UnsafeRawBufferPointer, on socket: SocketID,
        _ sockets: inout SocketTable, _ counters: inout MediaPlaneCounters
    ) {
        guard let descriptor = sockets.descriptor(socket) else { return }
        var isFull = false
        for run in runs {
            var single = run
            single.count = 1
            for index in 0..<UInt32(run.count) {
                single.offset = run.offset + index * UInt32(run.segmentSize)
                single.length = min(UInt32(run.segmentSize), run.offset + run.length - single.offset)
                if isFull {
                    lose(single, errno: EAGAIN, &counters)
                    continue
                }
                isFull = !sendAlone(single, of: slots, on: descriptor, &counters)
                if isFull { sockets.isFull(socket, turn: counters.turns) }
            }
        }
    }

    /// Counts a run that was not taken. No list of many: a stream's runs lie side by side.
    private mutating func lose(_ run: SegmentRun, errno number: Int32, _ counters: inout MediaPlaneCounters) {
        counters.countUnsent(run, errno: number)
        guard let owner = run.owner else { return }
        if let last = unsent.last, last.owner == owner {
            unsent[unsent.count - 1].count += Int(run.count)
        } else {
            unsent.append((owner, Int(run.count)))
        }
    }

    /// A run of one datagram. False: the buffer is full.
    private mutating func sendAlone(
        _ run: SegmentRun, of slots: UnsafeRawBufferPointer, on descriptor: Int32, _ counters: inout MediaPlaneCounters
    ) -> Bool {
        let result = withUnsafePointer(to: run) { run in
            fill(0, UnsafeBufferPointer(start: run, count: 1), slots, nil)
            let result = call(descriptor, messages, 1)
            guard result == -ECONNREFUSED else { return result }
            // An ICMP error for something sent earlier is reported once, and this datagram has not been tried.
            counters.refused += 1
            return call(descriptor, messages, 1)
        }
        if result == 1 { counters.countSent(run) } else { lose(run, errno: -result, &counters) }
        return result != -EAGAIN && result != -ENOBUFS
    }

    private static let destinationOffset: Int = {
        guard let offset = MemoryLayout<SegmentRun>.offset(of: \.destination.storage) else {
            preconditionFailure("a stored property has a place")
        }
        return offset
    }()
}

/// What became of datagrams, since the worker began.
public struct MediaPlaneCounters: Sendable, Hashable {
    public var received: UInt64 = 0
    /// UDP payload.
    public var receivedBytes: UInt64 = 0
    public var sent: UInt64 = 0
    /// UDP payload.
    public var sentBytes: UInt64 = 0
    /// Messages given to the kernel: single datagrams and runs.
    public var messages: UInt64 = 0
    /// Lost because the socket's buffer was full.
    public var overflowed: UInt64 = 0
    /// Lost for other reasons of the system's: no route, too large …
    public var failed: UInt64 = 0
    /// ICMP errors: nobody listens at a destination.
    public var refused: UInt64 = 0
    /// Sockets that the kernel took no runs on, and whose datagrams are sent one by one since.
    public var runsCutUp: UInt64 = 0
    public var turns: UInt64 = 0

    public init() {}

    public static func += (sum: inout MediaPlaneCounters, other: MediaPlaneCounters) {
        sum.received += other.received
        sum.receivedBytes += other.receivedBytes
        sum.sent += other.sent
        sum.sentBytes += other.sentBytes
        sum.messages += other.messages
        sum.overflowed += other.overflowed
        sum.failed += other.failed
        sum.refused += other.refused
        sum.runsCutUp += other.runsCutUp
        sum.turns += other.turns
    }

    mutating func countSent(_ run: SegmentRun) {
        sent += UInt64(run.count)
        sentBytes += UInt64(run.length)
        messages += 1
    }

    mutating func countUnsent(_ run: SegmentRun, errno number: Int32) {
        switch number {
        case EAGAIN, ENOBUFS: overflowed += UInt64(run.count)
        case ECONNREFUSED: refused += 1
        default: failed += UInt64(run.count)
        }
    }
}
