/// A pair of layers that a consumer wants or gets, counted from 0. A simulcast encoding is a spatial layer.
public struct ConsumerLayers: Sendable, Hashable, CustomStringConvertible {
    public var spatialLayer: UInt8
    public var temporalLayer: UInt8

    public init(spatialLayer: UInt8, temporalLayer: UInt8) {
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }

    public var description: String { "\(spatialLayer).\(temporalLayer)" }
}

/// Layers as they are asked for.
public struct PreferredLayers: Sendable, Hashable {
    public var spatialLayer: UInt8
    /// Nil: the highest.
    public var temporalLayer: UInt8?

    public init(spatialLayer: UInt8, temporalLayer: UInt8? = nil) {
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }
}

/// What a receiver's path has room for.
public enum LayerLimit: Sendable, Hashable {
    /// Nobody estimates its bandwidth: the preferred layers are the only bound.
    case unmanaged
    /// Not even the lowest layer.
    case nothing
    case upTo(ConsumerLayers)
}

/// How many layers a consumer can choose from, and what it would like.
public struct LayerPreference: Sendable, Hashable {
    /// At least 1 each.
    public let spatialLayers: UInt8
    public let temporalLayers: UInt8
    /// The highest of each until told otherwise.
    public private(set) var preferred: ConsumerLayers

    /// - Parameters: counts of layers; 0 is taken for 1, and more than 8 for 8: packets tell layers in three bits.
    public init(spatialLayers: Int, temporalLayers: Int) {
        self.spatialLayers = UInt8(min(max(1, spatialLayers), 8))
        self.temporalLayers = UInt8(min(max(1, temporalLayers), 8))
        preferred = ConsumerLayers(spatialLayer: self.spatialLayers - 1, temporalLayer: self.temporalLayers - 1)
    }

    /// Too high numbers become the highest there is; no temporal layer means the highest.
    /// - Returns: Whether anything changed.
    public mutating func prefer(spatialLayer: UInt8, temporalLayer: UInt8?) -> Bool {
        let before = preferred
        preferred = ConsumerLayers(
            spatialLayer: min(spatialLayer, spatialLayers - 1),
            temporalLayer: min(temporalLayer ?? temporalLayers - 1, temporalLayers - 1))
        return preferred != before
    }

    /// The temporal layer that goes with a spatial one: all of them below the wanted one, which is made up for by
    /// motion; none above it, where nothing smaller was to be had.
    func temporalLayer(at spatialLayer: UInt8, wanted: ConsumerLayers) -> UInt8 {
        if spatialLayer == wanted.spatialLayer { return min(wanted.temporalLayer, temporalLayers - 1) }
        return spatialLayer < wanted.spatialLayer ? temporalLayers - 1 : 0
    }
}
