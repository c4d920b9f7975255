import Base

/// mediasoup's AudioLevelObserver: tells who is loud. Defaults are mediasoup's.
public struct AudioLevelObserverOptions: Sendable, Hashable {
    /// Producers told at most; above 0.
    public var maximumEntries: Int
    /// In dBov, −127…0: who is quieter is not told.
    public var threshold: Int
    /// Brought into 250 ms … 5 s.
    public var interval: Duration

    public init(maximumEntries: Int = 1, threshold: Int = -80, interval: Duration = .milliseconds(1000)) {
        self.maximumEntries = maximumEntries
        self.threshold = threshold
        self.interval = interval
    }
}

/// How loud a producer was.
public struct AudioVolume: Sendable, Hashable {
    public var producer: ProducerID
    /// In dBov: −127 (silence) … 0 (loudest).
    public var volume: Int

    public init(producer: ProducerID, volume: Int) {
        self.producer = producer
        self.volume = volume
    }
}

/// How a camera is held (3GPP TS 26.114 §7.4.5).
public struct CameraOrientation: Sendable, Hashable {
    /// The one on the back.
    public var camera: Bool
    /// Mirrored left to right.
    public var flip: Bool
    /// Clockwise: 0, 90, 180 or 270 degrees.
    public var rotation: Int

    public init(camera: Bool, flip: Bool, rotation: Int) {
        self.camera = camera
        self.flip = flip
        self.rotation = rotation
    }
}
