import Base
import MediaCore
import SFU

extension Worker {
    func setPreferredLayers(_ layers: WantedLayers, of id: ConsumerID) throws(MediaCoreError) -> ForwardedLayers? {
        try command { engine, outbox, now throws(SFUError) in
            try engine.setPreferredLayers(PreferredLayers(layers), of: id, now: now, into: &outbox)
        }.map(ForwardedLayers.init)
    }

    func currentLayers(of id: ConsumerID) throws(MediaCoreError) -> ForwardedLayers? {
        try command { engine, _, _ throws(SFUError) in try engine.currentLayers(of: id) }.map(ForwardedLayers.init)
    }

    func setPriority(_ priority: Int, of id: ConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.setPriority(id, priority, now: now, into: &outbox)
        }
    }

    func unsetPriority(of id: ConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.unsetPriority(id, now: now, into: &outbox)
        }
    }
}
