import Base
import SRTP

/// The engine's settings. The defaults are right for one worker on one core.
public struct SFUConfiguration: Sendable {
    /// What the wall clock said at `Instant(nanoseconds: 0)`, in nanoseconds since 1970: sender reports carry it.
    /// A driver on the monotonic clock gives the difference of the two clocks.
    public var unixNanosecondsAtZero: Int64 = 0
    /// Bytes that a producer keeps since its last key frame, and so the size of a video stream's log.
    /// 8 MB: 12 s at 5 Mbit/s.
    public var gopCacheBytes = 8 << 20
    /// Age of the key frame that a starting consumer is still given. Encoders for the web send one every 2…10 s.
    public var gopCacheDuration = Duration.seconds(12)
    public var gopBudget = GOPBudget()
    /// Bytes of an audio stream's log: 12 s of Opus at 140 kbit/s, so that audio reaches back as far as its picture.
    public var audioLogBytes = 256 << 10
    /// A producer without packets for this long is not flowing. 1 s: Opus DTX still sends every 400 ms.
    public var flowTimeout = Duration.seconds(1)
    /// At most one key frame request per stream in this time; mediasoup's KeyFrameRetransmissionWaitTime.
    public var keyFrameRequestInterval = Duration.seconds(1)
    /// What one plain or WebRTC transport may receive.
    public var ingress = Ceiling()
    /// When a change to another layer is made with a cached group of pictures.
    public var cachedSwitch = CachedSwitch()
    /// Who protects and unprotects packets of transports with SRTP.
    public var srtpBackend = SRTPBackend.openssl
    /// Where consumers want more than the estimate says there is, padding finds out whether the path carries more.
    public var probesBandwidth = true
    public var pacing = Pacing()
    public var coalescing = Coalescing()
    /// Packets of a frame that differ by one byte get one byte of padding, so that they leave in one run.
    public var joinsFrames = true

    /// The most that one transport takes in; what comes beyond is dropped and counted. Nil: there is no ceiling.
    public struct Ceiling: Sendable, Hashable {
        public var packetsPerSecond: Int?
        public var bitsPerSecond: Int?
        public init() {}
        public init(packetsPerSecond: Int?, bitsPerSecond: Int?) {
            (self.packetsPerSecond, self.bitsPerSecond) = (packetsPerSecond, bitsPerSecond)
        }
    }

    /// What all groups of one worker may take together.
    public struct GOPBudget: Sendable {
        /// 512 MB: 64 full groups, or some 400 of a 2 s group at 5 Mbit/s. Beyond, groups too old to begin with are given
        /// up first, then the largest.
        public var totalBytes = 512 << 20
        /// Where there is no group, this much history is kept: what receivers may ask for once more.
        public var history = Duration.seconds(2)
        public init() {}
    }

    /// How a consumer that starts behind catches up: `burst` packets at once, then in each `interval` as many again
    /// and `liveFactor` for each packet that came in meanwhile.
    public struct Pacing: Sendable {
        /// 32 × 1,200 bytes are 40 KB: five times less than Linux' smallest common receive buffer (208 KB, of which
        /// a datagram takes about twice its size).
        public var burst = 32
        /// 5 ms: 6,400 packets/s, so a 2 s GOP of 2 Mbit/s (420 packets) takes 70 ms.
        public var interval = Duration.milliseconds(5)
        /// Streams beyond 1,600 packets/s would be caught up with slower than in four times real time.
        public var liveFactor = 4
        /// On a path whose bandwidth is estimated: everything on it together no more than this many times the estimate
        /// while somebody catches up, though never less than what comes in. Nil: no such bound.
        ///
        /// Without, a start is told to the estimate as one: it is measured, and its queue is no over-use.
        ///
        /// Simulated with 3 s of 300 kbit/s over 900 kbit/s, of which 600 were known: without a bound the queue grew to
        /// 1 s, once, and the estimate stood; with 1.5 and 2.5 times, as a pacer has for single frames, the longer
        /// over-use halved the estimate; with 1.2 times the queue stayed below 50 ms, but the start took many seconds.
        public var bandwidthFactor: Double?
        public init() {}
    }

    /// Holding packets back so that they leave in runs; measured, see docs/protocols/sfu.md.
    public struct Coalescing: Sendable {
        public var isEnabled = true
        /// How long a packet waits at most.
        public var window = Duration.milliseconds(1)
        /// Share of a core that the traffic would take without waiting: above it the window opens.
        public var opensAt = 0.30
        /// … and below it the window shuts again.
        public var shutsAt = 0.20
        /// Packets of one producer that are held at most: a run of half the kernel's maximum.
        public var maximumPending = 32
        public init() {}
    }

    public init() {}
}
