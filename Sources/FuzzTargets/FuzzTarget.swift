/// What bytes from outside may reach, one entry function each: fed by the fuzzer, and by ordinary tests with the seeds and
/// with every input that was ever found to break something.
///
/// An entry function takes any bytes, within bounded time and memory, and traps when a promise is broken. What is merely
/// refused (a typed error) is no finding.
public enum FuzzTarget: String, Sendable, CaseIterable {
    /// One datagram: header, contributing sources, header extensions, and the header written again.
    case rtpHeader = "rtp-header"
    /// Datagrams of one stream, each behind its length in two bytes (RFC 4571): payload descriptors, key frame
    /// detection, and the frames that are made of them.
    case vp8, vp9, h264, h265, opus
    /// Header extensions of one stream of AV1, each behind its length: layers, decode targets, what frames reference.
    case dependencyDescriptor = "dependency-descriptor"
    /// One datagram, everything in it read.
    case rtcp
    /// JSON text: capabilities and parameters, negotiated as requests bring them.
    case ortc
    /// A session description: read, understood as an offer of WHIP and of WHEP, and answered.
    case sdp
    /// Messages of protoo, one a line: read, written again, answered, matched with requests that wait.
    case protoo
    /// A suite and packets: protected ones from outside, and our own that come back changed or not.
    case srtp
    /// A TCP connection in pieces: frames, STUN messages, and an ICE agent that gets them from several clients.
    case stun
    /// A script of datagrams into a fresh DTLS server, beside those of a true client.
    case dtls
    /// A script of chunks, messages, losses and time on an SCTP association that is up, beside a true remote side.
    case sctp
    /// A script of datagrams, commands and time, played on an engine with every kind of transport and producer.
    case engine

    public func run(_ bytes: RawSpan) {
        switch self {
        case .rtpHeader: fuzzRTPHeader(bytes)
        case .vp8: fuzzPayloads(bytes, .vp8)
        case .vp9: fuzzPayloads(bytes, .vp9)
        case .h264: fuzzPayloads(bytes, .h264)
        case .h265: fuzzPayloads(bytes, .h265)
        case .opus: fuzzPayloads(bytes, .opus)
        case .dependencyDescriptor: fuzzDependencyDescriptors(bytes)
        case .rtcp: fuzzRTCP(bytes)
        case .ortc: fuzzORTC(bytes)
        case .sdp: fuzzSDP(bytes)
        case .protoo: fuzzProtoo(bytes)
        case .srtp: fuzzSRTP(bytes)
        case .stun: fuzzSTUN(bytes)
        case .dtls: fuzzDTLS(bytes)
        case .sctp: fuzzSCTP(bytes)
        case .engine: fuzzEngine(bytes)
        }
    }
}
