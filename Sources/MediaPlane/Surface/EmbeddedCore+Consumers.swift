import Base
import MediaCore

// What a consumer can be told, beside `MediaCore`.
extension EmbeddedCore {
    /// Which layers its receiver would like to have at most.
    /// - Returns: What became of it, within what there is; nil for consumers without layers.
    @discardableResult
    public func setPreferredLayers(
        _ layers: WantedLayers, of consumer: ConsumerID
    ) async throws(MediaCoreError) -> ForwardedLayers? {
        try await worker(of: .consumer(consumer)).setPreferredLayers(layers, of: consumer)
    }

    /// What is being forwarded; nil: nothing, or the consumer has no layers.
    public func currentLayers(of consumer: ConsumerID) async throws(MediaCoreError) -> ForwardedLayers? {
        try await worker(of: .consumer(consumer)).currentLayers(of: consumer)
    }

    /// How many layers it takes in its turn when there is not enough bandwidth for all.
    /// - Throws: `TypeError` outside 1…255.
    public func setPriority(_ priority: Int, of consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).setPriority(priority, of: consumer)
    }

    /// Back to 1.
    public func unsetPriority(of consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).unsetPriority(of: consumer)
    }
}
