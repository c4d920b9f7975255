import Base
import MediaCore
import SFU

extension Worker {
    func enableTraceEvent(_ types: Set<TraceType>, of id: TransportID) throws(MediaCoreError) {
        try command { engine, _, _ throws(SFUError) in try engine.enableTraceEvent(TraceEventTypes(types), of: id) }
    }

    func enableTraceEvent(_ types: Set<TraceType>, of id: ProducerID) throws(MediaCoreError) {
        try command { engine, _, _ throws(SFUError) in try engine.enableTraceEvent(TraceEventTypes(types), of: id) }
    }

    func enableTraceEvent(_ types: Set<TraceType>, of id: ConsumerID) throws(MediaCoreError) {
        try command { engine, _, _ throws(SFUError) in try engine.enableTraceEvent(TraceEventTypes(types), of: id) }
    }

    func dump(_ id: RouterID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func dump(_ id: TransportID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func dump(_ id: ProducerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func dump(_ id: ConsumerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func dump(_ id: RTPObserverID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }
}
