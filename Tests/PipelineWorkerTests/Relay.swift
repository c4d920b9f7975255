import Base
import CLinux
import Glibc
import RTP
import Synchronization
import TestSupport

/// Stands between an ingest and a recording as an SFU would: one socket towards each, RTCP in both directions, and
/// a rule for what happens to packets on the way.
final class Relay: Sendable {
    enum Fate: Sendable {
        case pass
        case drop
        /// Later by this much; the order within the stream stays.
        case delay(Duration)
        /// Behind the next packet.
        case swap
    }

    /// Given the SSRC and how many packets of it came before.
    typealias Rule = @Sendable (_ ssrc: UInt32, _ count: Int) -> Fate

    /// Where the ingest sends.
    let inPort: UInt16
    /// What the recording takes for the SFU's transport.
    let outPort: UInt16
    private let isStopped = Mutex(false)

    init(to port: UInt16, rule: @escaping Rule) {
        let (inner, outer) = (Datagram(), Datagram())
        (inPort, outPort) = (inner.port, outer.port)
        let isOver: @Sendable () -> Bool = { [weak self] in self?.isStopped.withLock { $0 } ?? true }
        let sockets = Sockets(inner: inner.descriptor, outer: outer.descriptor, keeping: [inner, outer])
        let thread = ThreadStart { sockets.run(to: port, rule: rule, isOver: isOver) }
        thread.start()
    }

    deinit { isStopped.withLock { $0 = true } }

    /// Owned by the thread that runs it.
    private final class Sockets: @unchecked Sendable {
        private let inner: Int32
        private let outer: Int32
        private let owners: [Datagram]
        private var counts: [UInt32: Int] = [:]
        private var senders: [UInt32: SocketAddress] = [:]
        private var delayed: [(due: ContinuousClock.Instant, bytes: [UInt8])] = []
        private var held: [UInt32: [UInt8]] = [:]

        init(inner: Int32, outer: Int32, keeping owners: [Datagram]) {
            (self.inner, self.outer, self.owners) = (inner, outer, owners)
        }

        func run(to port: UInt16, rule: Rule, isOver: () -> Bool) {
            guard let record = SocketAddress("127.0.0.1", port: port) else { return }
            while !isOver() {
                var polled = [inner, outer].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                _ = poll(&polled, 2, 2)
                if polled[0].revents != 0, let (bytes, from) = owners[0].receive() { take(bytes, from, rule, record) }
                if polled[1].revents != 0, let (bytes, _) = owners[1].receive() {
                    // The recording speaks to all sources at once.
                    for sender in senders.values { owners[0].send(bytes, to: sender) }
                }
                let now = ContinuousClock.now
                while let first = delayed.first, first.due <= now {
                    owners[1].send(first.bytes, to: record)
                    delayed.removeFirst()
                }
            }
        }

        private func take(_ bytes: [UInt8], _ from: SocketAddress, _ rule: Rule, _ record: SocketAddress) {
            let isMedia = bytes.withUnsafeBytes { PacketKind.of($0.bytes) } == .rtp
            let at = isMedia ? 8 : 4
            let ssrc = bytes.dropFirst(at).prefix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            senders[ssrc] = from
            // Reports take the same way as media, in the same time.
            let fate = rule(ssrc, isMedia ? counts[ssrc, default: 0] : -1)
            if isMedia { counts[ssrc, default: 0] += 1 }
            switch fate {
            case .pass: owners[1].send(bytes, to: record)
            case .drop where isMedia: return
            case .swap where isMedia:
                held[ssrc] = bytes
                return
            case .drop, .swap: owners[1].send(bytes, to: record)
            case .delay(let time): delayed.append((ContinuousClock.now + time, bytes))
            }
            if isMedia, let earlier = held.removeValue(forKey: ssrc) { owners[1].send(earlier, to: record) }
        }
    }
}
