/// Negotiates a consumer on a pipe between two routers: everything a producer has, without looking at capabilities,
/// since both routers know the same codecs under the same payload types.
///
/// Congestion control is left out (the routers stand close together), and so is the mid: SSRCs suffice.
/// - Parameters:
///   - consumable: `ProducerNegotiation.consumableRTPParameters`.
///   - ssrc: of the first encoding; each further one gets the next number. Chosen at random by the caller.
///   - rtxSSRC: the same for retransmissions. By default the numbers that follow those of the media.
public func negotiatePipeConsumer(
    consumable: RTPParameters, enableRTX: Bool, ssrc: UInt32, rtxSSRC: UInt32? = nil
) -> RTPParameters {
    var consumer = RTPParameters(codecs: [], rtcp: consumable.rtcp)
    for var codec in consumable.codecs where enableRTX || !codec.isRTX {
        codec.rtcpFeedback.removeAll { feedback in
            !(feedback == RTCPFeedback("nack", "pli") || feedback == RTCPFeedback("ccm", "fir")
                || enableRTX && feedback.isPlainNACK)
        }
        consumer.codecs.append(codec)
    }
    let dependencyDescriptor = RTPHeaderExtensionURI.dependencyDescriptor.rawValue
    let hopByHop: Set<String> = [
        RTPHeaderExtensionURI.mid.rawValue, RTPHeaderExtensionURI.absSendTime.rawValue,
        RTPHeaderExtensionURI.transportWideCC.rawValue,
    ]
    consumer.headerExtensions = consumable.headerExtensions.filter { !hopByHop.contains($0.uri) }
    // The router at the other end has to know the layers of AV1; consumable parameters have nothing but what is offered
    // to receivers.
    if consumer.codecs.contains(where: { $0.mimeType.lowercased() == "video/av1" }),
        let known = SupportedCapabilities.headerExtensions.first(where: { $0.uri == dependencyDescriptor })
    {
        consumer.headerExtensions.append(RTPHeaderExtensionParameters(uri: known.uri, id: known.preferredID))
    }
    consumer.encodings = numbered(consumable.encodings, ssrc: ssrc, rtxSSRC: rtxSSRC, hasRTX: enableRTX)
    return consumer
}
