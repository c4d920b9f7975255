import Base
import ORTC

// mediasoup's dump() objects: member names, order of lists and what stands for absent values are its own.
extension MediaEngine {
    public func dump(of id: RouterID) throws(SFUError) -> JSONValue {
        guard let index = routerByID[id] else { throw .noSuchObject(id.rawValue, "router.dump") }
        var (all, observerIDs, consumersOf, producerOf, observersOf):
            (
                [JSONValue], [JSONValue], [JSONValue], [JSONValue], [JSONValue]
            ) = ([], [], [], [], [])
        for observer in routers[index].observers { observerIDs.append(JSONValue(observers[observer].id.rawValue)) }
        for transport in routers[index].transports {
            all.append(JSONValue(transports[transport].id.rawValue))
            for producer in transports[transport].producers {
                let id = producers[producer].id.rawValue
                var (heard, told): ([JSONValue], [JSONValue]) = ([], [])
                for consumer in producers[producer].consumers {
                    let name = consumers[consumer].id.rawValue
                    heard.append(JSONValue(name))
                    producerOf.append(pair(name, JSONValue(id)))
                }
                for observer in producers[producer].observers {
                    told.append(JSONValue(observers[observer].id.rawValue))
                }
                consumersOf.append(["key": JSONValue(id), "values": .array(heard)])
                observersOf.append(["key": JSONValue(id), "values": .array(told)])
            }
        }
        let data = dataMaps(of: index)
        return [
            "id": JSONValue(id.rawValue), "transportIds": .array(all), "rtpObserverIds": .array(observerIDs),
            "mapProducerIdConsumerIds": .array(consumersOf), "mapConsumerIdProducerId": .array(producerOf),
            "mapProducerIdObserverIds": .array(observersOf), "mapDataProducerIdDataConsumerIds": data.consumersOf,
            "mapDataConsumerIdDataProducerId": data.producerOf,
        ]
    }

    public func dump(of id: ProducerID) throws(SFUError) -> JSONValue {
        let index = try index(id, "producer.dump")
        var seen: [JSONValue] = []
        for stream in producers[index].streams {
            if let dump = streams[stream].dump(of: producers[index].rtpParameters) { seen.append(dump) }
        }
        return .object(omittingAbsent: [
            "id": JSONValue(id.rawValue),
            "kind": JSONValue(producers[index].kind.rawValue),
            "type": JSONValue(producers[index].type.rawValue),
            "rtpParameters": producers[index].rtpParameters.dump,
            "rtpMapping": producers[index].mapping.dump,
            // mediasoup leaves the list out before the first packet.
            "rtpStreams": seen.isEmpty ? nil : .array(seen),
            "traceEventTypes": .array(producers[index].traces.names.map { JSONValue($0) }),
            "paused": JSONValue(producers[index].paused),
        ])
    }

    public func dump(of id: ConsumerID) throws(SFUError) -> JSONValue {
        let index = try index(id, "consumer.dump")
        let parameters = consumers[index].rtpParameters
        var all: [JSONValue] = []
        for (place, sender) in consumers[index].senders.enumerated() {
            all.append(senders[sender].dump(of: parameters, encoding: place))
        }
        let consumable = producers[consumers[index].producer].consumableRTPParameters
        var members: [String: JSONValue?] = [
            "id": JSONValue(id.rawValue),
            "producerId": JSONValue(consumers[index].producerID.rawValue),
            "kind": JSONValue(consumers[index].kind.rawValue),
            "rtpParameters": parameters.dump,
            "consumableRtpEncodings": .array(consumable.encodings.map { $0.dump(codec: nil) }),
            "traceEventTypes": .array(consumers[index].traces.names.map { JSONValue($0) }),
            "supportedCodecPayloadTypes": .array(
                parameters.codecs.filter(\.isMedia).map { JSONValue($0.payloadType) }),
            "paused": JSONValue(consumers[index].paused),
            "producerPaused": JSONValue(consumers[index].producerPaused),
            "priority": JSONValue(consumers[index].share.priority),
            "type": JSONValue(consumers[index].type.rawValue),
        ]
        if consumers[index].type == .pipe {
            members["rtpStreams"] = .array(all)
        } else {
            members["rtpStream"] = all.first
        }
        members.merge(consumers[index].dumpedLayers) { $1 }
        return .object(omittingAbsent: members)
    }

    public func dump(of id: TransportID) throws(SFUError) -> JSONValue {
        let index = try index(id, "transport.dump")
        let (media, repeated) = sendersBySSRC(of: index)
        // Only a transport with a socket has addresses; a direct one has neither these nor a choice.
        let hasAddress = !transports[index].isInProcess && ![.direct, .webRTC].contains(transports[index].kind)
        let tuples = hasAddress ? transports[index].link.tuples : nil
        let isPlain = transports[index].kind == .plain
        let (rtcpMux, comedia) = (transports[index].link.rtcpMux, transports[index].link.comedia)
        // nil alone would be a null that is told.
        let absent = JSONValue?.none
        let rtx: JSONValue? = if case .pipe(let isOn) = transports[index].kind { JSONValue(isOn) } else { absent }
        let members: [String: JSONValue?] = [
            "id": JSONValue(id.rawValue),
            "direct": JSONValue(transports[index].kind == .direct),
            "producerIds": .array(transports[index].producers.map { JSONValue(producers[$0].id.rawValue) }),
            "consumerIds": .array(transports[index].consumers.map { JSONValue(consumers[$0].id.rawValue) }),
            "mapSsrcConsumerId": media,
            "mapRtxSsrcConsumerId": repeated,
            "recvRtpHeaderExtensions": transports[index].listener.dumpedExtensions,
            "rtpListener": listenerDump(of: index),
            "traceEventTypes": .array(transports[index].traces.names.map { JSONValue($0) }),
            "rtcpMux": isPlain ? JSONValue(rtcpMux) : absent,
            "comedia": isPlain ? JSONValue(comedia) : absent,
            "rtx": rtx,
            "tuple": tuples?.rtp.stats,
            "rtcpTuple": tuples?.rtcp?.stats,
        ]
        return .object(
            members.compactMapValues(\.self).merging(webRTCDump(of: index)) { $1 }.merging(dataDump(of: index)) { $1 })
    }

    /// mediasoup 3.14 has no dump of observers; the members are those of its other objects.
    public func dump(of id: RTPObserverID) throws(SFUError) -> JSONValue {
        let index = try index(id, "rtpObserver.dump")
        var heard: [JSONValue] = []
        for producer in observers[index].producers { heard.append(JSONValue(producers[producer].id.rawValue)) }
        return [
            "id": JSONValue(id.rawValue), "paused": JSONValue(observers[index].isPaused), "producerIds": .array(heard),
        ]
    }

    private func sendersBySSRC(of transport: SlabIndex) -> (media: JSONValue, repeated: JSONValue) {
        var (media, repeated): ([JSONValue], [JSONValue]) = ([], [])
        for consumer in transports[transport].consumers {
            let id = JSONValue(consumers[consumer].id.rawValue)
            for sender in consumers[consumer].senders {
                media.append(pair(senders[sender].ssrc, id))
                if let ssrc = senders[sender].rtxSSRC { repeated.append(pair(ssrc, id)) }
            }
        }
        return (.array(media), .array(repeated))
    }

    private func listenerDump(of transport: SlabIndex) -> JSONValue {
        func table(_ entries: [(JSONValue, SlabIndex)]) -> JSONValue {
            .array(entries.map { ["key": $0.0, "value": JSONValue(producers[$0.1].id.rawValue)] })
        }
        let tables = transports[transport].listener.tables
        return [
            "ssrcTable": table(tables.ssrcs.map { (JSONValue($0.key), $0.value) }),
            "midTable": table(tables.mids.map { (JSONValue($0.key), $0.value) }),
            "ridTable": table(tables.rids.map { (JSONValue($0.key), $0.value) }),
        ]
    }

    private func pair(_ key: String, _ value: JSONValue) -> JSONValue { ["key": JSONValue(key), "value": value] }
    private func pair(_ key: UInt32, _ value: JSONValue) -> JSONValue { ["key": JSONValue(key), "value": value] }
}

// MARK: - Layers

extension Consumer {
    /// Of types simulcast and svc; −1 stands for none.
    fileprivate var dumpedLayers: [String: JSONValue?] {
        guard let layers else { return [:] }
        func pair(_ name: String, _ layers: ConsumerLayers?) -> [String: JSONValue?] {
            [
                "\(name)SpatialLayer": layers.map { JSONValue($0.spatialLayer) } ?? -1,
                "\(name)TemporalLayer": layers.map { JSONValue($0.temporalLayer) } ?? -1,
            ]
        }
        return pair("preferred", layers.preference.preferred).merging(pair("target", layers.target)) { $1 }
            .merging(pair("current", layers.current)) { $1 }
    }
}

// MARK: - Streams

/// What a stream's dump says of it.
private struct StreamParameters {
    let codec: RTPCodecParameters
    let encoding: RTPEncodingParameters
    let rtx: RTPCodecParameters?

    init?(_ parameters: RTPParameters, encoding index: Int) {
        guard parameters.encodings.indices.contains(index),
            let codec = parameters.codec(for: parameters.encodings[index])
        else { return nil }
        encoding = parameters.encodings[index]
        self.codec = codec
        rtx = parameters.rtxCodec(for: encoding)
    }

    func members(index: Int, ssrc: UInt32, rtxSSRC: UInt32?, cname: String) -> [String: JSONValue?] {
        let mode = ScalabilityMode(parsing: encoding.scalabilityMode)
        return [
            "encodingIdx": JSONValue(index), "ssrc": JSONValue(ssrc), "payloadType": JSONValue(codec.payloadType),
            "mimeType": JSONValue(codec.mimeType), "clockRate": JSONValue(codec.clockRate), "cname": JSONValue(cname),
            "rtxSsrc": rtxSSRC.map { JSONValue($0) },
            "rtxPayloadType": rtxSSRC == nil ? nil : rtx.map { JSONValue($0.payloadType) },
            "useNack": JSONValue(codec.rtcpFeedback.contains { $0 == RTCPFeedback("nack") }),
            "usePli": JSONValue(codec.rtcpFeedback.contains { $0 == RTCPFeedback("nack", "pli") }),
            "useFir": JSONValue(codec.rtcpFeedback.contains { $0 == RTCPFeedback("ccm", "fir") }),
            "useInBandFec": JSONValue(codec.isOn("useinbandfec")),
            "useDtx": JSONValue(codec.isOn("usedtx") || encoding.dtx == true),
            "spatialLayers": JSONValue(mode.spatialLayers), "temporalLayers": JSONValue(mode.temporalLayers),
        ]
    }

    func rtxStream(ssrc: UInt32?, cname: String) -> JSONValue? {
        guard let ssrc, let rtx else { return nil }
        return [
            "params": [
                "ssrc": JSONValue(ssrc), "payloadType": JSONValue(rtx.payloadType),
                "mimeType": JSONValue(rtx.mimeType), "clockRate": JSONValue(rtx.clockRate), "cname": JSONValue(cname),
            ]
        ]
    }
}

extension ReceiveStream {
    /// Nil before its first packet.
    fileprivate func dump(of parameters: RTPParameters) -> JSONValue? {
        guard let reception, let told = StreamParameters(parameters, encoding: encodingIndex) else { return nil }
        let cname = parameters.rtcp.cname ?? ""
        let ssrc = told.rtx == nil ? nil : retransmission?.ssrc ?? expectedRTXSSRC
        var members = told.members(index: encodingIndex, ssrc: reception.ssrc, rtxSSRC: ssrc, cname: cname)
        // Absent values are null here, and an absent RID is an empty one.
        members["rid"] = JSONValue(rid ?? "")
        members["rtxSsrc"] = ssrc.map { JSONValue($0) } ?? JSONValue.null
        members["rtxPayloadType"] = (ssrc == nil ? nil : told.rtx).map { JSONValue($0.payloadType) } ?? JSONValue.null
        return [
            "params": .object(omittingAbsent: members), "score": JSONValue(reception.score.value),
            "rtxStream": told.rtxStream(ssrc: ssrc, cname: cname) ?? .null,
        ]
    }
}

extension SendStream {
    fileprivate func dump(of parameters: RTPParameters, encoding index: Int) -> JSONValue {
        guard let told = StreamParameters(parameters, encoding: index) else { return [:] }
        return .object(omittingAbsent: [
            "params": .object(
                omittingAbsent: told.members(index: index, ssrc: ssrc, rtxSSRC: rtxSSRC, cname: cname)),
            "score": JSONValue(reports.score.value),
            "rtxStream": told.rtxStream(ssrc: rtxSSRC, cname: cname),
        ])
    }
}
