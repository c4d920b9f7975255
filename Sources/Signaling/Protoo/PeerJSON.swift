import Base
import Control
import MediaCore
import ORTC

/// What protoo clients are sent, member by member. The newer dialect gets the older one's members as well wherever both
/// fit into one object: clients in between read either.
enum PeerJSON {
    /// Asked for before anything has told the dialect.
    static func capabilities(_ capabilities: RTPCapabilities, _ dialect: Dialect) -> JSONValue {
        let bare = capabilities.json
        return dialect == .classic ? bare : bare.adding(["routerRtpCapabilities": bare])
    }

    static func transport(_ made: WebRTCTransportDescription, _ dialect: Dialect) -> JSONValue {
        let own: JSONValue = [
            "iceParameters": made.iceParameters.json,
            "iceCandidates": .array(made.iceCandidates.map(\.json)),
            "dtlsParameters": made.dtlsParameters.json,
        ]
        let sctp = made.sctpParameters.map { ["sctpParameters": $0.json] as JSONValue } ?? [:]
        return Self.made("transportId", made.id.rawValue, dialect).adding(own).adding(sctp)
    }

    /// `{id}`, and under the newer name too.
    static func made(_ name: String, _ id: String, _ dialect: Dialect) -> JSONValue {
        dialect == .modern ? .object(["id": .string(id), name: .string(id)]) : ["id": .string(id)]
    }

    static func iceParameters(_ parameters: ICEParameters, _ dialect: Dialect) -> JSONValue {
        let bare = parameters.json
        return dialect == .modern ? bare.adding(["iceParameters": bare]) : bare
    }

    // MARK: - Peers

    static func peer(_ peer: Broadcaster, _ dialect: Dialect) -> JSONValue {
        let card = peer.shownCard
        let own = JSONValue.object(omittingAbsent: [
            "id": .string(peer.id), "displayName": card.displayName, "device": card.device,
        ])
        return dialect == .modern ? own.adding(["peerId": .string(peer.id)]) : own
    }

    static func newPeer(_ peer: Broadcaster, _ dialect: Dialect) -> JSONValue {
        let own = Self.peer(peer, dialect)
        return dialect == .modern ? own.adding(["peer": own]) : own
    }

    // MARK: - Consumers

    static func newConsumer(_ offer: PeerOffer, _ dialect: Dialect) -> JSONValue {
        let consumer = offer.consumer
        let own: JSONValue = [
            "peerId": .string(offer.sender),
            "producerId": .string(consumer.producer.rawValue),
            "id": .string(consumer.id.rawValue),
            "kind": .string(consumer.kind.rawValue),
            "rtpParameters": consumer.rtpParameters.json,
            "type": .string(consumer.type),
            "appData": offer.appData,
            "producerPaused": .bool(consumer.producerPaused),
        ]
        guard dialect == .modern else { return own }
        // Who sends without protoo names no source: its kind says as much as is known.
        var appData = offer.appData.objectValue ?? [:]
        appData["peerId"] = .string(offer.sender)
        appData["source"] = appData["source"] ?? .string(consumer.kind.rawValue)
        return own.adding([
            "transportId": .string(consumer.transport.rawValue),
            "consumerId": .string(consumer.id.rawValue),
            "consumerScore": json(consumer.score ?? ConsumerScore(score: 10, producerScore: 0, producerScores: [])),
            "appData": .object(appData),
        ])
    }

    static func score(_ score: ConsumerScore, of id: ConsumerID) -> JSONValue {
        ["consumerId": .string(id.rawValue), "score": json(score)]
    }

    private static func json(_ score: ConsumerScore) -> JSONValue {
        [
            "score": JSONValue(score.score), "producerScore": JSONValue(score.producerScore),
            "producerScores": .array(score.producerScores.map { JSONValue($0) }),
        ]
    }

    static func scores(_ scores: [ProducerScore], of id: ProducerID) -> JSONValue {
        let list = scores.map { score in
            JSONValue.object(omittingAbsent: [
                "encodingIdx": JSONValue(score.encodingIndex), "ssrc": JSONValue(score.ssrc),
                "rid": score.rid.map { .string($0) }, "score": JSONValue(score.score),
            ])
        }
        return ["producerId": .string(id.rawValue), "score": .array(list)]
    }

    static func layers(_ layers: ForwardedLayers?, of id: ConsumerID, _ dialect: Dialect) -> JSONValue {
        let spatial: JSONValue = layers.map { JSONValue($0.spatialLayer) } ?? .null
        let temporal: JSONValue = layers.map { JSONValue($0.temporalLayer) } ?? .null
        let own: JSONValue = [
            "consumerId": .string(id.rawValue), "spatialLayer": spatial, "temporalLayer": temporal,
        ]
        guard dialect == .modern, layers != nil else { return own }
        return own.adding(["layers": ["spatialLayer": spatial, "temporalLayer": temporal]])
    }
}

extension JSONValue {
    /// An object with another one's members put in, which go before.
    fileprivate func adding(_ others: JSONValue) -> JSONValue {
        .object((objectValue ?? [:]).merging(others.objectValue ?? [:]) { $1 })
    }
}
