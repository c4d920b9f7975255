import Base

// mediasoup's getStats() arrays: member names and units are its own, to the letter. Times are milliseconds of the
// monotonic clock.
extension MediaEngine {
    public func stats(of id: TransportID, now: Instant) throws(SFUError) -> JSONValue {
        let index = try index(id, "transport.getStats")
        return .array([
            .object(
                transports[index].stats(now: now).merging(webRTCStats(of: index)) { $1 }.merging(sctpStats(of: index)) {
                    $1
                })
        ])
    }

    /// One object for each stream that was seen.
    public func stats(of id: ProducerID, now: Instant) throws(SFUError) -> JSONValue {
        let index = try index(id, "producer.getStats")
        return .array(
            producers[index].streams.indices.compactMap { streams[producers[index].streams[$0]].stats(now: now) })
    }

    /// What goes out, then what comes in for it.
    public func stats(of id: ConsumerID, now: Instant) throws(SFUError) -> JSONValue {
        let index = try index(id, "consumer.getStats")
        var all: [JSONValue] = []
        for place in consumers[index].senders.indices {
            all.append(senders[consumers[index].senders[place]].stats(now: now))
        }
        for place in consumers[index].senders.indices {
            if let inbound = streams[senders[consumers[index].senders[place]].stream].stats(now: now) {
                all.append(inbound)
            }
        }
        return .array(all)
    }
}

private func milliseconds(_ now: Instant) -> JSONValue { JSONValue(now.nanoseconds / 1_000_000) }

/// A limit that was set.
private func unlessZero(_ bitrate: Int64) -> JSONValue? {
    // Not a conditional expression: JSON has a nil of its own.
    guard bitrate > 0 else { return .none }
    return JSONValue(bitrate)
}

extension Transport {
    func stats(now: Instant) -> [String: JSONValue] {
        let tuples = isInProcess || kind == .direct || kind == .webRTC ? nil : link.tuples
        // Pipes have no choice of either.
        let rtcpMux: JSONValue? = kind == .plain ? JSONValue(link.rtcpMux) : Optional.none
        let comedia: JSONValue? = kind == .plain ? JSONValue(link.comedia) : Optional.none
        let members: [String: JSONValue?] = [
            "type": JSONValue(kind.statsType),
            "transportId": JSONValue(id.rawValue),
            "timestamp": milliseconds(now),
            "bytesReceived": JSONValue(received.bytes),
            "recvBitrate": JSONValue(received.rate.bitsPerSecond(now: now)),
            "bytesSent": JSONValue(sent.bytes),
            "sendBitrate": JSONValue(sent.rate.bitsPerSecond(now: now)),
            "rtpBytesReceived": JSONValue(received.rtpBytes),
            "rtpRecvBitrate": JSONValue(received.rtpRate.bitsPerSecond(now: now)),
            "rtpBytesSent": JSONValue(sent.rtpBytes),
            "rtpSendBitrate": JSONValue(sent.rtpRate.bitsPerSecond(now: now)),
            "rtxBytesReceived": JSONValue(received.rtxBytes),
            "rtxRecvBitrate": JSONValue(received.rtxRate.bitsPerSecond(now: now)),
            "rtxBytesSent": JSONValue(sent.rtxBytes),
            "rtxSendBitrate": JSONValue(sent.rtxRate.bitsPerSecond(now: now)),
            "probationBytesSent": JSONValue(bandwidth.probation?.bytesSent ?? 0),
            "probationSendBitrate": JSONValue(bandwidth.probation?.rate.bitsPerSecond(now: now) ?? 0),
            "availableOutgoingBitrate": bandwidth.outgoing.map { JSONValue($0.availableBitrate) },
            "availableIncomingBitrate": bandwidth.incoming?.availableBitrate.map { JSONValue($0) },
            "maxIncomingBitrate": unlessZero(bandwidth.maxIncomingBitrate),
            "maxOutgoingBitrate": unlessZero(bandwidth.maxOutgoingBitrate),
            "minOutgoingBitrate": unlessZero(bandwidth.minOutgoingBitrate),
            "rtpPacketLossReceived": bandwidth.incoming?.packetLoss.map { JSONValue($0) },
            "rtpPacketLossSent": bandwidth.outgoing.map { JSONValue($0.packetLoss) },
            "rtcpMux": rtcpMux,
            "comedia": comedia,
            "tuple": tuples?.rtp.stats,
            "rtcpTuple": tuples?.rtcp?.stats,
        ]
        return members.compactMapValues(\.self)
    }
}

extension TransportKind {
    fileprivate var statsType: String {
        switch self {
        case .plain: "plain-rtp-transport"
        case .pipe: "pipe-transport"
        case .direct: "direct-transport"
        case .webRTC: "webrtc-transport"
        }
    }
}

extension EndpointTuple {
    /// As mediasoup writes tuples; `localIp` is a deprecated double of `localAddress`.
    var stats: JSONValue {
        .object(omittingAbsent: [
            "localIp": JSONValue(localAddress),
            "localAddress": JSONValue(localAddress),
            "localPort": JSONValue(localPort),
            "remoteIp": remote.map { JSONValue($0.ip) },
            "remotePort": JSONValue(remote?.port ?? 0),
            "protocol": JSONValue(isTCP ? "tcp" : "udp"),
        ])
    }
}

extension ReceiveStream {
    func stats(now: Instant) -> JSONValue? {
        guard let reception else { return nil }
        return .object(omittingAbsent: [
            "type": "inbound-rtp",
            "timestamp": milliseconds(now),
            "ssrc": JSONValue(reception.ssrc),
            "rtxSsrc": (retransmission?.ssrc ?? expectedRTXSSRC).map { JSONValue($0) },
            "kind": JSONValue(kind.rawValue),
            "mimeType": JSONValue(reception.mimeType),
            "packetsLost": JSONValue(max(0, reception.statistics.packetsLost)),
            "fractionLost": JSONValue(reception.fractionLost),
            "packetsDiscarded": JSONValue(reception.discarded),
            "packetsRetransmitted": JSONValue(reception.packetsRetransmitted),
            "packetsRepaired": JSONValue(reception.packetsRepaired),
            "nackCount": JSONValue(reception.nackCount),
            "nackPacketCount": JSONValue(reception.nackPacketCount),
            "pliCount": JSONValue(pliCount),
            "firCount": JSONValue(firCount),
            "score": JSONValue(reception.score.value),
            "roundTripTime": reception.roundTrip.map { JSONValue(Double($0.nanoseconds) / 1e6) } ?? 0,
            "rtxPacketsDiscarded": retransmission.map { JSONValue($0.discarded) },
            "jitter": JSONValue(reception.statistics.jitter),
            "packetCount": JSONValue(reception.packetCount),
            "byteCount": JSONValue(reception.byteCount),
            "bitrate": JSONValue(reception.rate.bitsPerSecond(now: now)),
            "bitrateByLayer": .object(bitrateByLayer(now: now)),
        ])
    }
}

extension ReceiveStream {
    /// Each layer with all that it builds on; empty for a stream with a single one.
    private func bitrateByLayer(now: Instant) -> [String: JSONValue] {
        guard meter.hasLayers else { return [:] }
        var rates: [String: JSONValue] = [:]
        for spatial in 0..<meter.spatialLayers {
            for temporal in 0..<meter.temporalLayers {
                rates["\(spatial).\(temporal)"] = JSONValue(
                    meter.bitsPerSecond(spatial: spatial, temporal: temporal, now: now))
            }
        }
        return rates
    }
}

extension SendStream {
    func stats(now: Instant) -> JSONValue {
        let linked = outlet.map { $0.link.logs[$0.encoding].counts }
        return .object(omittingAbsent: [
            "type": "outbound-rtp",
            "timestamp": milliseconds(now),
            "ssrc": JSONValue(forwarder.ssrc),
            "rtxSsrc": rtxSSRC.map { JSONValue($0) },
            "kind": JSONValue(kind.rawValue),
            "mimeType": JSONValue(mimeType),
            "packetsLost": JSONValue(max(0, reports.packetsLost)),
            "fractionLost": JSONValue(reports.fractionLost),
            "packetsDiscarded": JSONValue(failures.count),
            "packetsRetransmitted": JSONValue(packetsRetransmitted),
            "packetsRepaired": JSONValue(packetsRepaired),
            "nackCount": JSONValue(nackCount),
            "nackPacketCount": JSONValue(nackPacketCount),
            "pliCount": JSONValue(pliCount),
            "firCount": JSONValue(firCount),
            "score": JSONValue(min(reports.score.value, failures.score)),
            "roundTripTime": reports.roundTrip.map { JSONValue(Double($0.nanoseconds) / 1e6) } ?? 0,
            "packetCount": JSONValue(linked?.packets ?? forwarder.packetCount),
            "byteCount": JSONValue(linked?.bytes ?? forwarder.byteCount),
            "bitrate": JSONValue(rate.bitsPerSecond(now: now)),
        ])
    }
}
