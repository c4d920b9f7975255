/// In what one receiver's copy of a logged packet differs from the log: enough to write the very same bytes again.
///
/// A retransmission under the same SSRC and number has to be byte-identical where the cipher's nonce is made of them
/// (RFC 7714 §8.1): whatever a packet was first sent with stands here, also what depends on the time of sending.
struct PacketRewrite: Sendable, Hashable {
    /// Outgoing extended sequence number: the low 16 bits stand in the packet, those above are SRTP's rollover counter.
    var index: UInt64
    /// Added to the timestamp: incoming streams of one producer have unrelated ones.
    var timestampOffset: UInt32 = 0
    var marker: Bool
    /// Added to VP8's picture id (15 bits) and TL0PICIDX.
    var pictureIDOffset: UInt16 = 0
    var temporalLayerZeroOffset: UInt8 = 0
    /// abs-send-time, 24 bits of 6.18 fixed point seconds.
    var sendTime: UInt32 = 0
    /// Of transport-wide congestion control.
    var transportNumber: UInt16 = 0

    var changesPayload: Bool { pictureIDOffset != 0 || temporalLayerZeroOffset != 0 }
}
