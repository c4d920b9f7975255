import Base
import ORTC

/// Where the media goes: what rooms and pipelines ask of an SFU core.
///
/// Two cores fit: the embedded one, and later an existing mediasoup application. Both give plain RTP endpoints, so
/// that a pipeline cannot tell which one it talks to. The semantics are mediasoup's: a method never causes an event
/// on the object it was called on; what it does to others (a producer's consumers …) arrives in `events`.
public protocol MediaCore: DataChannelCore, ObserverCore {
    /// Makes a router for one room.
    /// - Parameter mediaCodecs: Nil: the core's standard list.
    func createRouter(mediaCodecs: [RTPCodecCapability]?) async throws(MediaCoreError) -> RouterDescription

    func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) async throws(MediaCoreError) -> PlainTransportDescription

    /// Fixes the remote side of a transport that does not wait for it (no comedia). Once only.
    func connect(
        _ transport: TransportID, _ remote: PlainTransportRemote
    ) async throws(MediaCoreError) -> PlainTransportDescription

    /// What is answered is told to the remote side by signaling.
    func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) async throws(MediaCoreError) -> WebRTCTransportDescription

    /// Tells a WebRTC transport who its remote side is. Once only; returns at once, whatever the network does.
    /// - Returns: Our role, client or server.
    func connect(_ transport: TransportID, _ remote: DTLSParameters) async throws(MediaCoreError) -> DTLSParameters.Role

    /// New credentials; the old ones are good until the remote side uses the new ones.
    func restartICE(_ transport: TransportID) async throws(MediaCoreError) -> ICEParameters

    func produce(
        on transport: TransportID, _ options: ProduceOptions
    ) async throws(MediaCoreError) -> ProducerDescription

    func consume(
        on transport: TransportID, _ options: ConsumeOptions
    ) async throws(MediaCoreError) -> ConsumerDescription

    /// Whether somebody with these capabilities could consume the producer; false for an unknown one.
    func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) async -> Bool

    func pause(_ producer: ProducerID) async throws(MediaCoreError)
    func resume(_ producer: ProducerID) async throws(MediaCoreError)
    func pause(_ consumer: ConsumerID) async throws(MediaCoreError)
    func resume(_ consumer: ConsumerID) async throws(MediaCoreError)

    /// Asks the producer behind a consumer for a key frame.
    func requestKeyFrame(_ consumer: ConsumerID) async throws(MediaCoreError)

    /// The highest layers that a consumer's receiver wants; nothing for consumers without layers.
    /// - Returns: What became of the wish, within what there is.
    @discardableResult
    func setPreferredLayers(
        _ layers: WantedLayers, of consumer: ConsumerID
    ) async throws(MediaCoreError) -> ForwardedLayers?

    /// How many layers it takes in its turn when there is not enough bandwidth for all, 1…255.
    func setPriority(_ priority: Int, of consumer: ConsumerID) async throws(MediaCoreError)

    /// Asks the remote side to send no more than this. Bits per second; 0: no limit.
    func setMaxIncomingBitrate(_ bitrate: Int64, of transport: TransportID) async throws(MediaCoreError)

    /// mediasoup's `getStats()`: an array of objects.
    func stats(_ transport: TransportID) async throws(MediaCoreError) -> JSONValue
    func stats(_ producer: ProducerID) async throws(MediaCoreError) -> JSONValue
    func stats(_ consumer: ConsumerID) async throws(MediaCoreError) -> JSONValue

    /// Closing is idempotent and never fails; an unknown id is already closed.
    func close(_ router: RouterID) async
    func close(_ transport: TransportID) async
    func close(_ producer: ProducerID) async
    func close(_ consumer: ConsumerID) async

    /// What happened by itself, in order. One reader.
    var events: AsyncStream<MediaCoreEvent> { get }
}
