import Base
import CLinux
import Glibc
import SFU

/// Gives an outbox's runs to the kernel: one `sendmmsg` per socket, one UDP_SEGMENT message per run of two or more.
///
/// Nothing waits and nothing is tried again later: a destination that can't take its packets now loses them, and only
/// it. Real-time media are worth nothing late, and receivers ask for what they miss.
struct SendBatch: ~Copyable {
    /// Messages a call.
    private static let capacity = 256

    private let messages: UnsafeMutablePointer<ladle_mmsghdr>
    private let pieces: UnsafeMutablePointer<iovec>
    private let control: UnsafeMutableRawPointer

    init() {
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
    mutating func send(
        _ outbox: borrowing Outbox, on sockets: inout SocketTable, counting counters: inout MediaPlaneCounters
    ) {
        let slots = UnsafeRawBufferPointer(start: outbox.slots.base, count: outbox.used)
        outbox.runs.withUnsafeBufferPointer { runs in
            var start = 0
            while start < runs.count {
                let socket = runs[start].socket
                var end = start + 1
                while end < runs.count, end - start < Self.capacity, runs[end].socket == socket { end += 1 }
                send(UnsafeBufferPointer(rebasing: runs[start..<end]), of: slots, on: socket, &sockets, &counters)
                start = end
            }
        }
    }

    /// Runs of one socket, `capacity` at most.
    private mutating func send(
        _ runs: UnsafeBufferPointer<SegmentRun>, of slots: UnsafeRawBufferPointer, on socket: SocketID,
        _ sockets: inout SocketTable, _ counters: inout MediaPlaneCounters
    ) {
        guard let (descriptor, takesRuns, fixed) = sockets.route(socket) else { return }
        guard takesRuns else {
            for run in runs { sendSingly(run, of: slots, on: descriptor, &counters) }
            return
        }
        for index in runs.indices { fill(index, runs, slots, fixed) }
        var next = 0
        while next < runs.count {
            let result = Int(ladle_sendmmsg(descriptor, messages + next, UInt32(runs.count - next)))
            if result > 0 {
                for run in runs[next..<next + result] { counters.countSent(run) }
                next += result
                if fixed == nil, next == runs.count { sockets.fix(socket, to: runs[0].destination) }
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
                    for run in runs[next...] { sendSingly(run, of: slots, on: descriptor, &counters) }
                    return
                }
                counters.failed += 1
                next += 1
            default:
                counters.countUnsent(runs[next], errno: Int32(-result))
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

    /// Each datagram of a run by itself.
    private func sendSingly(
        _ run: SegmentRun, of slots: UnsafeRawBufferPointer, on descriptor: Int32, _ counters: inout MediaPlaneCounters
    ) {
        var single = run
        single.count = 1
        var offset = Int(run.offset)
        let end = offset + Int(run.length)
        while offset < end {
            let count = min(Int(run.segmentSize), end - offset)
            let bytes = UnsafeRawBufferPointer(rebasing: slots[offset..<offset + count])
            single.length = UInt32(count)
            var result = send(bytes, to: run.destination, on: descriptor)
            // An ICMP error for something sent earlier is reported once, and this datagram has not been tried.
            if result == ECONNREFUSED {
                counters.refused += 1
                result = send(bytes, to: run.destination, on: descriptor)
            }
            if result == 0 { counters.countSent(single) } else { counters.countUnsent(single, errno: result) }
            offset += count
        }
    }

    private func send(_ bytes: UnsafeRawBufferPointer, to: SocketAddress, on descriptor: Int32) -> Int32 {
        let sent = withUnsafePointer(to: to.storage) { storage in
            // Laid out as the kernel reads it, for both families.
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT), $0, to.length)
            }
        }
        return sent >= 0 ? 0 : errno
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
