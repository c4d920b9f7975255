import Base
import MediaCore

extension EmbeddedCore {
    public func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) async throws(MediaCoreError) -> WebRTCTransportDescription {
        try await worker(of: .router(router)).createWebRTCTransport(on: router, options)
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
