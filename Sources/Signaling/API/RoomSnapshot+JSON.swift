import Base
import Control
import MediaCore
import ORTC

extension RoomSnapshot {
    var json: JSONValue {
        [
            "name": .string(name),
            "routerId": .string(router.rawValue),
            "broadcasters": .array(broadcasters.map(\.json)),
            "transports": .array(transports.map(\.json)),
            "producers": .array(producers.map(\.json)),
            "consumers": .array(consumers.map(\.json)),
            "dataProducers": .array(dataProducers.map(\.json)),
            "dataConsumers": .array(dataConsumers.map(\.json)),
            "speakers": speakers.json,
            "holders": .array(holders.map { .string($0) }),
        ]
    }
}

extension Broadcaster {
    var json: JSONValue {
        [
            "id": .string(id),
            "displayName": .string(displayName),
            "role": .string(role.rawValue),
            "device": .object(omittingAbsent: ["name": .string(device.name), "version": device.version]),
            "cname": .string(cname),
        ]
    }
}

extension RoomTransport {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id.rawValue),
            "broadcasterId": .string(broadcaster),
            "comedia": .bool(comedia),
            "tuple": tuple.json,
            "rtcpTuple": rtcpTuple?.json,
            "sctpState": sctp.map { _ in .string((sctpState ?? .new).rawValue) },
            "iceState": webRTC.map { .string($0.ice.rawValue) },
            "iceSelectedTuple": webRTC?.hasPath == true ? .some(tuple.json) : .none,
            "dtlsState": webRTC.map { .string($0.dtls.rawValue) },
            "dtlsFailure": webRTC?.reason.map { .string($0) },
        ])
    }
}

extension RoomSpeakers {
    var json: JSONValue {
        .object(omittingAbsent: [
            "loudest": loudest.map { .string($0.rawValue) }, "dominant": dominant.map { .string($0.rawValue) },
        ])
    }
}

extension TransportTuple {
    var json: JSONValue {
        .object(omittingAbsent: [
            "localAddress": .string(localAddress),
            "localPort": JSONValue(localPort),
            "remoteIp": remoteIP.map { .string($0) },
            "remotePort": remotePort.map { JSONValue($0) },
            "protocol": isTCP ? "tcp" : "udp",
        ])
    }
}

extension RoomProducer {
    var json: JSONValue {
        [
            "id": .string(id.rawValue),
            "transportId": .string(transport.rawValue),
            "broadcasterId": .string(broadcaster),
            "broadcasterName": .string(broadcasterName),
            "kind": .string(kind.rawValue),
            "type": .string(type),
            "codec": .string(codec),
            "paused": .bool(paused),
            "flowing": .bool(flowing),
            "score": .array(
                scores.map { score in
                    .object(omittingAbsent: [
                        "encodingIdx": JSONValue(score.encodingIndex), "ssrc": JSONValue(score.ssrc),
                        "rid": score.rid.map { .string($0) }, "score": JSONValue(score.score),
                    ])
                }),
            "rtpParameters": rtpParameters.json,
        ]
    }
}

extension RoomConsumer {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id.rawValue),
            "producerId": .string(producer.rawValue),
            "transportId": .string(transport.rawValue),
            "broadcasterId": .string(broadcaster),
            "kind": .string(kind.rawValue),
            "type": .string(type),
            "codec": .string(codec),
            "paused": .bool(paused),
            "producerPaused": .bool(producerPaused),
            "score": score.map { score in
                [
                    "score": JSONValue(score.score), "producerScore": JSONValue(score.producerScore),
                    "producerScores": .array(score.producerScores.map { JSONValue($0) }),
                ]
            },
        ])
    }
}

extension RoomDataProducer {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id.rawValue),
            "transportId": .string(transport.rawValue),
            "broadcasterId": broadcaster.map { .string($0) },
            "type": .string(type.rawValue),
            "sctpStreamParameters": stream?.json,
            "label": .string(label),
            "protocol": .string(subprotocol),
            "paused": .bool(paused),
        ])
    }
}

extension RoomDataConsumer {
    var json: JSONValue {
        .object(omittingAbsent: [
            "id": .string(id.rawValue),
            "dataProducerId": .string(producer.rawValue),
            "transportId": .string(transport.rawValue),
            "broadcasterId": .string(broadcaster),
            "type": .string(type.rawValue),
            "sctpStreamParameters": stream?.json,
            "label": .string(label),
            "protocol": .string(subprotocol),
            "paused": .bool(paused),
            "producerPaused": .bool(producerPaused),
        ])
    }
}
