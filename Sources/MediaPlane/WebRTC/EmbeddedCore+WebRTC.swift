import Base
import MediaCore

extension EmbeddedCore {
    public func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) async throws(MediaCoreError) -> WebRTCTransportDescription {
        // As with plain ones: a sender's stay at home, since its tracks are to be in step.
        var number: Int?
        if options.cname == nil, let home = spans.home(of: router) {
            number = directory.placeTransport(home: home, gauges)
        }
        return try await part(of: router, on: number).createWebRTCTransport(on: router, options)
    }

    public func connect(
        _ transport: TransportID, _ remote: DTLSParameters
    ) async throws(MediaCoreError) -> DTLSParameters.Role {
        try await worker(of: .transport(transport)).connectWebRTC(transport, remote)
    }

    public func restartICE(_ transport: TransportID) async throws(MediaCoreError) -> ICEParameters {
        try await worker(of: .transport(transport)).restartICE(transport)
    }
}
