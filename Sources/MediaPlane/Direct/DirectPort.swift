import Base
import SFU

/// Where a direct transport's datagrams go: to the readers of its consumers, and to the one of its RTCP. Belongs to one worker.
final class DirectPort {
    let rtcp = DirectPackets(capacity: DirectPort.rtcpCapacity)
    private var readers: [UInt32: DirectPackets] = [:]

    /// A minute of reports.
    private static let rtcpCapacity = 64 << 10
    /// Sockets' numbers are those of slots; these are beyond.
    private static let firstSocket: UInt32 = 0x8000_0000

    static func socket(_ number: UInt32) -> SocketID { SocketID(firstSocket | number) }

    /// Each transport has its own; after a billion of them they come again.
    static func number(after number: UInt32) -> UInt32 { (number + 1) & 0x3FFF_FFFF }

    func add(_ reader: DirectPackets, ssrc: UInt32) { readers[ssrc] = reader }
    func remove(_ reader: DirectPackets) { readers = readers.filter { $0.value !== reader } }

    /// The engine writes RTP with whole headers, and RTCP (RFC 5761 §4).
    func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return }
        if (192...223).contains(bytes[1]) {
            rtcp.add(bytes)
        } else if bytes.count >= 12 {
            readers[bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian]?.add(bytes)
        }
    }

    func wakeReaders() {
        rtcp.wakeReader()
        for reader in readers.values { reader.wakeReader() }
    }

    func finish() {
        rtcp.finish()
        for reader in readers.values { reader.finish() }
    }
}
