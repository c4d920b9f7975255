import Base
import MediaCore
import ORTC

// Limits of a transport's bandwidth, and pipe transports over UDP.
extension EmbeddedCore {
    /// Asks the remote side, by REMB, to send no more than this. Bits per second; 0: no limit.
    /// - Throws: `UnsupportedError` for direct transports, as the two others.
    public func setMaxIncomingBitrate(_ bitrate: Int64, of transport: TransportID) async throws(MediaCoreError) {
        try await worker(of: .transport(transport)).setMaxIncomingBitrate(bitrate, of: transport)
    }

    /// Bits per second; 0: no limit.
    /// - Throws: `TypeError` below 30,000, or below the lower limit.
    public func setMaxOutgoingBitrate(_ bitrate: Int64, of transport: TransportID) async throws(MediaCoreError) {
        try await worker(of: .transport(transport)).setMaxOutgoingBitrate(bitrate, of: transport)
    }

    /// Bits per second; 0: no limit. The estimate does not fall below it.
    /// - Throws: `TypeError` below 30,000, or above the upper limit.
    public func setMinOutgoingBitrate(_ bitrate: Int64, of transport: TransportID) async throws(MediaCoreError) {
        try await worker(of: .transport(transport)).setMinOutgoingBitrate(bitrate, of: transport)
    }

    /// One end of a pipe to a router of another process; within this one `pipe(_:to:)` needs none.
    public func createPipeTransport(
        on router: RouterID, _ options: PipeTransportOptions = PipeTransportOptions()
    ) async throws(MediaCoreError) -> PipeTransportDescription {
        try await worker(of: .router(router)).createPipeTransport(on: router, options)
    }

    /// Tells a pipe transport its other end. Once only.
    /// - Parameters:
    ///   - ip: A literal address.
    ///   - srtpParameters: The other end's: needed with SRTP, refused without.
    public func connectPipe(
        _ transport: TransportID, ip: String, port: UInt16, srtpParameters: SRTPParameters? = nil
    ) async throws(MediaCoreError) -> PipeTransportDescription {
        try await worker(of: .transport(transport))
            .connectPipe(transport, ip: ip, port: port, srtpParameters: srtpParameters)
    }
}
