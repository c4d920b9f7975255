import Base
import Control
import MediaCore
import Protoo

extension ProtooPeer {
    /// Tells the client what happens, as long as it has its place.
    func follow() async {
        for await change in seat.changes {
            switch change {
            case .own(let change): await tell(change)
            case .joined(let others):
                hasJoined = true
                if let id = joining {
                    respond(id, .success(["peers": .array(others.map { PeerJSON.peer($0, dialect) })]))
                }
            case .room(.memberAdded(let member)): notify("newPeer", PeerJSON.newPeer(member, dialect))
            case .room(.memberClosed(let member)): notify("peerClosed", ["peerId": .string(member.id)])
            case .room(.producerAdded(let producer)): await offer(producer.id)
            case .room(.producerClosed), .room(.closed): break
            case .dataProducerAdded(let producer): await offerData(producer.id)
            case .renamed(let id, let old, let new):
                notify(
                    "peerDisplayNameChanged",
                    .object(omittingAbsent: ["peerId": .string(id), "displayName": new, "oldDisplayName": old]))
            case .speaking(let news): tell(news)
            }
        }
    }

    /// The client is asked to make its half; nothing waits for that.
    private func offer(_ producer: ProducerID) async {
        for _ in 0...seat.replicas {
            guard let offer = await room.offer(producer, to: seat) else { return }
            request("newConsumer", PeerJSON.newConsumer(offer, dialect), for: .consumer(offer.consumer.id))
        }
    }

    private func tell(_ change: MemberChange) async {
        switch change {
        case .transportState(let id, let states):
            guard states.isLost else { return }
            logger.debug(
                "a client's media connection is lost",
                metadata: ["transport": "\(id)", "ice": "\(states.ice)", "dtls": "\(states.dtls)"])
            await room.leave(seat, reason: ClosingReason.lost)
        case .downlink(_, let estimate): tell(estimate)
        case .producerScore(let id, let scores): notify("producerScore", PeerJSON.scores(scores, of: id))
        case .consumerScore(let id, let score): notify("consumerScore", PeerJSON.score(score, of: id))
        case .consumerLayers(let id, let layers):
            notify("consumerLayersChanged", PeerJSON.layers(layers, of: id, dialect))
        case .consumerProducerPaused(let id, let paused):
            notify(paused ? "consumerPaused" : "consumerResumed", ["consumerId": .string(id.rawValue)])
        case .consumerClosed(let id): notify("consumerClosed", ["consumerId": .string(id.rawValue)])
        case .dataConsumerClosed(let id): notify("dataConsumerClosed", ["dataConsumerId": .string(id.rawValue)])
        case .transportClosed, .producerClosed, .dataProducerClosed: break
        case .removed: outbox.close(code: ProtooConnection.final, reason: ProtooConnection.finalReason)
        }
    }
}
