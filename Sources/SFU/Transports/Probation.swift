import Base
import Congestion
import ORTC

/// The stream of padding that probes a transport's bandwidth, as mediasoup's RtpProbationGenerator: SSRC 1234, payload type
/// 127, MID "probator". Clients make a receiver for it, so that its packets are reported; what it says is zeros.
struct Probation: Sendable {
    static let ssrc: UInt32 = 1234
    static let payloadType: UInt8 = 127
    static let mid = "probator"

    private let elements: OwnElements
    /// The number of the next packet, and how often they wrapped: SRTP's index.
    private(set) var index: UInt64
    private(set) var bytesSent: UInt64 = 0
    /// 100 ms, as mediasoup's.
    private(set) var rate = RateMeter(window: .milliseconds(100))

    /// - Parameters:
    ///   - consumer: Of the receiver that made the transport a managed one: its extension ids.
    ///   - firstSequence: As other streams', far from a wrap.
    init(like consumer: RTPParameters, firstSequence: UInt16) {
        var parameters = consumer
        parameters.mid = Self.mid
        elements = OwnElements(parameters, isLong: false)
        index = UInt64(firstSequence)
    }

    var headerLength: Int { 12 + 4 + elements.length }

    /// Writes the next packet, `size` bytes of it.
    func write(size: Int, transportNumber: UInt16, now: Instant, into slots: inout ByteArea, at offset: Int) {
        slots.store(0x90 as UInt8, at: offset)
        slots.store(Self.payloadType, at: offset + 1)
        slots.store(UInt16(truncatingIfNeeded: index), at: offset + 2)
        slots.store(UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000), at: offset + 4)
        slots.store(Self.ssrc, at: offset + 8)
        // RFC 8285 §4.2: the one-byte form.
        slots.store(0xBEDE as UInt16, at: offset + 12)
        slots.store(UInt16(elements.length / 4), at: offset + 14)
        var rewrite = PacketRewrite(index: index, marker: false)
        rewrite.sendTime = AbsoluteSendTime.value(at: now)
        rewrite.transportNumber = transportNumber
        elements.write(rewrite, to: &slots, at: offset + 16)
        for place in headerLength..<max(size, headerLength) { slots.store(0 as UInt8, at: offset + place) }
    }

    /// It was written, and left if it could be protected.
    mutating func sent(_ size: Int?, now: Instant) {
        index += 1
        guard let size else { return }
        bytesSent += UInt64(size)
        rate.add(size, now: now)
    }
}
