import Base
import Glibc
import SRTP

/// What the embedded core is told before it starts.
public struct MediaPlaneConfiguration: Sendable, Hashable {
    /// Where transports listen; a literal address. Loopback unless told otherwise.
    public var listenIP: String
    /// What tuples say instead of `listenIP`: the address by which others reach us, behind NAT for instance. May be a
    /// host name.
    public var announcedAddress: String?
    /// One port, UDP and TCP, for all WebRTC transports of the first worker; the n-th worker has the n-th port behind it.
    /// 0: the system chooses for each. Nil: each such transport has a UDP port of its own from the range.
    public var webRTCPort: UInt16?
    /// Where that port is opened: one each of UDP and TCP, in the order of their candidates. Empty: at `listenIP`.
    public var webRTCAddresses: [ListenAddress] = []
    /// How long a TCP connection may be open that is no way to a client, or not any more.
    public var strangerPatience = Duration.seconds(10)
    /// Who we are in DTLS. Nil: a certificate is made at the start.
    public var webRTCCertificate: CertificateFiles?
    /// UDP ports of transports.
    public var portRange: ClosedRange<UInt16>
    /// How long a port rests before it belongs to another transport; zero: not at all.
    public var portQuarantine: Duration
    /// Threads that forward media; each router is on one, unless it spans them. Nil: one per core.
    public var workers: Int?
    /// Routers span all workers: a room that is too much for one core uses the others, too. `createRouter(mediaCodecs:spans:)`
    /// says it of one.
    public var routersSpan = false
    /// The most that one transport may send us; what comes beyond is dropped and counted. Nil: no ceiling.
    /// 50,000 packets and 400 Mbit a second: ten 4K cameras; a sender that floods takes a tenth of a core at most.
    public var ingressPacketsPerSecond: Int? = 50_000
    public var ingressBitsPerSecond: Int? = 400_000_000
    /// The most that a producer keeps since its last key frame.
    public var gopCacheBytes: Int
    /// The longest time since its last key frame that a producer keeps.
    public var gopCacheDuration: Duration
    /// Holding packets for up to 1 ms under load, so that runs of them are sent together. Off: each turn sends at once.
    public var coalescing: Bool
    /// Packets of a frame that differ by one byte in length get one byte of padding, so that they leave in one run.
    public var joinsFrames = true
    /// Who protects and unprotects packets of transports with SRTP.
    public var srtpBackend: SRTPBackend

    public init(
        listenIP: String = "127.0.0.1", announcedAddress: String? = nil,
        portRange: ClosedRange<UInt16> = 40_000...49_999,
        portQuarantine: Duration = PortPool.standardQuarantine, workers: Int? = nil, gopCacheBytes: Int = 8 << 20,
        gopCacheDuration: Duration = .seconds(12), coalescing: Bool = true, srtpBackend: SRTPBackend = .openssl
    ) {
        self.listenIP = listenIP
        self.announcedAddress = announcedAddress
        self.portRange = portRange
        self.portQuarantine = portQuarantine
        self.workers = workers
        self.gopCacheBytes = gopCacheBytes
        self.gopCacheDuration = gopCacheDuration
        self.coalescing = coalescing
        self.srtpBackend = srtpBackend
    }

    /// How many workers there may be.
    public static let workerCounts = 1...64

    /// How many there will be.
    public var workerCount: Int {
        workers ?? min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), Self.workerCounts.upperBound)
    }

    /// Where clients of WebRTC are told to come.
    var webRTCListens: [ListenAddress] {
        webRTCAddresses.isEmpty ? [ListenAddress(listenIP, announced: announcedAddress)] : webRTCAddresses
    }

    /// - Throws: The first key whose value can't be right.
    public func validate() throws(MediaPlaneConfigurationError) {
        if SocketAddress(listenIP, port: 0) == nil {
            throw .init(key: "listenIP", value: listenIP, expected: "a literal IPv4 or IPv6 address")
        }
        if let announcedAddress, announcedAddress.isEmpty || announcedAddress.contains(where: \.isWhitespace) {
            throw .init(key: "announcedAddress", value: announcedAddress, expected: "an address or host name")
        }
        if portRange.lowerBound == 0 {
            throw .init(
                key: "portRange", value: "\(portRange.lowerBound)-\(portRange.upperBound)", expected: "ports 1-65535")
        }
        if !(Duration.zero...Duration.seconds(3600)).contains(portQuarantine) {
            throw .init(key: "portQuarantine", value: "\(portQuarantine)", expected: "0 to 3600 seconds")
        }
        if let workers, !Self.workerCounts.contains(workers) {
            throw .init(key: "workers", value: "\(workers)", expected: "1 to \(Self.workerCounts.upperBound) workers")
        }
        if let webRTCPort, webRTCPort > 0, Int(webRTCPort) + workerCount - 1 > 65_535 {
            throw .init(
                key: "webRTCPort", value: "\(webRTCPort)", expected: "the first of \(workerCount) ports, up to 65535")
        }
        for listen in webRTCAddresses where SocketAddress(listen.ip, port: 0) == nil {
            throw .init(key: "webRTCAddresses", value: listen.ip, expected: "a literal IPv4 or IPv6 address")
        }
        for (key, value) in [
            ("ingressPacketsPerSecond", ingressPacketsPerSecond), ("ingressBitsPerSecond", ingressBitsPerSecond),
        ] {
            guard let value, value < 1 else { continue }
            throw .init(key: key, value: "\(value)", expected: "1 or more")
        }
        if !(65_536...(1 << 30)).contains(gopCacheBytes) {
            throw .init(key: "gopCacheBytes", value: "\(gopCacheBytes)", expected: "65536 to 1073741824 bytes")
        }
        if !(Duration.zero...Duration.seconds(600)).contains(gopCacheDuration) {
            throw .init(key: "gopCacheDuration", value: "\(gopCacheDuration)", expected: "0 to 600 seconds")
        }
    }
}

public struct MediaPlaneConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let key: String
    public let value: String
    public let expected: String

    public init(key: String, value: String, expected: String) {
        self.key = key
        self.value = value
        self.expected = expected
    }

    public var description: String { "\(key): '\(value)' is not \(expected)" }
}
