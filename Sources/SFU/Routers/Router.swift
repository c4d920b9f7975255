import Base
import ORTC

/// A room's media: transports whose producers and consumers may meet.
struct Router: Sendable {
    let id: RouterID
    let rtpCapabilities: RTPCapabilities
    /// In order of creation, which is the order of cascades.
    var transports: [SlabIndex] = []
    /// In order of creation.
    var observers: [SlabIndex] = []
    var clocks = SenderClocks()
}
