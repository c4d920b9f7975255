import Base
import MediaCore
import ORTC
import SFU

extension Worker {
    func setMaxIncomingBitrate(_ bitrate: Int64, of id: TransportID) throws(MediaCoreError) {
        try command { engine, _, now throws(SFUError) in try engine.setMaxIncomingBitrate(id, bitrate, now: now) }
    }

    func setMaxOutgoingBitrate(_ bitrate: Int64, of id: TransportID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.setMaxOutgoingBitrate(id, bitrate, now: now, into: &outbox)
        }
    }

    func setMinOutgoingBitrate(_ bitrate: Int64, of id: TransportID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.setMinOutgoingBitrate(id, bitrate, now: now, into: &outbox)
        }
    }

    func createPipeTransport(
        on router: RouterID, _ options: PipeTransportOptions
    ) throws(MediaCoreError) -> PipeTransportDescription {
        try checkIsUp()
        let now = Self.now()
        let (local, _) = try openEndpoints(rtcpMux: true, now: now)
        do {
            let id = TransportID.random()
            let setup = PipeTransportSetup(
                router: router, id: id, local: local, enableRTX: options.enableRTX, enableSRTP: options.enableSRTP,
                sctp: options.sctp.map(SCTPTransportSetup.init))
            var description = try command { engine, _, now throws(SFUError) in
                let tuples = try engine.createPipeTransport(setup, now: now)
                return PipeTransportDescription(id: id, tuples, engine.srtpParameters(of: id))
            }
            description.sctpParameters = options.sctp.map { SCTPParameters($0, isDataChannel: false) }
            directory.enter(.transport(id), on: number)
            return description
        } catch {
            plane.close(local.socket, now: now)
            throw error
        }
    }

    func connectPipe(
        _ id: TransportID, ip: String, port: UInt16, srtpParameters: SRTPParameters?
    ) throws(MediaCoreError) -> PipeTransportDescription {
        try command { engine, outbox, now throws(SFUError) in
            let tuples = try engine.connectPipe(
                id, ip: ip, port: port, srtpParameters: srtpParameters, now: now, into: &outbox)
            return PipeTransportDescription(id: id, tuples, engine.srtpParameters(of: id))
        }
    }
}
