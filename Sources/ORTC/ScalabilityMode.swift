/// The layers that a `scalabilityMode` such as `L3T3_KEY` announces.
///
/// `L` or `S`, spatial layers, `T`, temporal layers (1 to 99 each), optionally `_KEY`; what follows is ignored, and a
/// text of any other form means one layer of each. (W3C "Scalable Video Coding Extension for WebRTC" names the modes.)
public struct ScalabilityMode: Sendable, Hashable {
    public var spatialLayers: Int
    public var temporalLayers: Int
    /// Spatial layers depend on each other at key frames only.
    public var ksvc: Bool

    public init(spatialLayers: Int = 1, temporalLayers: Int = 1, ksvc: Bool = false) {
        self.spatialLayers = spatialLayers
        self.temporalLayers = temporalLayers
        self.ksvc = ksvc
    }

    public init(parsing text: String?) {
        var rest = Substring(text ?? "")[...]
        guard let head = rest.popFirst(), head == "L" || head == "S",
            let spatial = Self.layers(&rest), rest.popFirst() == "T", let temporal = Self.layers(&rest)
        else {
            self.init()
            return
        }
        self.init(spatialLayers: spatial, temporalLayers: temporal, ksvc: rest.hasPrefix("_KEY"))
    }

    /// One or two digits without a leading zero, as many as there are.
    private static func layers(_ text: inout Substring) -> Int? {
        let digits = text.prefix(2).prefix { "0"..."9" ~= $0 && $0.isASCII }
        guard let first = digits.first, first != "0" else { return nil }
        text.removeFirst(digits.count)
        return Int(digits)
    }
}
