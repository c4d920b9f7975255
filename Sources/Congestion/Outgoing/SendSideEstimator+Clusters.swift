import Base

// Bursts that the sender knows of: they are measured, and no over-use.
extension SendSideEstimator {
    /// A start lasts so long at most, and ends when so long nobody was behind: then its packets count as all others.
    static let longestStart: Int64 = 500_000_000
    static let startGap: Int64 = 25_000_000
    /// Between the beginnings of two starts: a flow of switches hides no over-use.
    static let startInterval: Int64 = 1_000_000_000

    /// Somebody who is behind is sent more than comes in. Say so before each piece of it.
    /// - Returns: whether a probe was given up for it.
    mutating func sendsStart(now: Int64) -> Bool {
        endStart(now: now)
        if let cluster, !cluster.isProbe {
            if cluster.isOpen {
                startEnds = min(now + Self.startGap, cluster.began + Self.longestStart)
                return false
            }
            guard now - cluster.began >= Self.startInterval else { return false }
        }
        guard now - lastStart >= Self.startInterval else { return false }
        let isGivenUp = cluster?.isProbe ?? false
        lastStart = now
        startEnds = now + Self.startGap
        begin(isProbe: false, now: now)
        return isGivenUp
    }

    /// - Returns: false while another burst is being measured.
    mutating func beginProbe(now: Int64) -> Bool {
        endStart(now: now)
        if let cluster, now - cluster.began < Cluster.timeout { return false }
        begin(isProbe: true, now: now)
        return true
    }

    mutating func endProbe() {
        guard cluster?.isProbe == true else { return }
        close()
    }

    /// A packet of padding leaves now.
    mutating func sendPadding(_ size: Int, now: Instant) -> UInt16 {
        sendInCluster(size, isPadding: true, now: now.nanoseconds)
    }

    /// What a probe measured, told once.
    mutating func takeMeasurement() -> (bitrate: Double?, wasAnswered: Bool)? {
        defer { measurement = nil }
        guard let measurement, measurement.isProbe else { return nil }
        return (measurement.bitrate, measurement.wasAnswered)
    }

    private mutating func begin(isProbe: Bool, now: Int64) {
        lastCluster = lastCluster == .max ? 1 : lastCluster + 1
        openCluster = lastCluster
        cluster = Cluster(id: lastCluster, began: now, isProbe: isProbe)
    }

    private mutating func close() {
        openCluster = 0
        cluster?.isOpen = false
    }

    func isStartOver(now: Int64) -> Bool { openCluster != 0 && cluster?.isProbe == false && now > startEnds }

    mutating func endStart(now: Int64) { if isStartOver(now: now) { close() } }

    mutating func arrivedInCluster(_ packet: SentPackets.Packet, arrived: Int64) {
        guard packet.cluster == cluster?.id else { return }
        cluster?.receive(packet, arrived: arrived)
    }

    /// What the last burst says, once all of it was told of, or should have been. Bits per second.
    mutating func measureCluster(told: Int64, now: Int64) -> Double? {
        endStart(now: now)
        guard let cluster, !cluster.isOpen else { return nil }
        guard told >= cluster.lastIndex || now - cluster.began >= Cluster.timeout else { return nil }
        let wasAnswered = cluster.paddingReceived > 0
        if wasAnswered { isProbed = true }
        measurement = (cluster.isProbe, cluster.bitrate, wasAnswered || cluster.padding == 0)
        self.cluster = nil
        return measurement?.bitrate
    }
}
